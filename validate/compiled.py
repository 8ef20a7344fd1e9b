"""Spark's expressions compiled for a large batch; the sessions of ours interpret them.

A micro-batch never pays the compiler back, a backfill's batch does (docs/decisions.md). Settings
hold for the jobs that begin inside of a `with`, and so for what they read from, too. Reads and
writes no table.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pyspark.sql import DataFrame, SparkSession

EXPRESSIONS = {"spark.sql.codegen.factoryMode": "FALLBACK"}
STAGES = {**EXPRESSIONS, "spark.sql.codegen.wholeStage": "true"}
"""With rules in it a stage costs more than its expressions alone: one method, long for the JVM."""

COMPILED_FROM = 20_000
"""Rows of a write from which compiling costs less CPU than it saves (docs/decisions.md)."""
COMPILED_FROM_BYTES = 8 * 1024 * 1024
"""The same of a batch that is still to be read; some 20,000 to 30,000 examples in Parquet."""
_UNKNOWN = 1 << 50
"""Spark estimates what it does not know as large as can be, so that nothing is broadcast."""


@contextmanager
def compiled_write(spark: SparkSession, rows: int) -> Iterator[None]:
    """Whole-stage code for a write of at least `COMPILED_FROM` rows."""
    with _settings(spark, STAGES if rows >= COMPILED_FROM else {}):
        yield


@contextmanager
def compiled_read(frame: DataFrame, *, from_bytes: int = COMPILED_FROM_BYTES) -> Iterator[None]:
    """Compiled expressions, rules among them, for a batch whose files are at least so large."""
    is_large = estimated_bytes(frame) >= from_bytes
    with _settings(frame.sparkSession, EXPRESSIONS if is_large else {}):
        yield


def estimated_bytes(frame: DataFrame) -> int:
    """Size of the files that a frame reads, as Spark's planner knows it; 0 where it does not.

    Nothing is read for it.
    """
    plan = frame._jdf.queryExecution().optimizedPlan()  # noqa: SLF001  Python has no other way
    size = int(plan.stats().sizeInBytes())
    return size if size < _UNKNOWN else 0


@contextmanager
def _settings(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    before = {key: str(spark.conf.get(key)) for key in settings}
    for key, value in settings.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key, old in before.items():
            spark.conf.set(key, old)
