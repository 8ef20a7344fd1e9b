from pathlib import Path

import numpy as np
import pytest

from deskwheel.errors import SnapshotError
from train.finetune.packed import (
    INDEX,
    Example,
    PackedSet,
    open_packed,
    pack_examples,
    read_index,
    write_packed,
)


def example(*ids: int, prompt: int = 1) -> Example:
    return Example(ids=np.array(ids, dtype=np.int32), prompt_tokens=prompt)


@pytest.fixture
def packed() -> PackedSet:
    return pack_examples([example(1, 2), example(3, 4, 5, prompt=2)], [[1, 0], [0]])


def test_a_packed_set_is_read_back_from_mapped_files(tmp_path: Path, packed: PackedSet) -> None:
    write_packed(tmp_path / "p", {"train": packed}, about={"examples": 2})
    found = open_packed(tmp_path / "p", "train")
    assert [[e.ids.tolist() for e in found.examples(n)] for n in range(len(found))] == [
        [[3, 4, 5], [1, 2]],
        [[1, 2]],
    ]
    assert [e.prompt_tokens for e in found.examples(0)] == [2, 1]
    assert isinstance(found.examples(0)[0].ids.base, np.memmap)
    assert read_index(tmp_path / "p")["about"] == {"examples": 2}


def test_a_repeated_example_is_stored_once_and_counted_twice(packed: PackedSet) -> None:
    assert packed.tokens == 3 + 2 + 2


def test_an_empty_set_is_one(tmp_path: Path) -> None:
    write_packed(tmp_path / "p", {"dev": pack_examples([], [])}, about={})
    assert len(open_packed(tmp_path / "p", "dev")) == 0


def test_the_second_writer_leaves_the_first_ones_folder(tmp_path: Path, packed: PackedSet) -> None:
    write_packed(tmp_path / "p", {"train": packed}, about={"by": 1})
    write_packed(tmp_path / "p", {"train": packed}, about={"by": 2})
    assert read_index(tmp_path / "p")["about"] == {"by": 1}
    assert [f.name for f in tmp_path.iterdir()] == ["p"]


@pytest.mark.parametrize("change", ["cut", "altered", "gone"])
def test_a_broken_file_is_refused(tmp_path: Path, packed: PackedSet, change: str) -> None:
    write_packed(tmp_path / "p", {"train": packed}, about={})
    file = tmp_path / "p" / "train-tokens.npy"
    content = bytearray(file.read_bytes())
    if change == "gone":
        file.unlink()
    else:
        content[-1] ^= 1
        file.write_bytes(content[:-4] if change == "cut" else content)
    with pytest.raises(SnapshotError, match="train-tokens.npy is missing or is not what"):
        open_packed(tmp_path / "p", "train")


def test_a_folder_that_other_machines_do_not_see_is_named(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="on a disk that all of them see"):
        open_packed(tmp_path / "nowhere", "train")
    (tmp_path / INDEX).write_text("{")
    with pytest.raises(SnapshotError, match="no packed snapshot"):
        open_packed(tmp_path, "train")


def test_the_fullest_packed_sequence_is_told() -> None:
    few = Example(ids=np.array([5, 6], dtype=np.int32), prompt_tokens=1)
    assert pack_examples([few] * 3, [[0], [1, 2]]).most_examples == 2
    assert pack_examples([], []).most_examples == 0
