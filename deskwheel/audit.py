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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deltalake import DeltaTable, QueryBuilder

from deskwheel import config, failpoint, lake, laws
from deskwheel.breaches import SHOWN, listed, sentences_on
from deskwheel.errors import ServiceError, SetupError
from deskwheel.laws import EXAMPLE_VERDICTS, Offsets
from deskwheel.reading import EXAMPLES_READ, Ends, examples_read, read_ends
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.topics import RAW

Row = dict[str, Any]

_OFFSETS_TIMEOUT_S = 120


@dataclass(frozen=True, kw_only=True)
class PartitionBalance:
    """One topic-partition: its offsets against the distinct offsets in its table.

    They add up: offsets = accepted + rejected + duplicate + faulty + missing + pending.
    """

    topic: str
    partition: int
    begin: int
    """The first offset that Kafka keeps, or that of the first row where this is older."""
    end: int
    accepted: int
    rejected: int
    duplicate: int
    faulty: int
    """Offsets with two rows of one position, with two verdicts, or with one that no event has."""
    missing: int
    """Offsets without a row, below one with a row or below one that a commit names: lost."""
    pending: int
    """Offsets above those: not read yet."""
    expired: int
    """Offsets with a row that Kafka no longer keeps; they are counted like the others."""

    @property
    def offsets(self) -> int:
        """Events that Kafka keeps or that have a row."""
        return self.end - self.begin


@dataclass(frozen=True, kw_only=True)
class ExampleBalance:
    """Distinct candidates against their rows among the validated examples.

    They add up: candidates = those with each verdict + faulty + lost + pending.
    """

    candidates: int
    verdicts: Mapping[str, int]
    """Verdict → distinct candidates."""
    faulty: int
    """Candidates with two rows, or with a verdict that no example has."""
    lost: int
    """Candidates that the gate had read, without a row."""
    pending: int
    """Candidates that the gate has not read yet."""
    pending_ids: tuple[str, ...]
    """The first of them, at most `laws.PENDING_NAMED`."""
    gone: int
    """Erased rows whose candidate is gone; no part of the sum."""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Whether the laws hold, and where they do not."""

    partitions: tuple[PartitionBalance, ...]
    examples: ExampleBalance
    breaches: Mapping[str, Sequence[Row]]
    """Law → the rows that break it; laws that hold are left out."""
    versions: Mapping[str, int | None]
    """Table → Delta version that was read; None for one that did not exist."""
    """`examples_read` is that of `examples` up to which the gate had judged every row."""
    read_offsets: Offsets
    read_ends: Ends
    """How far the commits of `turns` and `feedback` say that they go."""

    @property
    def unaccounted(self) -> int:
        """Events and candidates without a verdict: lost or not yet processed."""
        return sum(row.missing for row in self.partitions) + self.examples.lost + self.pending

    @property
    def pending(self) -> int:
        """Events and candidates that their job has not come to yet."""
        return sum(row.pending for row in self.partitions) + self.examples.pending

    @property
    def problems(self) -> tuple[str, ...]:
        """What contradicts a law, one sentence each."""
        return tuple(
            sentence for law, rows in self.breaches.items() for sentence in sentences_on(law, rows)
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
    if EXAMPLES_READ not in read:
        read[EXAMPLES_READ] = examples_read(lake_path, read)
    ends = read_ends(lake_path, read)
    with tempfile.TemporaryDirectory() as empty:
        query = _Query(lake_path, read, wanted, ends, empty=empty)
        partitions = tuple(_balance(row) for row in query.rows(laws.BALANCE))
        counts = {r["verdict"]: r["candidates"] for r in query.rows(laws.VERDICTS)}
        pending_ids = tuple(r["example_id"] for r in query.rows(laws.PENDING))
        found = {law.name: query.rows(law) for law in laws.BREACHES}
    failpoint.reach(failpoint.IN_AUDIT)
    return Audit(
        partitions=partitions,
        examples=_example_balance(counts, pending_ids),
        breaches={name: rows for name, rows in found.items() if rows},
        versions=read,
        read_offsets=wanted,
        read_ends=ends,
    )


class _Query:
    """The laws' tables at their versions, ready to be asked."""

    def __init__(
        self,
        lake_path: str | Path,
        versions: Mapping[str, int | None],
        offsets: Offsets,
        ends: Ends,
        *,
        empty: str,
    ) -> None:
        self._offsets = offsets
        self._ends = ends
        self._engine = QueryBuilder()
        for name, table in laws.VIEWS:
            version = versions.get(name)
            # A table that was made since the versions were read is as empty as it was then.
            is_there = version is not None
            found = lake.open_table(lake_path, table, version=version) if is_there else None
            self._engine.register(name, found or DeltaTable(lake.ensure(empty, table)))

    def rows(self, law: laws.Law) -> list[Row]:
        table = self._engine.execute(laws.statement(law, self._offsets, ends=self._ends)).read_all()
        return [dict(zip(table.column_names, r, strict=True)) for r in _tuples(table)]


def _tuples(table: Any) -> Iterator[tuple[Any, ...]]:
    return zip(*(table.column(i).to_pylist() for i in range(table.num_columns)), strict=True)


def _balance(row: Row) -> PartitionBalance:
    counted = ("accepted", "rejected", "duplicate", "faulty", "missing", "pending", "expired")
    balance = PartitionBalance(
        topic=row["topic"],
        partition=row["part"],
        begin=row["begin_offset"],
        end=row["end_offset"],
        **{name: row[name] for name in counted},
    )
    assert balance.offsets == sum(row[name] for name in counted[:-1]), balance
    return balance


def _example_balance(counts: Mapping[str, int], pending_ids: tuple[str, ...]) -> ExampleBalance:
    verdicts = {name: counts[name] for name in EXAMPLE_VERDICTS if name in counts}
    without = {name: counts.get(name, 0) for name in ("faulty", "lost", "pending")}
    balance = ExampleBalance(
        candidates=counts["candidates"],
        verdicts=verdicts,
        **without,
        pending_ids=pending_ids,
        gone=counts["gone"],
    )
    assert balance.candidates == sum(verdicts.values()) + sum(without.values()), balance
    return balance


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
    titles = (
        "topic", "part", "offsets", "accepted", "rejected", "duplicate", "faulty", "lost",
        "pending",
    )  # fmt: skip
    rows = [
        (
            row.topic, row.partition, row.offsets, row.accepted, row.rejected, row.duplicate,
            row.faulty, row.missing, row.pending,
        )
        for row in audit.partitions
    ]  # fmt: skip
    form = "{:<14}{:>5}{:>10}{:>10}{:>10}{:>11}{:>8}{:>7}{:>9}"
    lines = [form.format(*r) for r in (titles, *rows)]
    lines.append(_examples_line(audit.examples))
    if waiting := audit.examples.pending_ids[:SHOWN]:
        lines.append(f"pending examples: {listed(waiting, audit.examples.pending)}")
    read = ", ".join(f"{name} {v}" for name, v in audit.versions.items() if v is not None)
    lines.append(f"versions read: {read or 'none, there are no tables yet'}")
    lines += [f"problem: {problem}" for problem in audit.problems]
    return "\n".join([*lines, _conclusion(audit)])


def _examples_line(examples: ExampleBalance) -> str:
    """The sum; what is wrong stands in it only where something is."""
    wrong = {"faulty": examples.faulty, "lost": examples.lost}
    parts = {**examples.verdicts, **{k: v for k, v in wrong.items() if v}}
    counted = " + ".join(f"{v} {k}" for k, v in {**parts, "pending": examples.pending}.items())
    gone = f"; besides {examples.gone} erased, their candidates are gone" if examples.gone else ""
    return f"examples: {examples.candidates} candidates = {counted}{gone}"


def _conclusion(audit: Audit) -> str:
    if audit.is_balanced:
        return "balanced: every event and every example is accounted for once"
    if audit.is_lawful:
        return f"balanced so far: {audit.pending} pending, nothing lost or counted twice"
    return f"NOT balanced: {audit.unaccounted} unaccounted, {len(audit.breaches)} laws broken"


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
        place, ends = settings.pipeline.lake, audit.read_ends
        print(laws.script(place, audit.versions, audit.read_offsets, ends=ends))
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


def _no_offsets(settings: Settings, why: str) -> str:
    return (
        f"Kafka at {settings.kafka.bootstrap} does not tell its offsets: {why};"
        " run `deskwheel status`"
    )
