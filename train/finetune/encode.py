"""Examples as tokens: a prompt that is only read, and an answer that is learnt to its stop token.

Pure but for the tokenizer; reads and writes no table.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deskwheel.errors import SnapshotError
from deskwheel.settings import TrainSettings
from train.data.training_set import ChatRow
from train.finetune.packed import Example
from train.finetune.packing import repetitions
from train.tokenizer import encode_pair


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """Encoded examples, how often each is learnt in an epoch, and what could not be encoded."""

    examples: tuple[Example, ...]
    counts: tuple[int, ...]
    shortened: int
    """Examples without their context, which did not fit."""
    too_long: int
    """Examples that did not fit without it either and are left out."""


def encode(rows: Sequence[ChatRow], tokenizer: Any, settings: TrainSettings) -> Encoded:
    """Tokens of each row; only those of the answer are learnt, its end-of-turn token included.

    A row that is too long for `train.max_length` loses its context, and is left out when that is
    not enough. The answer is told from the prompt here and not by the chat template's generation
    marks, which most bases do not have.

    Raises:
        SnapshotError: there are rows, and none fits.
    """
    examples, counts, shortened = [], [], 0
    for row in rows:
        ids, prompt = encode_pair(tokenizer, row.messages(), row.response)
        if len(ids) > settings.max_length and row.context:
            bare = [{"role": "user", "content": row.query}]
            ids, prompt = encode_pair(tokenizer, bare, row.response)
            shortened += len(ids) <= settings.max_length
        if len(ids) <= settings.max_length:
            tokens = np.asarray(ids, dtype=np.int32)
            examples.append(Example(ids=tokens, prompt_tokens=prompt))
            counts.append(repetitions(row.example_id, weight_of(row, settings)))
    if rows and not examples:
        raise SnapshotError(
            f"none of {len(rows)} examples fits into train.max_length={settings.max_length} tokens;"
            " raise it"
        )
    return Encoded(
        examples=tuple(examples),
        counts=tuple(counts),
        shortened=shortened,
        too_long=len(rows) - len(examples),
    )


def weight_of(row: ChatRow, settings: TrainSettings) -> float:
    """How often a row is learnt in an epoch; a corrected empathetic answer has both weights."""
    weight = settings.empathetic_weight if row.is_empathetic else 1.0
    return weight * (settings.corrected_weight if row.is_corrected else 1.0)


def tokenizer_sha256(tokenizer: Any) -> str:
    """Digest of all that a tokenizer does to a text: vocabulary, merges, normaliser, template."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    rules = backend.to_str() if backend else json.dumps(sorted(tokenizer.get_vocab().items()))
    return hashlib.sha256(f"{rules}\0{tokenizer.chat_template}".encode()).hexdigest()
