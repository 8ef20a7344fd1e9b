"""The verdicts that examples should get, all judged at once: no stream, no batches, no versions."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from deskwheel.records import Example
from deskwheel.schema import to_table
from deskwheel.settings import ValidateSettings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Verdicts = Counter[tuple[str, str, tuple[str, ...]]]


def judged_by_rules(
    spark: "SparkSession", settings: ValidateSettings, examples: Sequence[Example]
) -> Verdicts:
    """How often each content got which verdict and reasons.

    Which one of several copies is the valid one depends on the order of arrival; how many are
    valid does not.
    """
    from transforms.session import spark_schema  # noqa: PLC0415  engines only where asked for
    from validate.compile import broken_rules, compile_rules  # noqa: PLC0415
    from validate.suite import build_suite  # noqa: PLC0415
    from validate.verdicts import Candidate, decide  # noqa: PLC0415

    rows = spark.createDataFrame(to_table(examples, Example), spark_schema(Example))
    rules = compile_rules(build_suite(settings), rows)
    keys = rows.select("example_id", broken_rules(rules).alias("reasons")).toArrow().to_pylist()
    broken = {key["example_id"]: tuple(key["reasons"]) for key in keys}
    candidates = [
        Candidate(
            example_id=e.example_id,
            conversation_id=e.conversation_id,
            conversation_version=e.conversation_version,
            content_hash=e.content_hash,
            sent_at=e.sent_at,
            reasons=broken[e.example_id],
        )
        for e in examples
    ]
    decisions = decide([], candidates, {})
    contents = {e.example_id: e.content_hash for e in examples}
    return Counter((contents[id], d.verdict, tuple(d.reasons)) for id, d in decisions.items())
