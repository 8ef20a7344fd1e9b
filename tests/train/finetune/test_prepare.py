from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deskwheel.errors import SnapshotError
from tests.train.rows import chat_rows, example, freeze, quick, write_examples
from train.data.training_set import TrainingSet, load_training_set
from train.finetune.packed import open_packed, read_index
from train.finetune.prepare import packed_name, prepare_snapshot


@pytest.fixture
def data(tmp_path: Path) -> TrainingSet:
    examples = [example(i, split="dev" if i % 4 == 0 else "train") for i in range(8)]
    version = write_examples(str(tmp_path / "lake"), examples)
    return load_training_set(
        str(tmp_path / "lake"), freeze(str(tmp_path / "lake"), examples, version=version)
    )


def test_a_snapshot_is_packed_once(tmp_path: Path, data: TrainingSet) -> None:
    folder = prepare_snapshot(data, quick(), runs_dir=tmp_path)
    before = (folder / "train-tokens.npy").stat()
    assert prepare_snapshot(data, quick(lr=1e-4), runs_dir=tmp_path) == folder
    assert (folder / "train-tokens.npy").stat().st_mtime_ns == before.st_mtime_ns
    about = read_index(folder)["about"]
    assert about["train"]["examples"] == 6
    assert about["dev"]["examples"] == 2
    assert about["train"]["left_out_too_long"] == 0


def test_a_broken_folder_is_packed_again(tmp_path: Path, data: TrainingSet) -> None:
    folder = prepare_snapshot(data, quick(), runs_dir=tmp_path)
    (folder / "dev-bins.npy").write_bytes(b"")
    assert prepare_snapshot(data, quick(), runs_dir=tmp_path) == folder
    assert len(open_packed(folder, "dev")) > 0


@pytest.mark.parametrize(
    "change", [{"max_length": 64}, {"empathetic_weight": 2.0}, {"corrected_weight": 0.5}]
)
def test_what_decides_the_content_decides_the_name(tokenizer: Any, change: dict[str, Any]) -> None:
    plain = packed_name("digest", tokenizer, quick())
    assert packed_name("digest", tokenizer, quick(**change)) != plain
    assert packed_name("other", tokenizer, quick()) != plain
    assert packed_name("digest", tokenizer, quick(lr=1.0, steps=1)) == plain


def test_a_weight_repeats_examples_of_train_and_not_of_dev(
    tmp_path: Path, data: TrainingSet
) -> None:
    rows = {
        split: [replace(row, is_empathetic=True) for row in found]
        for split, found in data.rows.items()
    }
    weighted = replace(data, rows=rows)
    folder = prepare_snapshot(weighted, quick(empathetic_weight=2.0), runs_dir=tmp_path)
    plain = prepare_snapshot(weighted, quick(), runs_dir=tmp_path)
    assert open_packed(folder, "train").tokens == 2 * open_packed(plain, "train").tokens
    assert open_packed(folder, "dev").tokens == open_packed(plain, "dev").tokens


def test_a_snapshot_with_nothing_to_learn_is_refused(tmp_path: Path, data: TrainingSet) -> None:
    rows = {"train": (), "dev": chat_rows(1), "test": ()}
    with pytest.raises(SnapshotError, match="none to learn from"):
        prepare_snapshot(replace(data, rows=rows), quick(), runs_dir=tmp_path)
