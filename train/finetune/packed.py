"""A snapshot's examples as tokens in packed sequences, in files that every worker maps.

Made once by `train.finetune.prepare`, outside the workers, under the hash of all that decides its
content; written under another name and renamed, so that a folder is whole or not there. Reading
proves each file against the digest in `index.json`.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deskwheel.errors import SnapshotError

INDEX = "index.json"
_ARRAYS = ("tokens", "offsets", "prompts", "members", "bins")
_CHUNK_BYTES = 1 << 20

Tokens = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Example:
    """One example as tokens, of which those after the prompt are learnt."""

    ids: Tokens
    prompt_tokens: int


class PackedSet:
    """The packed sequences of one split, mapped from files: no copy in memory a worker."""

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Wrap `tokens`, `offsets` and `prompts` by example, `members` by place in `bins`."""
        self._arrays = arrays

    def __len__(self) -> int:
        """How many packed sequences there are."""
        return len(self._arrays["bins"]) - 1

    def examples(self, number: int) -> list[Example]:
        """The examples of a packed sequence."""
        start, end = self._arrays["bins"][number : number + 2]
        return [self._example(int(index)) for index in self._arrays["members"][start:end]]

    @property
    def tokens(self) -> int:
        """Real tokens in all packed sequences; an example that is repeated counts as often."""
        lengths = np.diff(self._arrays["offsets"])
        return int(lengths[self._arrays["members"]].sum())

    @property
    def most_examples(self) -> int:
        """Of one packed sequence; 0 without any."""
        return int(np.diff(self._arrays["bins"]).max(initial=0))

    def _example(self, index: int) -> Example:
        start, end = self._arrays["offsets"][index : index + 2]
        prompt_tokens = int(self._arrays["prompts"][index])
        return Example(ids=self._arrays["tokens"][start:end], prompt_tokens=prompt_tokens)


def pack_examples(examples: Sequence[Example], bins: Sequence[Sequence[int]]) -> PackedSet:
    """Examples in bins of their indices, in memory."""
    lengths = [len(e.ids) for e in examples]
    return PackedSet(
        {
            "tokens": np.concatenate([np.zeros(0), *(e.ids for e in examples)]).astype(np.int32),
            "offsets": np.cumsum([0, *lengths], dtype=np.int64),
            "prompts": np.array([e.prompt_tokens for e in examples], dtype=np.int32),
            "members": np.array([i for bin_ in bins for i in bin_], dtype=np.int32),
            "bins": np.cumsum([0, *map(len, bins)], dtype=np.int64),
        }
    )


def write_packed(folder: Path, sets: Mapping[str, PackedSet], *, about: Mapping[str, Any]) -> None:
    """Write packed sets by split; a folder that is there stays, whoever wrote it.

    Args:
        folder: named by a hash of all that decides the content.
        sets: by split.
        about: what people want to know, such as counts; stored beside the digests.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        digests = {}
        for split, packed in sets.items():
            for name in _ARRAYS:
                file = draft / f"{split}-{name}.npy"
                np.save(file, packed._arrays[name], allow_pickle=False)  # noqa: SLF001  its file
                digests[file.name] = file_digest(file)
        index = {"sha256": digests, "about": dict(about)}
        (draft / INDEX).write_text(json.dumps(index, indent=1, sort_keys=True), encoding="utf-8")
        draft.chmod(0o755)
        os.rename(draft, folder)
    except OSError:
        if not (folder / INDEX).is_file():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def open_packed(folder: Path, split: str) -> PackedSet:
    """The packed set of a split, its files mapped and proven.

    Raises:
        SnapshotError: a file is missing, or is not what was written.
    """
    index = read_index(folder)
    arrays = {}
    for name in _ARRAYS:
        file = folder / f"{split}-{name}.npy"
        wanted = index["sha256"].get(file.name)
        if wanted is None or not file.is_file() or file_digest(file) != wanted:
            raise SnapshotError(
                f"{file} is missing or is not what was written; remove {folder},"
                " the next run packs the snapshot again"
            )
        mode = "r" if file.stat().st_size else None
        arrays[name] = np.load(file, mmap_mode=mode, allow_pickle=False)  # type: ignore[arg-type]
    return PackedSet(arrays)


def read_index(folder: Path) -> dict[str, Any]:
    """What is in a folder of packed sets.

    Raises:
        SnapshotError: there is none; on several machines the folder must be one they share.
    """
    try:
        index: dict[str, Any] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SnapshotError(
            f"no packed snapshot in {folder} ({error}); workers on other machines need"
            " train.runs_dir on a disk that all of them see"
        ) from error
    return index


def file_digest(file: Path) -> str:
    """Hex SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
