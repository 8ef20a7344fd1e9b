"""Which events and mails a table holds, kept in files beside it: no micro-batch scans the table.

Derived: it says nothing that the table does not, and notes up to which commit it reflects it;
`open_lookup` brings it to the newest out of the files that were added since. Where that cannot be
said, because rows were deleted, the table was restored or made anew, or a file is gone or broken,
it is made anew out of the whole table: that costs time, never a row. It holds hashes and
conversation ids, no text. For the process that writes the table alone.

Reads the tables `turns` and `feedback`; writes none.
"""

import os
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from deskwheel import lake
from deskwheel.commit_log import Change, change_of, has_commits
from deskwheel.settings import Settings
from deskwheel.tables import TURNS
from deskwheel.times import from_us, to_us
from transforms.intakes import Intake
from transforms.sorted_runs import Kind, SortedRuns, digest, digest_columns
from transforms.threads import SAME_SPACE, Mail

MOST_PER_KEY = 50
"""Newest mails with one key that are looked at: a machine that sends the same subject all day must
not fill the driver."""

KEPT_BEYOND = timedelta(days=7)
"""How much longer than a horizon an entry is kept: a horizon counts from the oldest record of a
batch, and the topics keep records for so long."""

Event = tuple[str, str]
"""Topic and id: what is sent to two topics is two events."""

_KINDS = {
    "events": Kind(pa.schema([("at_us", pa.int64())]), newest_by="at_us", most=1),
    "mails": Kind(
        pa.schema(
            [("at_us", pa.int64()), ("sent_us", pa.int64()), ("conversation_id", pa.string())]
        ),
        newest_by="sent_us",
        most=MOST_PER_KEY,
    ),
}


class Lookup:
    """The index of one table; `open_lookup` brings it up to date."""

    def __init__(self, runs: SortedRuns) -> None:
        """Ask these runs."""
        self._runs = runs

    def accepted(self, events: Collection[Event], *, since: datetime) -> set[Event]:
        """Those of the events that the table has accepted since then, by the broker's clock."""
        asked = list(events)
        found: set[Event] = set()
        for part in self._runs.find("events", [digest(*event) for event in asked]):
            places = part.filter(pc.greater_equal(part["at_us"], to_us(since)))["asked"]
            found.update(asked[place] for place in places.to_pylist())
        return found

    def mails(self, keys: Collection[str], *, since: datetime) -> list[Mail]:
        """Accepted mails since then that share a name with these keys, one for each key of theirs.

        Of each key the newest `MOST_PER_KEY`. Mails name a mail and refer to it by the same hash,
        so a key finds those of every kind in its space.
        """
        asked = sorted({kind + key[1:] for key in keys for kind in SAME_SPACE[key[0]]})
        found: dict[str, set[tuple[int, str]]] = defaultdict(set)
        for part in self._runs.find("mails", [digest(key) for key in asked]):
            recent = part.filter(pc.greater_equal(part["at_us"], to_us(since)))
            columns = (recent[name].to_pylist() for name in ("asked", "sent_us", "conversation_id"))
            for place, sent_us, conversation_id in zip(*columns, strict=True):
                found[asked[place]].add((-sent_us, conversation_id))
        return [
            Mail(conversation_id, from_us(-newest_us), (key,))
            for key in sorted(found)
            for newest_us, conversation_id in sorted(found[key])[:MOST_PER_KEY]
        ]


def open_lookup(settings: Settings, intake: Intake, *, now: datetime) -> Lookup:
    """The index of an intake's table as it is now, in a folder beside the stream checkpoints.

    Cost is linear in the rows of the files added since it was open, and in all rows of the table
    where it is made anew. `now` is the broker's time of the batch's oldest record.
    """
    own = settings.transforms
    runs = SortedRuns(Path(own.checkpoint_dir).absolute() / f"{intake.name}.lookup", _KINDS)
    if has_commits(settings.pipeline.lake, intake.table):
        horizons = {"events": own.dedup_horizon_h, "mails": own.thread_horizon_h}
        before_us = {
            kind: to_us(now - timedelta(hours=hours) - KEPT_BEYOND)
            for kind, hours in horizons.items()
        }
        _CatchUp(runs, settings.pipeline.lake, intake, before_us).run()
    else:
        runs.clear()
    return Lookup(runs)


@dataclass(frozen=True)
class _CatchUp:
    """What brings the runs up to the table's newest commit."""

    runs: SortedRuns
    lake_dir: str
    intake: Intake
    before_us: Mapping[str, int]
    """Of each kind, what is older is asked for by nobody."""

    def run(self) -> None:
        """Take what was committed since, by the names of the commits: no log is listed."""
        version, known = self.runs.note.get("version"), self.runs.note.get("digest")
        newest = None if version is None else self._change(version)
        if version is None or newest is None or newest.digest != known:
            self._make_anew()
            return
        added: list[str] = []
        first = version
        while change := self._change(version + 1):
            if change.has_deleted or not all(map(os.path.exists, change.added)):
                self._make_anew()
                return
            added += change.added
            version, newest = version + 1, change
        if version > first:
            self._take(added)
            self.runs.save({"version": version, "digest": newest.digest})

    def _make_anew(self) -> None:
        table = lake.open_table(self.lake_dir, self.intake.table)
        newest = None if table is None else self._change(table.version())
        if table is None or newest is None:
            raise FileNotFoundError(
                f"{lake.table_path(self.lake_dir, self.intake.table)}: its newest commit cannot"
                " be read; restore the table's folder _delta_log"
            )
        self.runs.clear()
        self._take(table.file_uris())
        self.runs.save({"version": table.version(), "digest": newest.digest})

    def _change(self, version: int) -> Change | None:
        return change_of(self.lake_dir, self.intake.table, version)

    def _take(self, paths: Sequence[str]) -> None:
        """Add the accepted rows of some files."""
        columns = {
            "topic": pc.field(("source", "topic")),
            "name": pc.field(self.intake.id_column),
            "ingested_at": pc.field("ingested_at"),
        }
        if self.intake.table is TURNS:
            names = ("conversation_id", "sent_at", "thread_keys")
            columns |= {name: pc.field(name) for name in names}
        where = pc.field("verdict") == "accepted"
        for part in lake.scan_files(self.intake.table, paths, columns, where):
            self._add("events", _events(part))
            if "thread_keys" in columns:
                self._add("mails", _mails(part))

    def _add(self, kind: str, rows: pa.Table) -> None:
        self.runs.add(kind, rows, before_us=self.before_us[kind])


def _events(part: pa.RecordBatch) -> pa.Table:
    """Each event once: its utterances are rows of their own."""
    named = zip(*(part[name].to_pylist() for name in ("topic", "name")), strict=True)
    newest: dict[Event, int] = {}
    for event, at_us in zip(named, _us(part["ingested_at"]).to_pylist(), strict=True):
        newest[event] = max(at_us, newest.get(event, at_us))
    columns = [
        *digest_columns([digest(*event) for event in newest]),
        pa.array(newest.values(), pa.int64()),
    ]
    return pa.Table.from_arrays(columns, schema=_KINDS["events"].columns)


def _mails(part: pa.RecordBatch) -> pa.Table:
    """A row for each key of a mail."""
    part = part.filter(part["thread_keys"].is_valid())
    lines = pc.list_parent_indices(part["thread_keys"])
    keys = pc.list_flatten(part["thread_keys"]).to_pylist()
    columns = [
        *digest_columns([digest(key) for key in keys]),
        _us(part["ingested_at"]).take(lines),
        _us(part["sent_at"]).take(lines),
        part["conversation_id"].take(lines),
    ]
    return pa.Table.from_arrays(columns, schema=_KINDS["mails"].columns)


def _us(moments: pa.Array) -> pa.Array:
    return moments.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
