"""What is compiled is decided by size, and the session interprets again afterwards."""

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from deskwheel import lake
from deskwheel.records import Example
from deskwheel.schema import to_table
from deskwheel.tables import EXAMPLES
from tests.validate.rows import example
from transforms.session import start_query
from validate.compiled import COMPILED_FROM, compiled_read, compiled_write, estimated_bytes
from validate.gate import read_stream

MODE, STAGES = "spark.sql.codegen.factoryMode", "spark.sql.codegen.wholeStage"


@pytest.fixture
def frame(spark: SparkSession, tmp_path: Path) -> DataFrame:
    lake.append(tmp_path, EXAMPLES, to_table([example("a"), example("b")], Example))
    return spark.read.format("delta").load(str(lake.table_path(tmp_path, EXAMPLES)))


def test_large_batch_is_read_by_compiled_expressions(spark: SparkSession, frame: DataFrame) -> None:
    before = (spark.conf.get(MODE), spark.conf.get(STAGES))
    assert before == ("NO_CODEGEN", "false")
    with compiled_read(frame, from_bytes=estimated_bytes(frame)):
        assert (spark.conf.get(MODE), spark.conf.get(STAGES)) == ("FALLBACK", "false")
    assert (spark.conf.get(MODE), spark.conf.get(STAGES)) == before
    with compiled_read(frame):
        assert (spark.conf.get(MODE), spark.conf.get(STAGES)) == before


@pytest.mark.parametrize(("rows", "mode"), [(COMPILED_FROM - 1, "false"), (COMPILED_FROM, "true")])
def test_large_write_is_compiled_stage_by_stage(spark: SparkSession, rows: int, mode: str) -> None:
    with compiled_write(spark, rows):
        assert spark.conf.get(STAGES) == mode
    assert spark.conf.get(STAGES) == "false"


def test_size_of_a_frame_is_that_of_its_files(spark: SparkSession, frame: DataFrame) -> None:
    size = sum(Path(f.removeprefix("file:")).stat().st_size for f in frame.inputFiles())
    assert estimated_bytes(frame) == size


def test_size_of_a_stream_s_batch_is_known_before_it_is_read(
    spark: SparkSession, frame: DataFrame, tmp_path: Path
) -> None:
    found: list[int] = []
    rows = read_stream(spark, lake.table_path(tmp_path, EXAMPLES))
    writer = rows.writeStream.option("checkpointLocation", str(tmp_path / "point")).foreachBatch(
        lambda batch, _: found.append(estimated_bytes(batch))
    )
    start_query(writer, interval_s=None).awaitTermination()
    assert found == pytest.approx([estimated_bytes(frame)], rel=0.5)


def test_what_the_planner_does_not_know_counts_as_small(spark: SparkSession) -> None:
    unknown = spark.createDataFrame(spark.sparkContext.parallelize([("a",)]), "example_id string")
    assert estimated_bytes(unknown) == 0
