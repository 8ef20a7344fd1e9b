"""What the suites do inside the gate: warnings, stopped batches, versions, and no growth."""

import gc
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from deskwheel import lake
from deskwheel.records import Example
from deskwheel.schema import to_table
from deskwheel.settings import Settings, ValidateSettings
from deskwheel.tables import VALIDATED
from tests.validate.rows import example
from transforms.session import spark_schema
from validate.gate import Gate, compile_gate
from validate.suite import suite_version
from validate.told import Judged

NOW = datetime(2026, 3, 3, tzinfo=UTC)
BATCHES, LEARNT = 200, 60
GROWTH_BYTES = 400_000
"""Of Python's heap over 140 batches: less than 3 kB a batch, which is noise of the allocator."""

PARCEL = "It left our warehouse on Monday and arrives by Thursday evening."


@pytest.fixture(scope="module")
def compiled(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Gate:
    lake_dir = str(tmp_path_factory.mktemp("compiled"))
    settings = replace(Settings(), validate=ValidateSettings(min_batch_examples=5))
    settings = replace(settings, pipeline=replace(settings.pipeline, lake=lake_dir))
    return compile_gate(
        spark, settings, app_id="validated_examples:1", now=lambda: NOW, report=print
    )


@pytest.fixture
def gate(compiled: Gate, tmp_path: Path) -> tuple[Gate, list[Judged]]:
    reports: list[Judged] = []
    lake.ensure(tmp_path, VALIDATED)
    placed = replace(
        compiled, lake_dir=tmp_path, report=reports.append, index_file=tmp_path / "i.sqlite"
    )
    return placed, reports


def judge(spark: SparkSession, gate: Gate, batch_id: int, rows: Sequence[Example]) -> None:
    gate(spark.createDataFrame(to_table(rows, Example), spark_schema(Example)), batch_id)


def stored(gate: Gate) -> dict[str, dict[str, Any]]:
    rows = lake.read(gate.lake_dir, VALIDATED).to_pylist()
    return {row["example_id"]: row for row in rows}


def test_warning_is_stored_and_stops_nothing(
    spark: SparkSession, gate: tuple[Gate, list[Judged]]
) -> None:
    judge(
        spark, gate[0], 0,
        [
            example("a", language="de"),
            example("b", language="en", query="Where is my parcel?", response=PARCEL),
            example("c", csat=1),
        ],
    )  # fmt: skip
    rows = stored(gate[0])
    found = {name: (row["verdict"], row["warnings"]) for name, row in rows.items()}
    assert found == {
        "ex-a-1": ("valid", ["LANGUAGE_NOT_ALLOWED"]),
        "ex-b-1": ("valid", []),
        "ex-c-1": ("quarantined", ["LANGUAGE_MISSING"]),
    }
    assert gate[1][0].warnings == {"LANGUAGE_NOT_ALLOWED": 1, "LANGUAGE_MISSING": 1}
    assert {row["suite_version"] for row in rows.values()} == {suite_version(ValidateSettings())}


def test_negative_is_valid_as_a_negative(
    spark: SparkSession, gate: tuple[Gate, list[Judged]]
) -> None:
    bad = {"has_needless_apology": True, "resolution_probability": 0.1, "csat": 1}
    negative = example("a", kind="negative", negative_kind="unresolved", **bad)
    judge(spark, gate[0], 0, [negative, example("b", **bad)])
    found = {name: (row["verdict"], row["kind"]) for name, row in stored(gate[0]).items()}
    assert found == {"ex-a-1": ("valid", "negative"), "ex-b-1": ("quarantined", "ideal")}


def test_stopped_batch_waits_in_quarantine_and_the_next_one_goes_on(
    spark: SparkSession, gate: tuple[Gate, list[Judged]]
) -> None:
    leaking = [example(f"n{n}", query=f"Call me on 212-555-014{n}, please") for n in range(2)]
    fine = [example(f"m{n}", query=f"Where is my parcel number {n}?") for n in range(4)]
    judge(spark, gate[0], 0, [*leaking, *fine])
    rows = stored(gate[0])
    assert {row["verdict"] for row in rows.values()} == {"quarantined"}
    assert rows["ex-m0-1"]["reasons"] == ["PERSONAL_DATA_FLOOD"]
    assert rows["ex-n0-1"]["reasons"] == ["PII_LEFT_IN_QUERY"]
    assert gate[1][0].stops == ("PERSONAL_DATA_FLOOD",)
    assert "PERSONAL_DATA_FLOOD" in gate[1][0].broken
    judge(spark, gate[0], 1, [example("z", query="Where is the other parcel now?")])
    assert stored(gate[0])["ex-z-1"]["verdict"] == "valid"
    assert gate[1][1].stops == ()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_grows_over_two_hundred_batches(
    spark: SparkSession, gate: tuple[Gate, list[Judged]]
) -> None:
    persisted = spark.sparkContext._jsc.getPersistentRDDs  # noqa: SLF001  no public way
    before, sizes = persisted().size(), []
    tracemalloc.start()
    try:
        for number in range(BATCHES):
            judge(spark, gate[0], number, [example(f"n{number}-{i}") for i in range(5)])
            if number in (LEARNT, BATCHES - 1):
                gate[1].clear()
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert persisted().size() <= before
    assert sizes[1] - sizes[0] < GROWTH_BYTES
