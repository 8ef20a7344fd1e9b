"""Small files of a table are merged between two batches, and nobody who reads it notices."""

import json
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from deskwheel import lake
from deskwheel.records import Feedback
from deskwheel.schema import to_table
from deskwheel.tables import FEEDBACK
from tests.transforms import toys
from transforms.outcomes import feedback_rows
from transforms.parse.model import RawEvent
from transforms.session import spark_schema, write_once

APP = "toy:1"
BATCHES = 5


def outcome(number: int) -> Feedback:
    told = {
        "feedback_id": f"f-{number}", "kind": "outcome", "trace_id": "t-1",
        "occurred_at": toys.SENT,
    }  # fmt: skip
    data = json.dumps(told).encode()
    event = RawEvent("feedback", data, len(data), {}, toys.NOW)
    (row,) = feedback_rows(event, toys.PLACE, toys.RULES, batch_id=number)
    return row


def write(spark: SparkSession, folder: Path, batch_id: int, rows: list[Feedback]) -> None:
    table = to_table(rows, Feedback)
    write_once(
        spark.createDataFrame(table).to(spark_schema(Feedback)), folder, FEEDBACK, app_id=APP,
        batch_id=batch_id, metadata={}, compact_commits=2,
    )  # fmt: skip


def test_a_stream_reads_each_row_once_while_files_are_merged(
    spark: SparkSession, tmp_path: Path
) -> None:
    path = lake.ensure(tmp_path, FEEDBACK)
    seen: list[str] = []

    def note(frame: DataFrame, _batch_id: int) -> None:
        seen.extend(row["feedback_id"] for row in frame.select("feedback_id").collect())

    for batch_id in range(BATCHES):
        write(spark, tmp_path, batch_id, [outcome(batch_id)])
        query = (
            spark.readStream.format("delta").load(str(path)).writeStream.foreachBatch(note)
            .option("checkpointLocation", str(tmp_path / "reader")).trigger(availableNow=True)
        )  # fmt: skip
        query.start().awaitTermination()
    assert seen == [f"f-{n}" for n in range(BATCHES)]
    assert len(DeltaTable(path).file_uris()) < BATCHES
    assert [c["batch"] for c in lake.commits(tmp_path, FEEDBACK)] == list(range(BATCHES))


def test_a_batch_that_was_merged_is_still_never_written_again(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake.ensure(tmp_path, FEEDBACK)
    for batch_id in (0, 1, 1, 0):
        write(spark, tmp_path, batch_id, [outcome(batch_id)])
    found = lake.read(tmp_path, FEEDBACK, columns=["feedback_id"])["feedback_id"].to_pylist()
    assert sorted(found) == ["f-0", "f-1"]


def test_only_each_eighth_merge_makes_large_files_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = to_table([outcome(0)], Feedback)
    write_once(rows, tmp_path, FEEDBACK, app_id=APP, batch_id=0, metadata={})
    (small,) = map(Path, DeltaTable(tmp_path / FEEDBACK.name).file_uris())
    monkeypatch.setattr(lake, "COMPACTED_BYTES", 8 * small.stat().st_size)
    files = {}
    for batch_id in range(1, 16):
        write_once(
            rows, tmp_path, FEEDBACK, app_id=APP, batch_id=batch_id, metadata={}, compact_commits=2
        )
        table = DeltaTable(tmp_path / FEEDBACK.name)
        files[table.version()] = len(table.file_uris())
    assert files[15] > 4, "none of them fits into an eighth"
    assert files[17] < 4, "version 16 was due for large ones"
