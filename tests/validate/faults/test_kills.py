"""SIGKILL before the write, in the commit and after it: counts conserve, no row stands twice."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from deskwheel import lake
from deskwheel.failpoint import AFTER_COMMIT, BEFORE_WRITE
from deskwheel.tables import VALIDATED
from tests.validate.faults.conftest import IN_COMMIT
from tests.validate.faults.desk import FIRST, SECOND, Desk

pytestmark = [pytest.mark.kafka, pytest.mark.faults]

ALL = {e.example_id for e in (*FIRST, *SECOND)}


@pytest.mark.parametrize(
    ("point", "committed"),
    [
        pytest.param(BEFORE_WRITE, False, marks=pytest.mark.slow),
        pytest.param(IN_COMMIT, False, marks=pytest.mark.slow),
        (AFTER_COMMIT, True),
    ],
)
def test_a_job_killed_in_a_batch_ends_where_an_unharmed_one_does(
    spark: SparkSession,
    killed: Callable[[str, Path], Desk],
    finished: Desk,
    tmp_path: Path,
    point: str,
    committed: bool,
) -> None:
    desk = killed(point, tmp_path / "desk")
    audit = desk.audit()
    assert audit.is_lawful
    assert audit.examples.pending == (0 if committed else len(SECOND))
    orphans, lag = _orphans(desk), desk.index_lag()
    print(
        f"\nkilled {point}: {audit.examples.pending} pending, {len(orphans)} files without entry,"
        f" index {lag} commits behind"
    )
    assert bool(orphans) == (point == IN_COMMIT)
    assert lag == (1 if committed else 0)
    before = desk.version()
    desk.judge(spark)
    desk.check_conserved(f"{point}, started again")
    assert desk.version() == before + (0 if committed else 1)
    assert desk.verdicts().keys() == ALL
    assert desk.verdicts() == finished.verdicts()


def _orphans(desk: Desk) -> set[str]:
    """Data files that no log entry tells of."""
    table = lake.table_path(desk.lake, VALIDATED)
    log = "".join(f.read_text() for f in sorted((table / "_delta_log").glob("*.json")))
    return {f.name for f in table.glob("*.parquet") if f.name not in log}
