"""The conservation law, counted: every offset of Kafka is one verdict, every example one verdict.

Runs the statements of `deskwheel.laws` without a JVM over fixed versions of `turns`, `feedback`,
`conversations`, `examples` and `validated_examples`; writes no table or topic. It may run at any
time beside the jobs: what they have not read yet is pending, which is not the same as lost.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deltalake import DeltaTable, QueryBuilder

from deskwheel import config, failpoint, lake, laws
from deskwheel.errors import ServiceError, SetupError
from deskwheel.laws import Offsets
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.topics import RAW

Row = dict[str, Any]

EXAMPLE_VERDICTS = ("valid", "quarantined", "duplicate", "superseded", "erased")
_SHOWN = 5
_OFFSETS_TIMEOUT_S = 120


@dataclass(frozen=True, kw_only=True)
class PartitionBalance:
    """One topic-partition: offsets in Kafka against distinct offsets in its table."""

    topic: str
    partition: int
    begin: int
    end: int
    accepted: int
    rejected: int
    duplicate: int
    missing: int
    """Offsets in Kafka without a row, below the newest one that has a row: lost."""
    pending: int
    """Offsets above the newest one with a row: not read yet."""
    expired: int
    """Offsets with a row that Kafka no longer keeps."""

    @property
    def offsets(self) -> int:
        """Events that Kafka keeps."""
        return self.end - self.begin


@dataclass(frozen=True, kw_only=True)
class ExampleBalance:
    """Distinct candidates against their rows among the validated examples."""

    candidates: int
    verdicts: Mapping[str, int]
    """Verdict → distinct candidates."""
    pending: int
    """Candidates without a verdict."""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Whether the laws hold, and where they do not."""

    partitions: tuple[PartitionBalance, ...]
    examples: ExampleBalance
    breaches: Mapping[str, Sequence[Row]]
    """Law → the rows that break it; laws that hold are left out."""
    versions: Mapping[str, int | None]
    """Table → Delta version that was read; None for one that did not exist."""
    read_offsets: Offsets

    @property
    def unaccounted(self) -> int:
        """Events and candidates without a verdict: lost or not yet processed."""
        return sum(row.missing for row in self.partitions) + self.pending

    @property
    def pending(self) -> int:
        """Events and candidates that their job has not come to yet."""
        return sum(row.pending for row in self.partitions) + self.examples.pending

    @property
    def problems(self) -> tuple[str, ...]:
        """What contradicts a law, one sentence each."""
        return tuple(
            sentence for law, rows in self.breaches.items() for sentence in _sentences(law, rows)
        )

    @property
    def is_lawful(self) -> bool:
        """Whether no law is broken; something may still be pending."""
        return not self.breaches

    @property
    def is_balanced(self) -> bool:
        """Whether no law is broken and nothing is pending."""
        return self.is_lawful and self.unaccounted == 0

    def to_dict(self) -> dict[str, Any]:
        """The audit as JSON can hold it, derived values included."""
        return {
            **asdict(self),
            "unaccounted": self.unaccounted,
            "pending": self.pending,
            "problems": list(self.problems),
            "is_lawful": self.is_lawful,
            "is_balanced": self.is_balanced,
        }


def conservation(
    lake_path: str | Path, offsets: Offsets, *, versions: Mapping[str, int | None] | None = None
) -> Audit:
    """The audit of a lake against the offsets that Kafka reported before it was read.

    Offsets appended since then are ignored. Cost is linear in the rows of the tables.

    Args:
        lake_path: folder of the tables.
        offsets: of every topic; those that need no rows are left out.
        versions: table → version to read, as an earlier audit names them; the newest by default.
    """
    wanted = laws.counted(offsets, [topic.name for topic in RAW])
    read = dict(versions or {t.name: lake.current_version(lake_path, t) for t in laws.TABLES})
    with tempfile.TemporaryDirectory() as empty:
        query = _Query(lake_path, read, wanted, empty=empty)
        expired = {(r["topic"], r["part"]): r["expired"] for r in query.rows(laws.EXPIRED)}
        partitions = tuple(
            _balance(row, expired.get((row["topic"], row["part"]), 0))
            for row in query.rows(laws.BALANCE)
        )
        counts = {r["verdict"]: r["candidates"] for r in query.rows(laws.VERDICTS)}
        found = {law.name: query.rows(law) for law in laws.BREACHES}
    failpoint.reach(failpoint.IN_AUDIT)
    return Audit(
        partitions=partitions,
        examples=ExampleBalance(
            candidates=counts.pop("candidates", 0),
            pending=counts.pop("pending", 0),
            verdicts={name: counts[name] for name in EXAMPLE_VERDICTS if name in counts},
        ),
        breaches={name: rows for name, rows in found.items() if rows},
        versions=read,
        read_offsets=wanted,
    )


class _Query:
    """The laws' tables at their versions, ready to be asked."""

    def __init__(
        self,
        lake_path: str | Path,
        versions: Mapping[str, int | None],
        offsets: Offsets,
        *,
        empty: str,
    ) -> None:
        self._offsets = offsets
        self._engine = QueryBuilder()
        for table in laws.TABLES:
            found = lake.open_table(lake_path, table, version=versions.get(table.name))
            self._engine.register(table.name, found or DeltaTable(lake.ensure(empty, table)))

    def rows(self, law: laws.Law) -> list[Row]:
        table = self._engine.execute(laws.statement(law, self._offsets)).read_all()
        return [dict(zip(table.column_names, r, strict=True)) for r in _tuples(table)]


def _tuples(table: Any) -> Iterator[tuple[Any, ...]]:
    return zip(*(table.column(i).to_pylist() for i in range(table.num_columns)), strict=True)


def _balance(row: Row, expired: int) -> PartitionBalance:
    return PartitionBalance(
        topic=row["topic"],
        partition=row["part"],
        begin=row["first_offset"],
        end=row["end_offset"],
        accepted=row["accepted"],
        rejected=row["rejected"],
        duplicate=row["duplicate"],
        missing=row["last_offset"] + 1 - row["first_offset"] - row["seen"],
        pending=row["end_offset"] - 1 - row["last_offset"],
        expired=expired,
    )


def read_offsets(settings: Settings) -> dict[str, dict[int, tuple[int, int]]]:
    """The offsets of every topic, asked of Kafka by the ingest stage in a process of its own.

    Raises:
        ServiceError: the brokers did not answer.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "deskwheel.toml"
        file.write_text(config.dump(settings), encoding="utf-8")
        program = [sys.executable, "-m", "ingest", "offsets", "--json", "--config", str(file)]
        try:
            done = subprocess.run(
                program, capture_output=True, text=True, check=False, timeout=_OFFSETS_TIMEOUT_S
            )
        except subprocess.TimeoutExpired as error:
            raise ServiceError(_no_offsets(settings, f"no answer in {error.timeout} s")) from error
    if done.returncode:
        raise ServiceError(_no_offsets(settings, done.stderr.strip()[-300:]))
    return _offsets_of(json.loads(done.stdout))


def render(audit: Audit) -> str:
    """The audit as a table of plain text with its verdict in the last line."""
    titles = ("topic", "part", "offsets", "accepted", "rejected", "duplicate", "lost", "pending")
    rows = [
        (
            row.topic, row.partition, row.offsets, row.accepted, row.rejected, row.duplicate,
            row.missing, row.pending,
        )
        for row in audit.partitions
    ]  # fmt: skip
    lines = ["{:<14}{:>5}{:>10}{:>10}{:>10}{:>11}{:>7}{:>9}".format(*r) for r in (titles, *rows)]
    verdicts = ", ".join(f"{count} {name}" for name, count in audit.examples.verdicts.items())
    lines.append(
        f"examples: {audit.examples.candidates} candidates = {verdicts or 'none'}"
        f", {audit.examples.pending} pending"
    )
    read = ", ".join(f"{name} {v}" for name, v in audit.versions.items() if v is not None)
    lines.append(f"versions read: {read or 'none, there are no tables yet'}")
    lines += [f"problem: {problem}" for problem in audit.problems]
    return "\n".join([*lines, _conclusion(audit)])


def _conclusion(audit: Audit) -> str:
    if audit.is_balanced:
        return "balanced: every event and every example is accounted for once"
    if audit.is_lawful:
        return f"balanced so far: {audit.pending} pending, nothing lost or counted twice"
    return f"NOT balanced: {audit.unaccounted} unaccounted"


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the audit, keep it for the console, and return 1 when a law does not hold.

    What is pending makes it 1 only after the stages were given time to catch up (`--wait`).
    """
    if arguments.repeat:
        audit = repeated_audit(settings, Path(arguments.repeat))
    else:
        audit = settled_audit(settings, wait_s=arguments.wait)
        keep_audit(settings, audit, at=datetime.now(UTC))
    if arguments.sql:
        print(laws.script(settings.pipeline.lake, audit.versions, audit.read_offsets))
    else:
        print(json.dumps(audit.to_dict()) if arguments.json else render(audit))
    is_good = audit.is_balanced if arguments.wait else audit.is_lawful
    return 0 if is_good else 1


def settled_audit(settings: Settings, *, wait_s: float) -> Audit:
    """An audit against the offsets of this moment, repeated until nothing is pending.

    Args:
        settings: where Kafka and the tables are.
        wait_s: for how long the stages may catch up; 0 audits once.
    """
    deadline = time.monotonic() + wait_s
    offsets = read_offsets(settings)
    audit = conservation(settings.pipeline.lake, offsets)
    while audit.unaccounted and time.monotonic() < deadline:
        time.sleep(min(1.0, max(0.0, deadline - time.monotonic())))
        audit = conservation(settings.pipeline.lake, offsets)
    return audit


def repeated_audit(settings: Settings, file: Path) -> Audit:
    """An earlier audit once more: the same offsets, the same table versions.

    Raises:
        SetupError: the file is not what `deskwheel audit --json` prints.
    """
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        offsets, versions = _offsets_of(told["read_offsets"]), told["versions"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SetupError(
            f"{file} is not an audit ({error}); make one with `deskwheel audit --json > {file}`"
        ) from error
    return conservation(settings.pipeline.lake, offsets, versions=versions)


def keep_audit(settings: Settings, audit: Audit, *, at: datetime) -> None:
    """Store an audit for the console, in the place of the last one."""
    state = State(settings.pipeline.state_url)
    state.put("audit", settings.pipeline.name, audit_document(audit, at))
    state.close()


def audit_document(audit: Audit, at: datetime) -> dict[str, Any]:
    """What is stored in the state database as document `audit`, dated."""
    return {**audit.to_dict(), "at": at.isoformat(timespec="seconds")}


def _offsets_of(told: Mapping[str, Mapping[str, Sequence[int]]]) -> Any:
    return {t: {int(p): (r[0], r[1]) for p, r in parts.items()} for t, parts in told.items()}


_GAP = ("first_missing", "last_missing")
_OF_OFFSETS = {
    "EVENT_LOST": "in Kafka, in no row",
    "EVENT_READ_TWICE": "read twice",
    "EVENT_WITH_TWO_VERDICTS": "with two verdicts",
}
_OF_ROWS = {
    "VERSION_TWICE": ("conversation_id", "conversations: {n} versions stand twice"),
    "VERDICT_TWICE": ("example_id", "examples: {n} have more than one verdict"),
    "VERDICT_WITHOUT_EXAMPLE": ("example_id", "examples: {n} verdicts for unknown examples"),
    "CONTENT_VALID_TWICE": ("one", "examples: {n} contents are valid more than once"),
    "GROUP_VALID_TWICE": ("one", "examples: {n} groups of near-duplicates have two valid ones"),
    "CLUSTER_IN_TWO_SPLITS": ("one", "examples: {n} clusters are valid in more than one split"),
}


def _sentences(law: str, rows: Sequence[Row]) -> Iterator[str]:
    """A law's breaches in words: one sentence a partition, or one a table."""
    if law == "PARTITION_UNKNOWN":
        for row in rows:
            yield f"{row['topic']}/{row['part']}: {row['events']} events in rows, unknown to Kafka"
    elif law in _OF_OFFSETS:
        places: dict[str, list[range]] = defaultdict(list)
        for row in rows:
            first, last = (row[n] for n in (_GAP if _GAP[0] in row else ("pos", "pos")))
            places[f"{row['topic']}/{row['part']}"].append(range(first, last + 1))
        for place, spans in places.items():
            count = sum(map(len, spans))
            shown = [_span(s) for s in spans[:_SHOWN]]
            yield f"{place}: {count} offsets ({_listed(shown, len(spans))}) {_OF_OFFSETS[law]}"
    else:
        column, sentence = _OF_ROWS[law]
        shown = [str(row[column]) for row in rows[:_SHOWN]]
        yield f"{sentence.format(n=len(rows))} ({_listed(shown, len(rows))})"


def _span(span: range) -> str:
    return str(span[0]) if len(span) == 1 else f"{span[0]}-{span[-1]}"


def _listed(shown: list[str], total: int) -> str:
    more = f" and {total - len(shown)} more" if total > len(shown) else ""
    return ", ".join(shown) + more


def _no_offsets(settings: Settings, why: str) -> str:
    return (
        f"Kafka at {settings.kafka.bootstrap} does not tell its offsets: {why};"
        " run `deskwheel status`"
    )
