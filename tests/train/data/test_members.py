from pathlib import Path

from tests.train.rows import example, freeze, write_examples
from train.data.members import read_members, snapshots_with, train_ids


def frozen(folder: Path) -> str:
    lake_dir = str(folder)
    examples = [example(1), example(2, split="test"), example(3)]
    freeze(lake_dir, examples, version=write_examples(lake_dir, examples))
    return lake_dir


def test_members_are_columns(tmp_path: Path) -> None:
    members = read_members(frozen(tmp_path), "snap-1")
    assert members is not None
    assert members["example_id"].to_pylist() == ["ex-001", "ex-002", "ex-003"]
    assert members["split"].to_pylist() == ["train", "test", "train"]


def test_only_ideal_members_of_train_are_learnt(tmp_path: Path) -> None:
    members = read_members(frozen(tmp_path), "snap-1")
    assert members is not None
    assert train_ids(members) == {"ex-001", "ex-003"}
    assert train_ids(members.set_column(2, "kind", [["negative", "ideal", "ideal"]])) == {"ex-003"}


def test_an_unknown_snapshot_has_none(tmp_path: Path) -> None:
    assert read_members(str(tmp_path), "snap-1") is None
    assert read_members(frozen(tmp_path), "snap-2") is None


def test_a_snapshot_is_found_by_any_of_its_examples(tmp_path: Path) -> None:
    lake_dir = frozen(tmp_path)
    assert list(snapshots_with(lake_dir, {"ex-002", "ex-009"})) == [("snap-1", ["ex-002"])]
    assert list(snapshots_with(lake_dir, {"ex-009"})) == []
