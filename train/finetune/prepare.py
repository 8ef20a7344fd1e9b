"""A frozen snapshot to packed sequences on disk, once for every run and trial that reads it.

Reads `snapshots`, `golden` and `validated_examples`, or a file of chats; writes folders under
`train.runs_dir`/packed.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deskwheel.errors import SnapshotError
from deskwheel.ids import digest
from deskwheel.settings import TrainSettings
from train.data.chat_file import load_chat_file
from train.data.training_set import ChatRow, TrainingSet, find_snapshot, load_training_set
from train.finetune.encode import Encoded, encode, tokenizer_sha256
from train.finetune.packed import PackedSet, open_packed, pack_examples, write_packed
from train.finetune.packing import VERSION, pack
from train.tokenizer import load_tokenizer

FOLDER = "packed"
SPLITS = ("train", "dev")


def read_data(*, lake_dir: str, snapshot_id: str, data_file: Path | None) -> TrainingSet:
    """What a job learns from and is tested on: chats of a file, or else a frozen snapshot.

    Raises:
        SnapshotError: it cannot be read, or is not what was frozen.
    """
    if data_file is not None:
        return load_chat_file(data_file)
    return load_training_set(lake_dir, find_snapshot(lake_dir, snapshot_id))


def prepare_snapshot(data: TrainingSet, settings: TrainSettings, *, runs_dir: Path) -> Path:
    """The folder of a snapshot's packed train and dev splits, made if it is not there or broken.

    Tokenizer, template, length and weights are part of its name, so another run that agrees in
    them maps the same files. Two that start at once both pack, and the second one's work is lost.

    Raises:
        SnapshotError: train has no example, or none that fits.
    """
    tokenizer = load_tokenizer(settings)
    name = packed_name(data.content_digest, tokenizer, settings)
    folder = runs_dir / FOLDER / name
    if folder.is_dir() and not _is_whole(folder):
        shutil.rmtree(folder)
    if not folder.is_dir():
        sets, about = {}, {}
        for split in SPLITS:
            encoded = encode(data.rows[split], tokenizer, settings)  # type: ignore[index]
            sets[split] = pack_rows(encoded, settings, is_repeated=split == "train")
            about[split] = _about(encoded, sets[split], settings.max_length)
        _check_train(sets["train"], data)
        write_packed(folder, sets, about=about)
    return folder


def packed_name(content_digest: str, tokenizer: Any, settings: TrainSettings) -> str:
    """The name of a packed snapshot: a hash of all that decides its bytes."""
    weights = f"{settings.empathetic_weight!r} {settings.corrected_weight!r}"
    parts = (content_digest, tokenizer_sha256(tokenizer), str(settings.max_length), weights)
    return digest(str(VERSION), *parts)[:32]


def pack_rows(encoded: Encoded, settings: TrainSettings, *, is_repeated: bool) -> PackedSet:
    """Encoded examples in bins; those of train as often as their weight has it."""
    counts: Sequence[int] = encoded.counts if is_repeated else [1] * len(encoded.examples)
    members = [i for i, count in enumerate(counts) for _ in range(count)]
    bins = pack([len(encoded.examples[i].ids) for i in members], settings.max_length)
    return pack_examples(encoded.examples, [[members[i] for i in bin_] for bin_ in bins])


def pack_chats(rows: Sequence[ChatRow], tokenizer: Any, settings: TrainSettings) -> PackedSet:
    """Rows as a packed set in memory, for those who have no snapshot."""
    return pack_rows(encode(rows, tokenizer, settings), settings, is_repeated=True)


def _is_whole(folder: Path) -> bool:
    try:
        for split in SPLITS:
            open_packed(folder, split)
    except SnapshotError:
        return False
    return True


def _check_train(packed: PackedSet, data: TrainingSet) -> None:
    if not len(packed):
        raise SnapshotError(
            f"snapshot {data.snapshot.snapshot_id}: train has {len(data.rows['train'])} examples"
            " and none to learn from; freeze a larger one, or raise the weights"
        )


def _about(encoded: Encoded, packed: PackedSet, max_length: int) -> Mapping[str, float]:
    room = len(packed) * max_length
    return {
        "examples": len(encoded.examples),
        "left_out_too_long": encoded.too_long,
        "without_context": encoded.shortened,
        "sequences": len(packed),
        "tokens": packed.tokens,
        "filled_share": round(packed.tokens / room, 4) if room else 0.0,
    }
