"""The gate takes an example back in one commit when its customer asks the same again."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from deskwheel import lake
from deskwheel.repairs import Repair
from deskwheel.schema import to_table
from deskwheel.settings import ValidateSettings
from deskwheel.tables import VALIDATED
from tests.validate.test_gate import NOW, Bench, compiled
from tests.validate.test_returns import AGAIN, visit
from validate.gate import Gate
from validate.mend import Mender
from validate.quarantine.requests import COLUMNS, Wish, make_repair
from validate.returns import CUSTOMER_CAME_BACK

__all__ = ["compiled"]


@pytest.fixture
def bench(spark: SparkSession, compiled: Gate, tmp_path: Path) -> Bench:
    found = Bench(spark, compiled, tmp_path)
    found.gate = replace(found.gate, settings=ValidateSettings())
    return found


def repairs(bench: Bench, action: Any) -> DataFrame:
    """What a person asks about the first example, as a micro-batch."""
    (row,) = (r for r in bench.rows() if r["example_id"] == "ex-first-1")
    asked = make_repair({c: row[c] for c in COLUMNS}, Wish(action=action, actor="lead-1"), now=NOW)
    return bench.spark.createDataFrame(to_table([asked], Repair))


def test_return_is_judged_in_one_commit_replayed_and_accepted(bench: Bench) -> None:
    """One story in one test, because each commit costs seconds."""
    assert bench.judge(0, visit("first")) == {"ex-first-1": "valid"}
    before = bench.version() or 0
    later = visit("second", AGAIN, days=2)
    expected = {"ex-first-1": "quarantined", "ex-second-1": "valid"}
    assert bench.judge(1, later) == expected
    assert bench.version() == before + 1
    assert bench.reports[-1].reasons == {CUSTOMER_CAME_BACK: 1}
    rows = {r["example_id"]: r for r in bench.rows()}
    assert rows["ex-first-1"]["reasons"] == [CUSTOMER_CAME_BACK]
    assert rows["ex-first-1"]["query"] == visit("first").query

    bench.gate.index_file.unlink()
    assert bench.judge(1, later) == expected
    assert bench.judge(2, later) == expected
    assert bench.version() == before + 1

    mender = Mender(gate=bench.gate, app_id="repairs:1", report=lambda _: None)
    mender(repairs(bench, "replay"), 0)
    assert bench.verdicts() == expected
    mender(repairs(bench, "accept"), 1)
    assert bench.verdicts() == dict.fromkeys(expected, "valid")
    bench.gate.index_file.unlink()
    assert bench.judge(3, visit("third", AGAIN, days=3)) == {
        "ex-first-1": "valid", "ex-second-1": "quarantined", "ex-third-1": "valid",
    }  # fmt: skip
    (first,) = (r for r in bench.rows() if r["example_id"] == "ex-first-1")
    assert CUSTOMER_CAME_BACK in first["warnings"]
    assert first["attempt"] == 2
    assert lake.current_version(bench.lake, VALIDATED) == before + 4
