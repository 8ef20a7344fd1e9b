"""Up to where a batch reads, as Spark's own files say it; and offsets that say something else."""

import json
from pathlib import Path
from typing import Any

import pytest

from deskwheel import lake
from deskwheel.errors import LineageError
from deskwheel.schema import to_table
from deskwheel.tables import VALIDATED
from validate.checkpoint import check_reading, planned_reading

APP = "validated_examples:1"
SOURCE = {
    "sourceVersion": 1, "reservoirId": "id", "reservoirVersion": 12, "index": -1,
    "isStartingVersion": False,
}  # fmt: skip


def plan(checkpoint: Path, batch_id: int, **changes: Any) -> None:
    folder = checkpoint / "offsets"
    folder.mkdir(parents=True, exist_ok=True)
    lines = ("v1", json.dumps({"conf": {}}), json.dumps({**SOURCE, **changes}), "-")
    (folder / str(batch_id)).write_text("\n".join(lines), encoding="utf-8")


def commit(place: Path, checkpoint: Path, batch_id: int) -> None:
    rows = to_table([], VALIDATED.record)
    told = {"read": planned_reading(checkpoint, batch_id)}
    lake.append_once(place, VALIDATED, rows, app_id=APP, batch_id=batch_id, metadata=told)


def test_a_batch_reads_up_to_what_spark_wrote_down(tmp_path: Path) -> None:
    plan(tmp_path, 3)
    assert planned_reading(tmp_path, 3) == {"id": [12, -1, False]}
    assert planned_reading(tmp_path, 4) == {}


def test_offsets_that_are_not_those_of_the_commit_are_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    for batch_id in range(2):
        plan(checkpoint, batch_id, reservoirVersion=batch_id)
        commit(tmp_path, checkpoint, batch_id)
    plan(checkpoint, 2, reservoirVersion=7)
    check_reading(tmp_path, checkpoint, APP)
    plan(checkpoint, 1, reservoirVersion=3)
    check_reading(tmp_path, checkpoint, "validated_examples:of another life")
    with pytest.raises(LineageError, match=r"offsets/1 says .*\[3, -1, False\].*was edited"):
        check_reading(tmp_path, checkpoint, APP)
    (checkpoint / "offsets" / "1").unlink()
    check_reading(tmp_path, checkpoint, APP)


def test_a_table_that_is_not_there_contradicts_nothing(tmp_path: Path) -> None:
    check_reading(tmp_path, tmp_path, APP)
