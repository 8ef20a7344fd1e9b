"""Packed sequences as the tensors that a model of transformers takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset

from train.finetune.packed import Example, PackedSet

IGNORED = -100
COLUMNS = ("input_ids", "labels", "position_ids")


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What batches of a run on a GPU have in common, so that what is compiled sees one shape."""

    width: int | None
    """Tokens of a row; None: those of a batch's longest."""
    examples: int
    """Of a row at most, without its filling."""

    @property
    def has_lengths(self) -> bool:
        """Whether batches tell the lengths of examples: where a row may have several."""
        return self.examples > 1


def tokens_of(example: Example) -> torch.Tensor:
    """Token ids of an example, int64[tokens], as a copy: what is mapped cannot be written to."""
    return torch.from_numpy(example.ids.astype(np.int64))


def dataset_of(packed: PackedSet) -> Dataset:
    """A packed set as TRL takes it: a row a packed sequence, read from the files when it is asked.

    Its columns are those of `lay_side_by_side`.
    """

    def read(rows: Mapping[str, Sequence[int]]) -> dict[str, list[torch.Tensor]]:
        laid = [lay_side_by_side(packed.examples(number)) for number in rows["number"]]
        return {name: [row[name] for row in laid] for name in COLUMNS}

    return Dataset.from_dict({"number": list(range(len(packed)))}).with_transform(read)


def lay_side_by_side(examples: Sequence[Example]) -> dict[str, torch.Tensor]:
    """`input_ids`, `labels` and `position_ids`, int64[tokens], of one packed sequence.

    Positions begin anew with each example: by these the models of transformers keep examples from
    attending to each other, as long as there is no attention mask and no cache. The first token
    of an example is never a label, because the one before it belongs to another.
    """
    labels = []
    for example in examples:
        ids = tokens_of(example)
        ids[: max(1, example.prompt_tokens)] = IGNORED
        labels.append(ids)
    return {
        "input_ids": torch.cat([tokens_of(e) for e in examples]),
        "labels": torch.cat(labels),
        "position_ids": torch.cat([torch.arange(len(e.ids)) for e in examples]),
    }


def collate(
    rows: Sequence[Mapping[str, torch.Tensor]], pad: int, frame: Frame | None = None
) -> dict[str, Any]:
    """Packed sequences as rows, the shorter ones filled with an example that nobody learns.

    Rows stay rows: laid end to end, as TRL does it, their attention would grow with their square
    where no kernel for variable lengths is used. With a frame all are as wide as it says, and
    lengths of examples are told by the names that transformers gives them
    (`train.finetune.varlen`).
    """
    fixed = frame.width if frame else None
    width = fixed or max(len(row["input_ids"]) for row in rows)
    filling = {"input_ids": pad, "labels": IGNORED, "position_ids": 0}
    batch: dict[str, Any] = {}
    for name, value in filling.items():
        filled = torch.full((len(rows), width), value)
        for place, row in enumerate(rows):
            real = len(row[name])
            filled[place, :real] = row[name]
            if name == "position_ids":
                filled[place, real:] = torch.arange(width - real)
        batch[name] = filled
    if frame is not None and frame.has_lengths:
        starts = _starts(batch["position_ids"], count=len(rows) * (frame.examples + 1))
        batch |= {"cu_seq_lens_q": starts, "cu_seq_lens_k": starts}
        batch |= {"max_length_q": width, "max_length_k": width}
    return batch


def _starts(positions: torch.Tensor, *, count: int) -> torch.Tensor:
    """Where examples begin in the rows laid end to end, and as often as it takes where they end.

    int32[count + 1].
    """
    flat = positions.flatten()
    starts = torch.full((count + 1,), len(flat), dtype=torch.int32)
    found = (flat == 0).nonzero().flatten()
    starts[: len(found)] = found
    return starts
