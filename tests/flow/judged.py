"""The verdicts that examples should get, all judged at once: no stream, no batches, no versions."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deskwheel.records import Example
from deskwheel.schema import to_table
from deskwheel.settings import ValidateSettings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Judged = Counter[tuple[str, tuple[str, ...]]]
"""Content and the rules that keep it out, none for what is valid or stands behind a valid one."""


def judged_by_rules(
    spark: "SparkSession", settings: ValidateSettings, examples: Sequence[Example]
) -> Judged:
    """How often each content should be kept out by which rules.

    Which one of several near-copies is the valid one depends on the order of arrival, and so does
    the split of a cluster: `broken_groups` says what does not.
    """
    from transforms.session import spark_schema  # noqa: PLC0415  engines only where asked for
    from validate.compile import compile_row_rules  # noqa: PLC0415
    from validate.suite import load_suites  # noqa: PLC0415

    rows = spark.createDataFrame(to_table(examples, Example), spark_schema(Example))
    rules = compile_row_rules(load_suites(settings).rows, rows)
    keys = rows.select("content_hash", rules.reasons().alias("reasons")).toArrow().to_pylist()
    return Counter((key["content_hash"], tuple(key["reasons"])) for key in keys)


def judged_in_table(rows: Iterable[Mapping[str, Any]]) -> Judged:
    """The same of the rows of `validated_examples` that no newer version took out.

    A customer's return is no rule of the row: it counts as none.
    """
    return Counter(
        (
            row["content_hash"],
            tuple(r for r in row["reasons"] if r != "CUSTOMER_CAME_BACK")
            if row["verdict"] == "quarantined"
            else (),
        )
        for row in rows
        if row["verdict"] != "superseded"
    )


def broken_groups(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Groups of near-copies that have not the one valid example that they should have.

    That is one in the split of the cluster, if a customer of the group belongs to it.
    """
    splits = {row["example_id"]: row["split"] for row in rows}
    groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["verdict"] in ("valid", "duplicate"):
            groups[row["group_id"]].append(row)
    broken = []
    for group, found in groups.items():
        is_able = any(row["split"] == splits[row["cluster_id"]] for row in found)
        valid = [row for row in found if row["verdict"] == "valid"]
        is_placed = all(row["split"] == splits[row["cluster_id"]] for row in valid)
        if len(valid) != int(is_able) or not is_placed:
            broken.append(group)
    return broken
