from dataclasses import replace
from pathlib import Path

import pytest

from deskwheel.errors import SnapshotError
from tests.train.rows import chat_rows, example, freeze, write_examples
from train.data.training_set import choose_examples, find_snapshot, load_training_set


def test_a_snapshot_is_read_back_as_it_was_frozen(tmp_path: Path) -> None:
    lake = str(tmp_path)
    examples = [example(1), example(2, split="test"), example(0)]
    version = write_examples(lake, examples)
    freeze(lake, examples, version=version)
    data = load_training_set(lake, find_snapshot(lake, "snap-1"))
    assert [row.example_id for row in data.rows["train"]] == ["ex-000", "ex-001"]
    assert [row.conversation_id for row in data.rows["test"]] == ["conv-002"]
    assert data.content_digest == data.snapshot.content_digest


def test_later_examples_do_not_enter_a_frozen_snapshot(tmp_path: Path) -> None:
    lake = str(tmp_path)
    version = write_examples(lake, [example(0)])
    snapshot = freeze(lake, [example(0)], version=version)
    write_examples(lake, [example(1)])
    assert len(load_training_set(lake, snapshot).rows["train"]) == 1


def test_changed_content_is_refused(tmp_path: Path) -> None:
    lake = str(tmp_path)
    version = write_examples(lake, [replace(example(0), content_hash="tampered")])
    snapshot = freeze(lake, [example(0)], version=version)
    with pytest.raises(SnapshotError, match="is not the frozen"):
        load_training_set(lake, snapshot)


def test_a_changed_split_is_refused(tmp_path: Path) -> None:
    lake = str(tmp_path)
    version = write_examples(lake, [example(0)])
    snapshot = freeze(lake, [example(0)], version=version)
    moved = replace(snapshot.members[0], split="test")
    with pytest.raises(SnapshotError, match="is not the frozen"):
        load_training_set(lake, replace(snapshot, members=(moved,)))


def test_a_missing_member_is_refused(tmp_path: Path) -> None:
    lake = str(tmp_path)
    version = write_examples(lake, [example(0), example(1, is_valid=False)])
    snapshot = freeze(lake, [example(0), example(1)], version=version)
    with pytest.raises(SnapshotError, match="1 of 2 members"):
        load_training_set(lake, snapshot)


def test_a_version_that_is_gone_is_refused(tmp_path: Path) -> None:
    lake = str(tmp_path)
    write_examples(lake, [example(0)])
    snapshot = freeze(lake, [example(0)], version=7)
    with pytest.raises(SnapshotError, match="version 7"):
        load_training_set(lake, snapshot)


def test_an_unknown_snapshot_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="'snap-9'"):
        find_snapshot(str(tmp_path), "snap-9")


def test_the_same_test_examples_are_chosen_in_any_order() -> None:
    rows = chat_rows(20)
    assert choose_examples(rows, 5) == choose_examples(rows[::-1], 5)
    assert len(choose_examples(rows, 5)) == 5


def test_a_negative_that_a_snapshot_calls_ideal_is_refused(tmp_path: Path) -> None:
    lake = str(tmp_path)
    examples = [replace(example(0), kind="negative", negative_kind="rude"), example(1)]
    snapshot = freeze(lake, examples, version=write_examples(lake, examples))
    with pytest.raises(SnapshotError, match="1 members that it calls ideal are not"):
        load_training_set(lake, snapshot)


def test_the_copy_of_a_test_example_is_refused(tmp_path: Path) -> None:
    lake = str(tmp_path)
    copied = replace(example(1, split="test"), content_hash=example(0).content_hash)
    examples = [example(0), copied]
    snapshot = freeze(lake, examples, version=write_examples(lake, examples))
    with pytest.raises(SnapshotError, match="is contaminated: 1 examples"):
        load_training_set(lake, snapshot)


def test_a_golden_set_that_is_gone_is_refused(tmp_path: Path) -> None:
    lake = str(tmp_path)
    examples = [example(0)]
    plain = freeze(lake, examples, version=write_examples(lake, examples))
    snapshot = replace(plain, manifest='{"golden_id": "gold-1"}')
    with pytest.raises(SnapshotError, match="golden set gold-1"):
        load_training_set(lake, snapshot)


def test_weights_are_decided_by_empathy_and_correction(tmp_path: Path) -> None:
    lake = str(tmp_path)
    examples = [
        replace(example(0), is_empathetic=True, authorship="human"),
        replace(example(1), is_empathetic=False, authorship="model_edited"),
    ]
    snapshot = freeze(lake, examples, version=write_examples(lake, examples))
    rows = load_training_set(lake, snapshot).rows["train"]
    assert [(r.is_empathetic, r.is_corrected) for r in rows] == [(True, False), (False, True)]
