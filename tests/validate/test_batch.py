"""A batch's rows are the same whether this process commits them or Spark does."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from deskwheel import lake
from deskwheel.records import Example
from deskwheel.schema import to_table
from deskwheel.settings import PipelineSettings, Settings
from deskwheel.tables import VALIDATED
from tests.validate.rows import example
from transforms.session import spark_schema
from validate.batch import changed_rows, new_rows, read_batch, read_keys, warnings_of
from validate.candidates import Decision, Place
from validate.entries import make_entry
from validate.gate import Gate, compile_gate

NOW = datetime(2026, 3, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def gate(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Gate:
    settings = Settings(pipeline=PipelineSettings(lake=str(tmp_path_factory.mktemp("rules"))))
    return compile_gate(spark, settings, app_id="x", now=lambda: NOW, report=print)


def batch_frame(spark: SparkSession) -> DataFrame:
    """Three examples, one of them twice, and news of a conversation."""
    a, b = example("a"), example("b", csat=1, thumb="down")
    c = example("c", kind="preference", rejected_response="Read the manual.")
    rows = spark.createDataFrame(to_table([a, b, a, c], Example), spark_schema(Example))
    news = spark.createDataFrame(
        [("conv-d", 2)], "conversation_id string, conversation_version long"
    )
    return rows.unionByName(news, allowMissingColumns=True)


def test_text_and_keys_are_read_row_by_row(spark: SparkSession, gate: Gate) -> None:
    frame = batch_frame(spark)
    batch = read_batch(frame, gate.rules)
    assert batch.keys == read_keys(frame, gate.rules)
    assert batch.rows is not None
    ids = ["ex-a-1", "ex-b-1", "ex-a-1", "ex-c-1", None]
    assert batch.rows["example_id"].to_pylist() == [k["example_id"] for k in batch.keys] == ids


def test_rows_for_this_process_are_those_for_spark(spark: SparkSession, gate: Gate) -> None:
    frame = batch_frame(spark)
    batch = read_batch(frame, gate.rules)
    fresh = {
        k["example_id"]: make_entry(k, split="dev", rejected=k["rejected"])
        for k in batch.keys
        if k["example_id"]
    }
    decisions = {
        "ex-c-1": Decision("valid", (), Place("ex-c-1", "dev", "ex-c-1")),
        "ex-a-1": Decision("duplicate", ("NEAR_DUPLICATE",), Place("x", "dev", "y"), "y"),
        "ex-b-1": Decision("quarantined", ("CSAT_LOW", "THUMB_DOWN")),
    }
    facts: dict[str, Any] = {
        "decisions": decisions, "fresh": fresh, "suite_version": "suite-1", "now": NOW,
    }  # fmt: skip
    assert batch.rows is not None
    here = new_rows(batch.rows, warnings_of(batch.keys), **facts)
    there = changed_rows(frame, batch.keys, **facts).toArrow()
    assert here["example_id"].to_pylist() == ["ex-a-1", "ex-b-1", "ex-c-1"]
    assert not any(there["is_stored"].to_pylist())
    assert in_order(here) == in_order(there.drop_columns("is_stored"))


def test_rows_of_a_file_whose_columns_may_all_be_null_are_read(
    spark: SparkSession, gate: Gate, tmp_path: Path
) -> None:
    batch_frame(spark).where("example_id IS NOT NULL").write.parquet(str(tmp_path / "rows"))
    batch = read_batch(spark.read.parquet(str(tmp_path / "rows")), gate.rules)
    assert batch.rows is not None
    assert dict(batch.rows["redaction"][0].as_py()["counts"]) == {"EMAIL": 1}


def in_order(table: pa.Table) -> list[dict[str, Any]]:
    return sorted(table.to_pylist(), key=lambda row: row["example_id"])


def test_a_batch_too_large_for_this_process_is_committed_by_spark(
    spark: SparkSession, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.ensure(tmp_path, VALIDATED)
    placed = replace(gate, lake_dir=tmp_path, index_file=tmp_path / "index.sqlite")
    monkeypatch.setattr("validate.batch.gathered", lambda frame: frame)
    placed(batch_frame(spark), 0)
    rows = {r["example_id"]: r for r in lake.read(tmp_path, VALIDATED).to_pylist()}
    assert rows.keys() == {"ex-a-1", "ex-b-1", "ex-c-1"}
    assert rows["ex-b-1"]["verdict"] == "quarantined"
    assert rows["ex-a-1"]["query"] == example("a").query
