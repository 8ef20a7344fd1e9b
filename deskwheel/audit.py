"""The conservation law, counted: every offset of Kafka is one verdict, every example one verdict.

Per topic-partition, offsets = accepted + rejected + duplicate; per example mined, one row among the
validated examples. Reads `turns`, `feedback`, `examples` and `validated_examples` without a JVM and
without their text columns; writes no table or topic.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from deskwheel import config, lake
from deskwheel.errors import ServiceError
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.tables import EXAMPLES, FEEDBACK, TURNS, VALIDATED, Table
from deskwheel.topics import FEEDBACK as FEEDBACK_TOPIC
from deskwheel.topics import RAW

Offsets = Mapping[str, Mapping[int, tuple[int, int]]]
"""Topic → partition → [first offset kept, offset after the last)."""

INTAKE_VERDICTS = ("accepted", "rejected", "duplicate")
EXAMPLE_VERDICTS = ("valid", "quarantined", "duplicate", "superseded", "erased")
_SHOWN_OFFSETS = 5
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
    problems: tuple[str, ...] = ()

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
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Whether the law holds, and where it does not."""

    partitions: tuple[PartitionBalance, ...]
    examples: ExampleBalance

    @property
    def unaccounted(self) -> int:
        """Events and candidates without a verdict: lost or not yet processed."""
        lost = sum(row.missing + row.pending for row in self.partitions)
        return lost + self.examples.pending

    @property
    def problems(self) -> tuple[str, ...]:
        """What contradicts the law, one sentence each."""
        rows = (problem for row in self.partitions for problem in row.problems)
        return (*rows, *self.examples.problems)

    @property
    def is_balanced(self) -> bool:
        """Whether everything is accounted for exactly once."""
        return self.unaccounted == 0 and not self.problems

    def to_dict(self) -> dict[str, Any]:
        """The audit as JSON can hold it, derived values included."""
        return {
            **asdict(self),
            "unaccounted": self.unaccounted,
            "problems": list(self.problems),
            "is_balanced": self.is_balanced,
        }


def conservation(lake_path: str | Path, offsets: Offsets) -> Audit:
    """The audit of a lake against the offsets that Kafka reported before it was read.

    Offsets appended since then are ignored. Cost is linear in the rows of the tables.
    """
    raw = {topic.name for topic in RAW}
    partitions = [
        *_balances(lake_path, TURNS, {t: p for t, p in offsets.items() if t in raw}),
        *_balances(
            lake_path, FEEDBACK, {t: p for t, p in offsets.items() if t == FEEDBACK_TOPIC.name}
        ),
    ]
    return Audit(partitions=tuple(partitions), examples=_example_balance(lake_path))


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
    found = json.loads(done.stdout)
    return {t: {int(p): (r[0], r[1]) for p, r in parts.items()} for t, parts in found.items()}


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
    lines += [f"problem: {problem}" for problem in audit.problems]
    if audit.is_balanced:
        lines.append("balanced: every event and every example is accounted for once")
    else:
        lines.append(f"NOT balanced: {audit.unaccounted} unaccounted")
    return "\n".join(lines)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the audit, keep it for the console, and return 1 when the law does not hold."""
    audit = settled_audit(settings, wait_s=arguments.wait)
    keep_audit(settings, audit, at=datetime.now(UTC))
    print(json.dumps(audit.to_dict()) if arguments.json else render(audit))
    return 0 if audit.is_balanced else 1


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


def keep_audit(settings: Settings, audit: Audit, *, at: datetime) -> None:
    """Store an audit for the console, in the place of the last one."""
    state = State(settings.pipeline.state_url)
    state.put("audit", settings.pipeline.name, audit_document(audit, at))
    state.close()


def audit_document(audit: Audit, at: datetime) -> dict[str, Any]:
    """What is stored in the state database as document `audit`, dated."""
    return {**audit.to_dict(), "at": at.isoformat(timespec="seconds")}


def _balances(lake_path: str | Path, table: Table, offsets: Offsets) -> list[PartitionBalance]:
    groups = _by_partition(_offset_verdicts(lake_path, table))
    rows = []
    for topic, partitions in sorted(offsets.items()):
        for partition, (begin, end) in sorted(partitions.items()):
            seen = groups.pop((topic, partition), {})
            rows.append(_balance(topic, partition, span=(begin, end), seen=seen))
    for (topic, partition), seen in sorted(groups.items()):
        problem = f"{topic}/{partition}: {len(seen)} offsets in {table.name}, unknown to Kafka"
        row = _balance(topic, partition, span=(0, 0), seen={})
        rows.append(PartitionBalance(**{**asdict(row), "problems": (problem,)}))
    return rows


def _balance(
    topic: str, partition: int, *, span: tuple[int, int], seen: Mapping[int, str]
) -> PartitionBalance:
    begin, end = span
    kept = {offset: verdict for offset, verdict in seen.items() if begin <= offset < end}
    counts = Counter(kept.values())
    last = max(kept, default=begin - 1)
    holes = [offset for offset in range(begin, last) if offset not in kept]
    place = f"{topic}/{partition}"
    problems = [
        f"{place}: {_listed(offsets)} {what}"
        for what in (_MIXED, _DOUBLED)
        if (offsets := [o for o, verdict in kept.items() if verdict == what])
    ]
    if holes:
        problems.append(f"{place}: {_listed(holes)} in Kafka, in no row")
    return PartitionBalance(
        topic=topic,
        partition=partition,
        begin=begin,
        end=end,
        **{verdict: counts[verdict] for verdict in INTAKE_VERDICTS},
        missing=len(holes),
        pending=end - 1 - last,
        expired=sum(offset < begin for offset in seen),
        problems=tuple(problems),
    )


_MIXED = "with two verdicts"
_DOUBLED = "read twice"


def _offset_verdicts(lake_path: str | Path, table: Table) -> pa.Table:
    """One row an offset: topic, partition, offset and its verdict, or what is wrong with it.

    The rows of one event differ in position (and an ending in `is_closing`): two rows that differ
    in neither are the same event read twice.
    """
    extra = ["position", "is_closing"] if table is TURNS else []
    rows = lake.read(lake_path, table, columns=["source", "verdict", *extra])
    flat = rows.flatten()
    flat = flat.rename_columns([name.removeprefix("source.") for name in flat.column_names])
    key = ["topic", "partition", "offset"]
    per_row = flat.group_by([*key, *extra]).aggregate(
        [("verdict", "min"), ("verdict", "max"), ("verdict", "count")]
    )
    per_offset = per_row.group_by(key).aggregate(
        [("verdict_min", "min"), ("verdict_max", "max"), ("verdict_count", "max")]
    )
    is_mixed = pc.not_equal(per_offset["verdict_min_min"], per_offset["verdict_max_max"])
    is_doubled = pc.greater(per_offset["verdict_count_max"], 1)
    verdict = pc.if_else(is_doubled, _DOUBLED, per_offset["verdict_min_min"])
    return per_offset.select(key).append_column("verdict", pc.if_else(is_mixed, _MIXED, verdict))


def _by_partition(verdicts: pa.Table) -> dict[tuple[str, int], dict[int, str]]:
    groups: dict[tuple[str, int], dict[int, str]] = {}
    columns = (verdicts[name].to_pylist() for name in ("topic", "partition", "offset", "verdict"))
    for topic, partition, offset, verdict in zip(*columns, strict=True):
        groups.setdefault((topic, partition), {})[offset] = verdict
    return groups


def _example_balance(lake_path: str | Path) -> ExampleBalance:
    # Verdicts first: a candidate mined in between is then pending, never a stranger.
    rows = lake.read(lake_path, VALIDATED, columns=["example_id", "verdict"])
    verdicts = dict(zip(rows["example_id"].to_pylist(), rows["verdict"].to_pylist(), strict=True))
    candidates = set(
        lake.read(lake_path, EXAMPLES, columns=["example_id"])["example_id"].to_pylist()
    )
    # The law of erasure removes a candidate's row and keeps only its verdict.
    strangers = {i for i in verdicts.keys() - candidates if verdicts[i] != "erased"}
    problems = []
    if doubled := rows.num_rows - len(verdicts):
        problems.append(f"examples: {doubled} further rows for examples that have a verdict")
    if strangers:
        problems.append(f"examples: {len(strangers)} verdicts for unknown examples")
    counts = Counter(verdicts.values())
    return ExampleBalance(
        candidates=len(candidates),
        verdicts={name: counts[name] for name in EXAMPLE_VERDICTS if counts[name]},
        pending=len(candidates - verdicts.keys()),
        problems=tuple(problems),
    )


def _listed(offsets: list[int]) -> str:
    shown = ", ".join(str(offset) for offset in sorted(offsets)[:_SHOWN_OFFSETS])
    more = f" and {len(offsets) - _SHOWN_OFFSETS} more" if len(offsets) > _SHOWN_OFFSETS else ""
    return f"{len(offsets)} offsets ({shown}{more})"


def _no_offsets(settings: Settings, why: str) -> str:
    return (
        f"Kafka at {settings.kafka.bootstrap} does not tell its offsets: {why};"
        " run `deskwheel status`"
    )
