"""What a backfill would change: shadow tables beside the live ones, counted by reason.

Reads the tables `turns`, `conversations` and `examples` of two lakes; writes none.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812
from rich.console import Console
from rich.table import Table as Printed

from deskwheel.tables import CONVERSATIONS, EXAMPLES, TURNS
from transforms.backfill.shadow import load


@dataclass(frozen=True)
class Difference:
    """Rows of one table that would be new, gone or changed; one row may change for many reasons."""

    same: int
    new: int
    gone: int
    changed: int
    reasons: Mapping[str, int]


@dataclass(frozen=True)
class Report:
    """Everything that a backfill found."""

    since: str
    until: str
    reread: int
    """Offsets that the topics still kept and that were read anew."""
    beyond_retention: int
    """Offsets of the range that the topics do not keep any more; their turns stay as they are."""
    turns: Difference
    conversations: Difference
    examples: Difference
    still_open: int = 0
    """Conversations that may go on; neither compared nor merged."""
    merged: Mapping[str, int] = field(default_factory=dict)

    @property
    def differs(self) -> bool:
        """Whether anything would change."""
        parts = (self.turns, self.conversations, self.examples)
        return any(d.new or d.gone or d.changed for d in parts)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {**asdict(self), "differs": self.differs}


_REDACTION = "array_sort(map_entries(redaction.counts))"
_TURN_REASONS = {
    "verdict": "struct(verdict, reason)",
    "text": "text",
    "redaction": _REDACTION,
    "conversation": "conversation_id",
    "role": "role",
    "status": "struct(status, csat)",
}
CONVERSATION_REASONS = {
    "turns": "transform(utterances, u -> u.turn_id)",
    "text": "transform(utterances, u -> u.text)",
    "redaction": _REDACTION,
    "resolution": "struct(resolution, transform(evidence, e -> substring_index(e, ':', 1)))",
    "category": "category",
    "sentiment": "sentiment",
    "pairs": "pairs",
}
_EXAMPLE_REASONS = {
    "kind": "struct(kind, negative_kind)",
    "resolution": "round(resolution_probability, 6)",
    "category": "category",
    "sentiment": "sentiment",
    "needless_apology": "has_needless_apology",
    "context": "context",
}


def compare(
    spark: SparkSession, live: str, shadow: str, since: datetime, until: datetime
) -> Report:
    """The report on shadow tables that were made of a range."""
    old_turns, new_turns = (load(spark, place, TURNS) for place in (live, shadow))
    reread = new_turns.where(F.col("batch_id") == 1)
    places = reread.select("source").distinct()
    in_range = old_turns.where(
        (F.col("ingested_at") >= F.lit(since)) & (F.col("ingested_at") < F.lit(until))
    )
    beyond = in_range.select("source").distinct().join(F.broadcast(places), "source", "left_anti")
    read_before = old_turns.join(F.broadcast(places), "source", "left_semi")
    old, new = current_conversations(spark, live), current_conversations(spark, shadow)
    touched = _touched(new, read_before, new_turns)
    old = old.join(F.broadcast(touched), "conversation_id", "left_semi")
    return Report(
        since=since.isoformat(),
        until=until.isoformat(),
        reread=places.count(),
        beyond_retention=beyond.count(),
        turns=_difference(read_before, reread, ["source", "position", "is_closing"], _TURN_REASONS),
        conversations=_difference(old, new, ["conversation_id"], CONVERSATION_REASONS),
        examples=_difference(
            _examples(spark, live, old),
            _examples(spark, shadow, new),
            ["conversation_id", "content_hash", "nth"],
            _EXAMPLE_REASONS,
        ),
    )


def _touched(new: DataFrame, read_before: DataFrame, new_turns: DataFrame) -> DataFrame:
    """Ids of live conversations to compare: rebuilt ones, and those that lost all their turns."""
    rebuilt = new.select("conversation_id")
    left = new_turns.where(F.col("verdict") == "accepted").select("conversation_id")
    lost = read_before.where(F.col("verdict") == "accepted").select("conversation_id").distinct()
    return rebuilt.unionByName(lost.join(left.distinct(), "conversation_id", "left_anti"))


def current_conversations(spark: SparkSession, place: str) -> DataFrame:
    """Current versions, each with the pairs that were mined from it."""
    latest = Window.partitionBy("conversation_id").orderBy(F.desc("version"), F.desc("batch_id"))
    current = (
        load(spark, place, CONVERSATIONS)
        .withColumn("nth", F.row_number().over(latest))
        .where(F.col("nth") == 1)
        .drop("nth")
    )
    mined = (
        load(spark, place, EXAMPLES)
        .groupBy("conversation_id", F.col("conversation_version").alias("version"))
        .agg(
            F.expr("array_sort(collect_list(struct(kind, negative_kind, content_hash)))").alias(
                "pairs"
            )
        )
    )
    return current.join(mined, ["conversation_id", "version"], "left")


def _examples(spark: SparkSession, place: str, conversations: DataFrame) -> DataFrame:
    """Examples of the given versions; equal ones of a conversation are numbered."""
    current = conversations.select(
        "conversation_id", F.col("version").alias("conversation_version")
    )
    same = Window.partitionBy("conversation_id", "content_hash").orderBy("position")
    return (
        load(spark, place, EXAMPLES)
        .join(current, ["conversation_id", "conversation_version"], "left_semi")
        .withColumn("nth", F.row_number().over(same))
    )


def _difference(
    old: DataFrame, new: DataFrame, key: list[str], reasons: Mapping[str, str]
) -> Difference:
    """Counts of a full outer join; null and null are equal."""
    sides = [
        frame.select(
            *[F.col(k).alias(k) for k in key],
            *[F.expr(e).alias(f"{side}_{name}") for name, e in reasons.items()],
            F.lit(True).alias(f"is_{side}"),
        )
        for side, frame in (("old", old), ("new", new))
    ]
    joined = sides[0].join(sides[1], key, "full_outer")
    is_both = F.col("is_old").isNotNull() & F.col("is_new").isNotNull()
    changed = {
        name: is_both & ~F.col(f"old_{name}").eqNullSafe(F.col(f"new_{name}")) for name in reasons
    }
    any_change = F.lit(False)
    for condition in changed.values():
        any_change = any_change | condition
    row = joined.agg(
        _count(is_both & ~any_change).alias("same"),
        _count(F.col("is_old").isNull()).alias("new"),
        _count(F.col("is_new").isNull()).alias("gone"),
        _count(any_change).alias("changed"),
        *[_count(condition).alias(f"by_{name}") for name, condition in changed.items()],
    ).first()
    counts = row.asDict() if row else {}
    return Difference(
        counts["same"],
        counts["new"],
        counts["gone"],
        counts["changed"],
        {name: counts[f"by_{name}"] for name in reasons if counts[f"by_{name}"]},
    )


def _count(condition: Column) -> Column:
    return F.count_if(condition)


def show(report: Report, *, as_json: bool) -> None:
    """Print the report."""
    if as_json:
        print(json.dumps(report.to_dict()))
        return
    table = Printed("table", "same", "new", "gone", "changed", "by reason")
    for name in ("turns", "conversations", "examples"):
        found: Difference = getattr(report, name)
        why = ", ".join(f"{reason} {count}" for reason, count in found.reasons.items())
        table.add_row(
            name, str(found.same), str(found.new), str(found.gone), str(found.changed), why
        )
    Console().print(table)
    print(
        f"{report.since} to {report.until}: {report.reread} offsets read anew;"
        f" {report.beyond_retention} beyond the topics' retention stay as they were read;"
        f" {report.still_open} conversations still open are left out"
    )
