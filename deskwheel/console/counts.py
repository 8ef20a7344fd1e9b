"""Counts of each table's rows, computed once a table version and without any text column.

Reads `turns`, `conversations`, `examples`, `validated_examples` and `feedback`; writes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from deskwheel import lake
from deskwheel.tables import CONVERSATIONS, EXAMPLES, FEEDBACK, TURNS, VALIDATED, Table

Counts = Mapping[str, Any]
_COUNTED_VERSIONS = 16


def intake_counts(lake_path: str) -> Counts:
    """Events by topic and verdict, accepted utterances, and rejections by reason."""
    return _intake(lake_path, lake.current_version(lake_path, TURNS))


def conversation_counts(lake_path: str) -> Counts:
    """Conversations in their current version, by resolution and by category."""
    return _conversations(lake_path, lake.current_version(lake_path, CONVERSATIONS))


def example_counts(lake_path: str) -> Counts:
    """Candidates, their verdicts, the rules that stopped some, and splits of the valid ones."""
    versions = [lake.current_version(lake_path, t) for t in (EXAMPLES, VALIDATED)]
    return _examples(lake_path, *versions)


def arm_counts(lake_path: str) -> Mapping[str, Counts]:
    """Variant → assignments, outcomes, completed conversations and mean CSAT.

    Several outcomes of one answer count once, by the last.
    """
    return _arms(lake_path, lake.current_version(lake_path, FEEDBACK))


@lru_cache(maxsize=_COUNTED_VERSIONS)
def _intake(lake_path: str, version: int | None) -> Counts:
    names = ["source", "verdict", "reason", "is_closing", "channel"]
    rows = _rows(lake_path, TURNS, version, names).flatten()
    key = ["source.topic", "verdict", "source.partition", "source.offset"]
    offsets = rows.group_by(key).aggregate([])
    topics: dict[str, dict[str, int]] = {}
    for topic, verdict, count in _grouped(offsets, ["source.topic", "verdict"]):
        topics.setdefault(topic, {})[verdict] = count
    accepted = rows.filter(pc.equal(rows["verdict"], "accepted"))
    rejected = rows.filter(pc.equal(rows["verdict"], "rejected"))
    said = accepted.filter(pc.invert(accepted["is_closing"]))
    return {
        "topics": topics,
        "turns": said.num_rows,
        "channels": _column_counts(said, "channel"),
        "reasons": _column_counts(rejected, "reason"),
    }


@lru_cache(maxsize=_COUNTED_VERSIONS)
def _conversations(lake_path: str, version: int | None) -> Counts:
    names = ["conversation_id", "version", "resolution", "category"]
    rows = _rows(lake_path, CONVERSATIONS, version, names)
    current = {row["conversation_id"]: row for row in rows.sort_by("version").to_pylist()}
    return {
        "total": len(current),
        "resolutions": _tally(row["resolution"] for row in current.values()),
        "categories": _tally(row["category"] for row in current.values()),
    }


@lru_cache(maxsize=_COUNTED_VERSIONS)
def _examples(lake_path: str, mined: int | None, judged: int | None) -> Counts:
    candidates = _rows(lake_path, EXAMPLES, mined, ["example_id"])
    names = ["verdict", "reasons", "split", "category", "kind"]
    rows = _rows(lake_path, VALIDATED, judged, names)
    is_learnt = pc.and_(pc.equal(rows["verdict"], "valid"), pc.equal(rows["kind"], "ideal"))
    valid = rows.filter(is_learnt)
    stopped = rows.filter(pc.equal(rows["verdict"], "quarantined"))
    return {
        "candidates": pc.count_distinct(candidates["example_id"]).as_py(),
        "verdicts": _column_counts(rows, "verdict"),
        "rules": _tally(pc.list_flatten(stopped["reasons"]).to_pylist()),
        "splits": _column_counts(valid, "split"),
        "categories": _column_counts(valid, "category"),
    }


@lru_cache(maxsize=_COUNTED_VERSIONS)
def _arms(lake_path: str, version: int | None) -> Mapping[str, Counts]:
    names = ["kind", "verdict", "trace_id", "variant", "csat", "is_completed", "occurred_at"]
    rows = _rows(lake_path, FEEDBACK, version, names)
    accepted = rows.filter(pc.equal(rows["verdict"], "accepted")).sort_by("occurred_at")
    assigned: dict[str, str] = {}
    outcomes: dict[str, dict[str, Any]] = {}
    for row in accepted.to_pylist():
        if row["kind"] == "assignment":
            assigned[row["trace_id"]] = row["variant"]
        else:
            outcomes[row["trace_id"]] = row
    variants = sorted({v for v in assigned.values() if v})
    return {name: _arm(name, assigned, outcomes) for name in variants}


def _arm(name: str, assigned: Mapping[str, str], outcomes: Mapping[str, Counts]) -> Counts:
    traces = [trace for trace, variant in assigned.items() if variant == name]
    ended = [outcomes[trace] for trace in traces if trace in outcomes]
    ratings = [row["csat"] for row in ended if row["csat"] is not None]
    return {
        "assignments": len(traces),
        "outcomes": len(ended),
        "completed": sum(row["is_completed"] is True for row in ended),
        "ratings": len(ratings),
        "mean_csat": sum(ratings) / len(ratings) if ratings else None,
    }


def _rows(lake_path: str, table: Table, version: int | None, columns: list[str]) -> pa.Table:
    return lake.read(lake_path, table, columns=columns, version=version)


def _grouped(rows: pa.Table, columns: list[str]) -> list[tuple[Any, ...]]:
    counted = rows.group_by(columns).aggregate([([], "count_all")])
    found = [counted[name].to_pylist() for name in (*columns, "count_all")]
    return sorted(zip(*found, strict=True), key=str)


def _column_counts(rows: pa.Table, column: str) -> dict[str, int]:
    return {str(name): count for name, count in _by_count(_grouped(rows, [column]))}


def _tally(values: Iterable[str]) -> dict[str, int]:
    return dict(_by_count(Counter(values).items()))


def _by_count(pairs: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(pairs, key=lambda pair: (-pair[1], str(pair[0])))
