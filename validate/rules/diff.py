"""What judging stored examples by another suite would change; nothing is changed.

Reads `validated_examples` at its newest version, and suites from files, folders or the state
database, where the gate keeps each version that it judged by.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table

from deskwheel import lake
from deskwheel.errors import ConfigError, ServiceError
from deskwheel.settings import Settings
from deskwheel.tables import EXAMPLES, VALIDATED
from transforms.session import spark_schema, spark_session
from validate.compile import compile_row_rules
from validate.periods import parse_period
from validate.rules.kept import CURRENT, SHIPPED, find_suites
from validate.suite import Suites

REJUDGED = ("valid", "quarantined", "duplicate")
"""Verdicts that rules may change: what is superseded or erased stays so."""
SHOWN_CHARS = 120


@dataclass
class Flip:
    """Rows that one rule alone or with others moves one way."""

    rows: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)
    """Some of them: id, query and response, redacted as in the table."""


@dataclass(frozen=True, kw_only=True)
class SuiteDiff:
    """Stored rows judged by both suites."""

    old: str
    new: str
    rows: int
    kept_out: int
    """Rows that the new suite would quarantine and the old one does not."""
    let_in: int
    """Rows that the old suite quarantines and the new one would not."""
    warned: int
    """Rows that would bear another list of warnings."""
    by_rule: Mapping[str, Mapping[str, Flip]]
    """Rule → `kept_out` or `let_in` → its rows; one with two rules counts at both."""


def diff_suites(
    spark: SparkSession, rows: DataFrame, *, old: Suites, new: Suites, limit: int
) -> SuiteDiff:
    """The difference between two suites on rows with an example's columns, in one Spark job.

    Duplicates are compared by their rules alone. What a batch rule stopped is not judged again.

    Args:
        spark: session of the rows.
        rows: examples; more columns do no harm.
        old: the rules that are in force.
        new: those that may follow.
        limit: examples shown a rule and way.
    """
    columns = spark.createDataFrame([], spark_schema(EXAMPLES.record))
    before = compile_row_rules(old.rows, columns)
    after = compile_row_rules(new.rows, columns)
    judged = rows.select(
        "example_id",
        F.substring("query", 1, SHOWN_CHARS).alias("query"),
        F.substring("response", 1, SHOWN_CHARS).alias("response"),
        before.reasons().alias("before"),
        after.reasons().alias("after"),
        (before.warnings() != after.warnings()).alias("is_warned"),
    )
    moved = (F.size("before") == 0) != (F.size("after") == 0)
    total = warned = 0
    ways: Counter[str] = Counter()
    by_rule: dict[str, dict[str, Flip]] = defaultdict(dict)
    counted = judged.select(
        "is_warned",
        *(F.when(moved, F.col(c)).alias(c) for c in ("before", "after")),
        *(F.when(moved, F.col(c)).alias(c) for c in ("example_id", "query", "response")),
    )
    for row in counted.toArrow().to_pylist():
        total += 1
        warned += row["is_warned"]
        if row["example_id"] is not None:
            way, rules = ("kept_out", row["after"]) if row["after"] else ("let_in", row["before"])
            ways[way] += 1
            for rule in rules:
                _count(by_rule[rule].setdefault(way, Flip()), row, limit)
    return SuiteDiff(
        old=old.version,
        new=new.version,
        rows=total,
        kept_out=ways["kept_out"],
        let_in=ways["let_in"],
        warned=warned,
        by_rule={rule: by_rule[rule] for rule in sorted(by_rule)},
    )


def stored_rows(spark: SparkSession, settings: Settings, *, over: timedelta) -> DataFrame:
    """Rows of `validated_examples` that were judged lately and may be judged again.

    Raises:
        ServiceError: the table does not exist.
    """
    if lake.current_version(settings.pipeline.lake, VALIDATED) is None:
        raise ServiceError(
            f"{VALIDATED.name} does not exist in {settings.pipeline.lake}; judge something first"
            " with `python -m validate watch --once`"
        )
    lake.ensure(settings.pipeline.lake, VALIDATED)
    since = datetime.now(UTC) - over
    return (
        spark.read.format("delta")
        .load(str(lake.table_path(settings.pipeline.lake, VALIDATED)))
        .where(F.col("validated_at") >= F.lit(since).cast("timestamp"))
        .where(F.col("verdict").isin(*REJUDGED))
    )


def diff_verb(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `suite diff OLD NEW`: print what would flip.

    Raises:
        ConfigError: two suites are not named, or one is not known.
    """
    if len(arguments.names) != 2:  # noqa: PLR2004  the old one and the new one
        raise ConfigError(
            f"`suite diff` wants OLD NEW, got {arguments.names}; each is a version, a file, a"
            f" folder, {SHIPPED} or {CURRENT}"
        )
    old, new = (find_suites(settings, name) for name in arguments.names)
    over = parse_period(arguments.over)
    spark = spark_session(
        "deskwheel-suite",
        driver_memory=settings.validate.driver_memory,
        master=settings.transforms.master,
    )
    try:
        rows = stored_rows(spark, settings, over=over)
        found = diff_suites(spark, rows, old=old, new=new, limit=arguments.limit)
    finally:
        spark.stop()
    if arguments.json:
        print(json.dumps(asdict(found)))
    else:
        _print(found)
    return 0


def _count(flip: Flip, row: Mapping[str, Any], limit: int) -> None:
    flip.rows += 1
    if len(flip.examples) < limit:
        flip.examples.append({key: row[key] for key in ("example_id", "query", "response")})


def _print(found: SuiteDiff) -> None:
    console = Console()
    console.print(
        f"{found.old} → {found.new}, {found.rows} rows: {found.kept_out} more kept out,"
        f" {found.let_in} let in, {found.warned} with other warnings; nothing is changed",
        highlight=False,
    )
    table = Table("rule", "way", "rows", "for example", "query", "response")
    for rule, ways in found.by_rule.items():
        for way, flip in ways.items():
            for n, shown in enumerate(flip.examples or [{}]):
                head = [rule, way.replace("_", " "), str(flip.rows)] if n == 0 else ["", "", ""]
                table.add_row(*head, *_cells(shown))
    console.print(table)


def _cells(shown: Mapping[str, Any]) -> Sequence[str]:
    return [
        " ".join(str(shown.get(key, "")).split()).replace("[", r"\[")
        for key in ("example_id", "query", "response")
    ]
