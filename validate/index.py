"""What the gate asks of `validated_examples`, kept in an SQLite file: no batch scans the table.

Derived: it says nothing that `validated_examples` and `conversations` do not, and notes which
versions of them it reflects; `validate.catch_up` brings it to the newest. It holds hashes and keys,
no text. One process writes it. Deleting the file costs time, never a verdict.

Reads and writes no table.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from deskwheel.records import Split
from deskwheel.times import from_us, to_us
from validate.candidates import Candidate, Decision, Place
from validate.entries import Entry
from validate.near import Keys, band_keys, minima

BUCKET = 32
"""Most signatures that are kept of those which share a band, the first ones. More are variants of
one template: whoever resembles another of them resembles one of these, too, so a batch costs no
more the more variants there are."""

_FORMAT = 2
"""Of the tables below; an index of another one is made anew."""
_REFLECTS = "reflects"
_CACHE_KIB = 65_536

_SCHEMA = f"""
PRAGMA user_version = {_FORMAT};
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -{_CACHE_KIB};
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS examples (
  example_id TEXT NOT NULL UNIQUE, conversation_id TEXT NOT NULL, version INTEGER NOT NULL,
  content TEXT NOT NULL, sent_us INTEGER NOT NULL, split TEXT NOT NULL, outcome INTEGER NOT NULL,
  reasons TEXT NOT NULL, verdict TEXT NOT NULL,
  cluster_id TEXT, cluster_split TEXT, group_id TEXT, subject TEXT NOT NULL,
  category TEXT NOT NULL, asked BLOB, is_answer INTEGER NOT NULL, shape INTEGER
);
CREATE INDEX IF NOT EXISTS of_conversation ON examples (conversation_id);
CREATE INDEX IF NOT EXISTS of_content ON examples (content);
CREATE INDEX IF NOT EXISTS of_subject ON examples (subject, sent_us);
CREATE INDEX IF NOT EXISTS of_cluster ON examples (cluster_id) WHERE cluster_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS of_group ON examples (group_id, verdict) WHERE group_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS of_shape ON examples (shape) WHERE shape IS NOT NULL;
CREATE TABLE IF NOT EXISTS shapes (shape INTEGER PRIMARY KEY, signature BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS bands (
  key INTEGER NOT NULL, shape INTEGER NOT NULL, PRIMARY KEY (key, shape)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions (
  conversation_id TEXT PRIMARY KEY, version INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TEMP TABLE asked (name PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE probes (key INTEGER, number INTEGER);
"""
_COLUMNS = (
    "example_id, conversation_id, version, content, sent_us, split, outcome, reasons, verdict,"
    " cluster_id, cluster_split, group_id, subject, category, asked, is_answer"
)
_ROW = f"INSERT OR REPLACE INTO examples ({_COLUMNS}, shape) VALUES ({'?, ' * 16}?)"  # noqa: S608
_BAND = """
INSERT OR IGNORE INTO bands SELECT :key, :shape
WHERE (SELECT count(*) FROM bands WHERE key = :key) < :bucket
"""

_CLUSTER_SPLITS = """
UPDATE examples SET cluster_split =
  (SELECT e.split FROM examples e WHERE e.example_id = examples.cluster_id)
WHERE cluster_id IS NOT NULL AND cluster_split IS NULL
"""
_ADOPTED = """
UPDATE examples SET {column} = coalesce(
  (SELECT e.{column} FROM examples e WHERE e.content = examples.content
     AND e.{column} IS NOT NULL LIMIT 1),
  (SELECT e.example_id FROM examples e WHERE e.content = examples.content
     AND e.verdict = 'valid' LIMIT 1),
  example_id)
WHERE {column} IS NULL AND verdict IN ('valid', 'duplicate')
"""
"""Rows of releases without clusters lie in that of their content."""
_FORGOTTEN = (
    "DELETE FROM shapes WHERE shape NOT IN (SELECT shape FROM examples WHERE shape IS NOT NULL)",
    "DELETE FROM bands WHERE shape NOT IN (SELECT shape FROM shapes)",
)
"""Signatures that no row has any more: an erased example leaves none behind."""


@dataclass(frozen=True, kw_only=True)
class Reflected:
    """What an index was made out of; None where it has seen nothing of a table."""

    table: str | None = None
    """Delta's id of `validated_examples`, so that a table made anew is noticed."""
    version: int | None = None
    conversations: str | None = None
    conversations_version: int | None = None


class Index:
    """The index in one open file; `open_index` makes it."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base

    @property
    def reflects(self) -> Reflected:
        """Which version of which tables the index reflects."""
        found = dict(self._base.execute("SELECT name, value FROM facts"))
        return Reflected(**json.loads(found[_REFLECTS])) if found else Reflected()

    def newest_versions(self, conversations: Iterable[str]) -> dict[str, int]:
        """The newest version of those conversations that have one above 1."""
        query = "SELECT conversation_id, version FROM asked JOIN versions ON conversation_id = name"
        with self._asked(conversations):
            return dict(self._base.execute(query))

    def splits(self, subjects: Iterable[str]) -> dict[str, Split]:
        """The split of those subjects that were seen before."""
        query = "SELECT subject, min(split) FROM examples JOIN asked ON subject = name GROUP BY 1"
        with self._asked(subjects):
            return dict(self._base.execute(query))

    def of_conversations(self, ids: Iterable[str]) -> list[Candidate]:
        """All rows of some conversations."""
        return self._found("conversation_id", ids)

    def of_ids(self, ids: Iterable[str]) -> list[Candidate]:
        """The rows of some examples."""
        return self._found("example_id", ids)

    def of_contents(self, contents: Iterable[str]) -> list[Candidate]:
        """One row with a place for each content that has any."""
        rest = "AND cluster_id IS NOT NULL AND verdict <> 'erased' GROUP BY content"
        return self._found("content", contents, rest)

    def of_groups(self, ids: Iterable[str], *, only_valid: bool) -> list[Candidate]:
        """The valid row, or all rows, of some groups."""
        return self._found("group_id", ids, "AND verdict = 'valid'" if only_valid else "")

    def of_clusters(self, ids: Iterable[str]) -> list[Candidate]:
        """All rows of some clusters."""
        return self._found("cluster_id", ids)

    def of_subjects(self, ids: Iterable[str], since: datetime, until: datetime) -> list[Candidate]:
        """The rows of some customers that were sent in a span of time, both ends included."""
        span = f"AND sent_us BETWEEN {to_us(since)} AND {to_us(until)}"
        return self._found("subject", ids, span)

    def of_shapes(self, shapes: Iterable[int]) -> dict[int, str]:
        """Shape → a row with a place that has exactly this signature, where there is one."""
        query = (
            "SELECT shape, min(example_id) FROM examples JOIN asked ON shape = name"
            " WHERE cluster_id IS NOT NULL GROUP BY shape"
        )
        with self._asked(shapes):
            return dict(self._base.execute(query))

    def meeting(self, keys: Keys) -> list[tuple[int, int]]:
        """Row of `keys` and shape, for each pair that shares a band."""
        rows = ((key, n) for n, of in enumerate(keys.tolist()) for key in of)
        self._base.execute("DELETE FROM probes")
        self._base.executemany("INSERT INTO probes VALUES (?, ?)", rows)
        query = "SELECT DISTINCT number, shape FROM probes CROSS JOIN bands USING (key)"
        return list(self._base.execute(query))

    def signatures(self, shapes: Iterable[int]) -> dict[int, bytes]:
        """The signatures of some shapes."""
        query = "SELECT shape, signature FROM asked CROSS JOIN shapes ON shape = name"
        with self._asked(shapes):
            return dict(self._base.execute(query))

    def apply(
        self, decisions: Mapping[str, Decision], fresh: Mapping[str, Entry], *, version: int
    ) -> None:
        """Take over what was committed as a version of the table.

        Args:
            decisions: by example id.
            fresh: those of them that were new to the table.
            version: the one that the commit made.
        """
        changed = [
            (d.verdict, json.dumps(d.reasons), *d.place, i)
            for i, d in decisions.items()
            if i not in fresh
        ]
        with self._base:
            self._put(e.decided(decisions[i]) for i, e in fresh.items() if i in decisions)
            self._base.executemany(
                "UPDATE examples SET verdict = ?, reasons = ?, cluster_id = ?, cluster_split = ?,"
                " group_id = ? WHERE example_id = ?",
                changed,
            )
            self._note(replace(self.reflects, version=version))

    def take(self, entries: Iterable[list[Entry]], reflects: Reflected) -> None:
        """Put stored rows in, in the place of those with the same id, as one transaction."""
        with self._base:
            for found in entries:
                self._put(found)
            for column in ("cluster_id", "group_id"):
                self._base.execute(_ADOPTED.format(column=column))
            for statement in (_CLUSTER_SPLITS, *_FORGOTTEN):
                self._base.execute(statement)
            self._note(reflects)

    def take_versions(self, versions: Iterable[tuple[str, int]], reflects: Reflected) -> None:
        """Put versions of conversations in; of each the newest is kept."""
        with self._base:
            self._base.executemany(
                "INSERT INTO versions VALUES (?, ?) ON CONFLICT DO UPDATE"
                " SET version = max(version, excluded.version)",
                versions,
            )
            self._note(reflects)

    def note_version(self, version: int) -> None:
        """Take note of a version of the table that changed no row."""
        with self._base:
            self._note(replace(self.reflects, version=version))

    def clear(self) -> None:
        """Forget everything."""
        with self._base:
            for name in ("examples", "shapes", "bands", "versions", "facts"):
                self._base.execute(f"DELETE FROM {name}")  # noqa: S608  names are ours

    def count(self) -> int:
        """Rows of the table that it holds."""
        return int(self._base.execute("SELECT count(*) FROM examples").fetchone()[0])

    def _put(self, entries: Iterable[Entry]) -> None:
        found = list(entries)
        self._base.executemany(_ROW, map(_row, found))
        signed = {e.shape: e for e in found if e.shape is not None and e.candidate.place.cluster_id}
        known = self.signatures(signed)
        new = [e for shape, e in signed.items() if shape not in known]
        if not new:
            return
        signatures = [e.signature or b"" for e in new]
        self._base.executemany(
            "INSERT INTO shapes VALUES (?, ?)",
            [(e.shape, s) for e, s in zip(new, signatures, strict=True)],
        )
        keys = band_keys(minima(signatures), [e.scope for e in new]).tolist()
        rows = sorted(
            (key, n, e.shape) for n, (e, of) in enumerate(zip(new, keys, strict=True)) for key in of
        )
        self._base.executemany(
            _BAND, ({"key": key, "shape": shape, "bucket": BUCKET} for key, _, shape in rows)
        )

    def _found(self, column: str, values: Iterable[str], rest: str = "") -> list[Candidate]:
        query = (
            f"SELECT {_COLUMNS} FROM asked CROSS JOIN examples ON {column} = name"  # noqa: S608
            f" WHERE TRUE {rest}"
        )
        with self._asked(values):
            return [_candidate(row) for row in self._base.execute(query)]

    @contextmanager
    def _asked(self, values: Iterable[str] | Iterable[int]) -> Iterator[None]:
        self._base.executemany("INSERT OR IGNORE INTO asked VALUES (?)", ((v,) for v in values))
        try:
            yield
        finally:
            self._base.execute("DELETE FROM asked")

    def _note(self, reflects: Reflected) -> None:
        self._base.execute("DELETE FROM facts")
        self._base.execute(
            "INSERT INTO facts VALUES (?, ?)", (_REFLECTS, json.dumps(asdict(reflects)))
        )


@contextmanager
def open_index(file: Path) -> Iterator[Index]:
    """The index in a file, made anew where there is none, a broken one or another format's."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        base = _connect(file)
    except sqlite3.DatabaseError:
        for suffix in ("", "-wal", "-shm"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        base = _connect(file)
    with closing(base):
        yield Index(base)


def _connect(file: Path) -> sqlite3.Connection:
    base = sqlite3.connect(file)
    try:
        (form,) = base.execute("PRAGMA user_version").fetchone()
        if form != _FORMAT and base.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise sqlite3.DatabaseError(f"format {form} of the index is not {_FORMAT}")
        base.executescript(_SCHEMA)
        base.execute("SELECT count(*) FROM facts").fetchone()
    except sqlite3.DatabaseError:
        base.close()
        raise
    return base


def _row(entry: Entry) -> tuple[Any, ...]:
    c = entry.candidate
    return (
        c.example_id, c.conversation_id, c.conversation_version, c.content, to_us(c.sent_at),
        c.split, c.outcome, json.dumps(c.reasons), c.verdict, *c.place, c.subject, c.category,
        c.asked, c.is_answer, entry.shape,
    )  # fmt: skip


def _candidate(row: tuple[Any, ...]) -> Candidate:
    return Candidate(
        example_id=row[0],
        conversation_id=row[1],
        conversation_version=row[2],
        content=row[3],
        sent_at=from_us(row[4]),
        split=row[5],
        outcome=row[6],
        reasons=tuple(json.loads(row[7])),
        verdict=row[8],
        place=Place(*row[9:12]),
        subject=row[12],
        category=row[13],
        asked=row[14],
        is_answer=bool(row[15]),
    )
