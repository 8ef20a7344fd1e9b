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
from validate.repairs import REJECTED_BY_PERSON
from validate.returns import CUSTOMER_CAME_BACK
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
    """Rows that are not in quarantine, break no rule of the old suite and one of the new."""
    let_in: int
    """Rows that are in quarantine, by rules of the old suite alone, and break none of the new."""
    warned: int
    """Rows that would bear another list of warnings."""
    by_rule: Mapping[str, Mapping[str, Flip]]
    """Rule → `kept_out` or `let_in` → its rows; one with two rules counts at both."""
    batch_rules: Sequence[str] = ()
    """Batch rules that differ, in either suite: not judged, as batches are judged as they come."""


def diff_suites(
    spark: SparkSession, rows: DataFrame, *, old: Suites, new: Suites, limit: int
) -> SuiteDiff:
    """The difference between two suites on stored rows, in one Spark job.

    Duplicates are compared by their rules alone. A row that a person accepted is in already, and
    one that a batch rule stopped, a person rejected or a customer's return took out stays out: a
    replay lets none of these in.

    Args:
        spark: session of the rows.
        rows: with the columns of `validated_examples`.
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
        (F.col("verdict") == "quarantined").alias("is_out"),
        F.arrays_overlap("reasons", F.array(*map(F.lit, _lasting(old, new)))).alias("is_lasting"),
    )
    moved = F.when(F.size("before") == 0, (F.size("after") > 0) & ~F.col("is_out")).otherwise(
        (F.size("after") == 0) & F.col("is_out") & ~F.col("is_lasting")
    )
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
        batch_rules=differing(old.batches, new.batches),
    )


def differing(old: Any, new: Any) -> tuple[str, ...]:
    """Ids of the rules that only one of two suites has, or that judge differently in them."""
    before, after = _judging(old), _judging(new)
    return tuple(sorted(r for r in before | after if before.get(r) != after.get(r)))


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
    if arguments.limit < 0:
        raise ConfigError(f"--limit {arguments.limit}: give 0 or more examples a rule")
    spark = spark_session(
        "deskwheel-suite",
        driver_memory=settings.validate.driver_memory,
        master=settings.transforms.master,
        compiler=settings.transforms.jvm_compiler,
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


def _judging(suite: Any) -> dict[str, Any]:
    """Rule id → severity, type and arguments: what `Suites.version` is made of."""
    found = {}
    for e in suite.expectations:
        told = e.configuration.to_json_dict()
        found[str(e.meta["rule_id"])] = (e.meta["severity"], told["type"], told["kwargs"])
    return found


def _lasting(old: Suites, new: Suites) -> list[str]:
    """Reasons that judging a row by itself does not take away."""
    of_batches = {e.meta["rule_id"] for s in (old, new) for e in s.batches.expectations}
    return sorted({*of_batches, REJECTED_BY_PERSON, CUSTOMER_CAME_BACK})


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
    if found.batch_rules:
        console.print(
            f"not judged: {', '.join(found.batch_rules)} differ, and judge batches as they come",
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
