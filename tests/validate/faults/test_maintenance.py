"""OPTIMIZE, VACUUM and DELETE beside the gate: it goes on, and its index is right."""

from contextlib import closing
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from deskwheel import lake
from deskwheel.errors import ServiceError
from deskwheel.state import State
from deskwheel.tables import EXAMPLES
from tests.validate.faults.desk import Desk, beside, delete, optimize, said, vacuum
from validate.catch_up import catch_up
from validate.gate import INDEX_NAME
from validate.index import open_index
from validate.watch import judge_once

pytestmark = [pytest.mark.kafka, pytest.mark.faults]

THIRD = (said("h"), said("i", content="e", minute=3))


@pytest.mark.slow
def test_the_gate_goes_on_after_maintenance_with_a_right_index(
    spark: SparkSession, finished: Desk, tmp_path: Path
) -> None:
    desk = finished.copy_to(tmp_path / "desk")
    optimize(desk)
    vacuum(desk)
    DeltaTable(lake.table_path(desk.lake, EXAMPLES)).optimize.compact()
    desk.receive(THIRD)
    desk.judge(spark)
    desk.check_conserved("after OPTIMIZE and VACUUM")
    delete(desk, "ex-e-1")
    desk.receive((said("j", content="c", minute=9),))
    desk.judge(spark)
    with open_index(desk.checkpoint.parent / INDEX_NAME) as index:
        catch_up(index, desk.lake)
        known = {c.example_id: c.verdict for c in index.of_ids({"ex-e-1", *desk.verdicts()})}
    audit = desk.audit()
    print(f"after DELETE of one row: {audit.examples.lost} lost of {len(known) + 1}")
    assert known == desk.verdicts()
    assert desk.verdicts()["ex-j-1"] == "duplicate"
    assert audit.examples.pending == 0
    assert audit.breaches == {"VERDICT_LOST": [{"example_id": "ex-e-1"}]}


@pytest.mark.slow
def test_the_gate_beside_maintenance_judges_each_example_once(
    spark: SparkSession, begun: Desk, tmp_path: Path
) -> None:
    desk = begun.copy_to(tmp_path / "desk")
    lost, changes = 0, 0
    merged: list[int] = []
    for batch in ((), THIRD, (said("j", content="c", minute=9),)):
        if batch:
            desk.receive(batch)
        with beside(lambda _: merged.append(optimize(desk))) as rounds:
            while not _is_judged(spark, desk):
                lost += 1
        changes += rounds["made"]
    print(
        f"\ngate beside OPTIMIZE: {lost} batches repeated, {changes} changes,"
        f" {sum(merged)} files put together"
    )
    assert changes > 0
    assert sum(merged) > 0
    desk.check_conserved("beside OPTIMIZE")


def _is_judged(spark: SparkSession, desk: Desk) -> bool:
    with closing(State(desk.settings.pipeline.state_url)) as state:
        try:
            judge_once(spark, desk.settings, state)
        except ServiceError as error:
            if "concurrent" not in str(error.__cause__).casefold():
                raise
            return False
    return True
