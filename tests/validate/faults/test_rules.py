"""Rules that change between a crash and the replay: one verdict a row, by one version of them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from deskwheel.failpoint import AFTER_COMMIT, BEFORE_WRITE
from tests.validate.faults.desk import SECOND, Desk, stricter_suite
from validate.suite import suite_version

pytestmark = [pytest.mark.kafka, pytest.mark.faults, pytest.mark.slow]

JUDGED_LATER = {e.example_id for e in SECOND}


@pytest.mark.parametrize("point", [BEFORE_WRITE, AFTER_COMMIT])
def test_a_replay_under_other_rules_flips_no_verdict_that_was_committed(
    spark: SparkSession,
    killed: Callable[[str, Path], Desk],
    tmp_path: Path,
    point: str,
) -> None:
    old = killed(point, tmp_path / "desk")
    new = replace(old, suite=stricter_suite(tmp_path / "suite"))
    versions = [suite_version(desk.settings.validate) for desk in (old, new)]
    assert versions[0] != versions[1]
    before = {r["example_id"]: r for r in old.rows()}
    new.judge(spark)
    new.check_conserved(f"{point}, other rules")
    rows = {r["example_id"]: r for r in new.rows()}
    by_version = Counter(r["suite_version"] for r in rows.values())
    print(f"verdicts by suite version: {dict(by_version)}")
    for example_id, row in rows.items():
        is_replayed = point == BEFORE_WRITE and example_id in JUDGED_LATER
        assert row["suite_version"] == versions[is_replayed]
        if is_replayed:
            assert row["verdict"] == "quarantined"
            assert "RESOLUTION_UNSURE" in row["reasons"]
        elif point == AFTER_COMMIT:
            assert row == before[example_id]
        else:
            assert row["reasons"] in (before[example_id]["reasons"], ["NEWER_VERSION"], [])
