"""SIGKILL before the write, in the commit and after it: counts conserve, no row stands twice.

The same for a repair; and whatever died untold is told by the next start, once.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from deskwheel import lake
from deskwheel.failpoint import AFTER_COMMIT, AFTER_REPAIR, BEFORE_REPAIR, BEFORE_WRITE
from deskwheel.tables import VALIDATED
from tests.validate.faults.conftest import IN_COMMIT
from tests.validate.faults.desk import FIRST, SECOND, Desk
from validate.quarantine.requests import COLUMNS, Wish, ask
from validate.quarantine.rows import stored_rows

pytestmark = [pytest.mark.kafka, pytest.mark.faults]

NOW = datetime(2026, 3, 4, tzinfo=UTC)
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
    assert desk.told("validated") == finished.told("validated")


@pytest.mark.parametrize(
    ("point", "committed"),
    [pytest.param(BEFORE_REPAIR, False, marks=pytest.mark.slow), (AFTER_REPAIR, True)],
)
def test_a_job_killed_in_a_repair_applies_it_once(
    spark: SparkSession, finished: Desk, tmp_path: Path, point: str, committed: bool
) -> None:
    desk = finished.copy_to(tmp_path / "desk")
    rows = stored_rows(desk.lake, VALIDATED, columns=COLUMNS, ids=["ex-c-1"])
    ask(
        desk.lake, rows, Wish(action="reject", actor="lead-1"), now=datetime(2026, 3, 4, tzinfo=UTC)
    )
    unharmed = desk.copy_to(tmp_path / "unharmed")
    unharmed.judge(spark)
    before = desk.version()
    done = desk.run("-m", "validate", "watch", "--once", failpoint=point)
    assert done.returncode == -9, done.stderr[-2000:]
    assert desk.audit().is_balanced
    assert desk.version() == before + committed
    assert desk.told("repaired") == []
    desk.judge(spark)
    desk.check_conserved(f"{point}, started again")
    assert desk.version() == before + 1
    verdicts = desk.verdicts()
    assert (verdicts["ex-c-1"], verdicts["ex-f-1"]) == ("quarantined", "valid")
    assert verdicts == unharmed.verdicts()
    assert {r["example_id"]: r["attempt"] for r in desk.rows() if r["attempt"]} == {"ex-c-1": 1}
    assert desk.told("repaired") == unharmed.told("repaired") == [("ex-c-1", None)]


def _orphans(desk: Desk) -> set[str]:
    """Data files that no log entry tells of."""
    table = lake.table_path(desk.lake, VALIDATED)
    log = "".join(f.read_text() for f in sorted((table / "_delta_log").glob("*.json")))
    return {f.name for f in table.glob("*.parquet") if f.name not in log}
