"""Where examples stayed: counts by reason, channel and day, and the rows themselves.

Reads `validated_examples` and `repairs`; writes nothing.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from deskwheel.tables import REPAIRS, VALIDATED
from validate.quarantine.filters import Filter, day_before
from validate.quarantine.rows import counted, table_of
from validate.repairs import pending

_KEYS = ("example_id", "channel", "category", "verdict", "reasons", "validated_at", "attempt")
_SHOWN = (
    "example_id", "conversation_id", "channel", "category", "verdict", "reasons", "query",
    "response", "validated_at", "attempt",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows of one reason, channel and day."""

    reason: str
    channel: str
    day: str
    """On which they were judged last, in UTC."""
    rows: int
    share: float
    """Of all rows of the channel that were judged on the day."""
    rows_before: int
    """Of the same reason and channel, on the day before."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What is not valid, counted."""

    verdicts: Mapping[str, int]
    """Rows by verdict, valid ones included."""
    reasons: Mapping[str, int]
    """Rows by reason, most frequent first; a row with two reasons counts twice."""
    groups: tuple[Group, ...]
    """Newest day first, then most rows first."""
    waiting: int
    """Repairs that the gate has not come to yet."""


def summarise(lake_dir: str, wanted: Filter) -> Summary:
    """Counts of the rows that are meant. Cost is linear in the rows of the table, without texts."""
    table = table_of(lake_dir, VALIDATED, columns=_KEYS, where=wanted.expression())
    table = table.append_column("day", pc.strftime(table["validated_at"], "%Y-%m-%d"))
    judged = counted(table, "channel", "day")
    kept_out = table.filter(pc.not_equal(table["verdict"], "valid")).combine_chunks()
    lists = kept_out["reasons"].combine_chunks()
    by_reason = kept_out.select(["channel", "day"]).take(pc.list_parent_indices(lists))
    by_reason = by_reason.append_column("reason", pc.list_flatten(lists))
    counts = {
        key: rows
        for key, rows in counted(by_reason, "reason", "channel", "day").items()
        if wanted.has_reason([key[0]])
    }
    groups = [
        Group(
            reason=reason, channel=channel, day=day, rows=rows,
            share=round(rows / judged[channel, day], 4),
            rows_before=counts.get((reason, channel, day_before(day)), 0),
        )
        for (reason, channel, day), rows in counts.items()
    ]  # fmt: skip
    reasons: Counter[str] = Counter()
    for group in groups:
        reasons[group.reason] += group.rows
    by_day = sorted(groups, key=lambda g: (-g.rows, g.reason, g.channel))
    attempts = zip(table["example_id"].to_pylist(), table["attempt"].to_pylist(), strict=True)
    return Summary(
        verdicts=dict(sorted(Counter(table["verdict"].to_pylist()).items())),
        reasons=dict(reasons.most_common()),
        groups=tuple(sorted(by_day, key=lambda g: g.day, reverse=True)),
        waiting=_waiting(lake_dir, {i: n or 0 for i, n in attempts}),
    )


def listed(lake_dir: str, wanted: Filter, *, limit: int) -> list[dict[str, Any]]:
    """Up to `limit` rows that are meant, newest first; without a verdict asked, no valid ones."""
    where = wanted.expression()
    if wanted.verdict is None:
        kept_out = pc.field("verdict") != "valid"
        where = kept_out if where is None else where & kept_out
    keys = table_of(lake_dir, VALIDATED, columns=_KEYS, where=where)
    order = keys.sort_by([("validated_at", "descending"), ("example_id", "ascending")])
    pairs = zip(order["example_id"].to_pylist(), order["reasons"].to_pylist(), strict=True)
    ids = [i for i, reasons in pairs if wanted.has_reason(reasons)][:limit]
    among = pc.field("example_id").isin(pa.array(ids, pa.string()))
    rows = table_of(lake_dir, VALIDATED, columns=_SHOWN, where=among).to_pylist()
    place = {i: n for n, i in enumerate(ids)}
    return [
        {**row, "validated_at": row["validated_at"].isoformat(), "attempt": row["attempt"] or 0}
        for row in sorted(rows, key=lambda row: place[row["example_id"]])
    ]


def _waiting(lake_dir: str, attempts: Mapping[str, int]) -> int:
    asked = table_of(lake_dir, REPAIRS, columns=["repair_id", "example_id", "attempt"])
    found = pending(asked.to_pylist(), attempts)
    return len({r["repair_id"] for of in found.values() for r in of})
