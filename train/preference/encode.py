"""Preferences as the token columns that TRL's DPO and KTO trainers read.

Pure but for the tokenizer; reads and writes no table. Prompts and answers are encoded as for the
fine-tune before (`train.model.encode_pair`), so that the same tokens are learnt, not as TRL would:
its own way keeps the white space that a template puts behind an answer.
Source: TRL documentation, "Dataset formats and types" (preference, unpaired preference).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deskwheel.records import Split
from train.finetune.packed import Example
from train.model import encode_pair
from train.preference.answers import Judged, Pair, Preferences

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One encoded answer to a prompt."""

    prompt_ids: tuple[int, ...]
    answer_ids: tuple[int, ...]

    def example(self) -> Example:
        """The same as the packed engines have it."""
        ids = np.asarray([*self.prompt_ids, *self.answer_ids], dtype=np.int32)
        return Example(ids=ids, prompt_tokens=len(self.prompt_ids))


def only_fitting(found: Preferences, tokenizer: Any, *, max_length: int) -> Preferences:
    """The preferences that fit into so many tokens, and how many do not."""
    pairs = {
        split: [p for p in some if encode_pairs([p], tokenizer, max_length=max_length)]
        for split, some in found.pairs.items()
    }
    judged = {
        split: [j for j in some if encode_judged([j], tokenizer, max_length=max_length)]
        for split, some in found.judged.items()
    }
    return replace(
        found,
        pairs=pairs,
        judged=judged,
        too_long=_count(found.pairs) + _count(found.judged) - _count(pairs) - _count(judged),
    )


def encode_pairs(
    pairs: Sequence[Pair], tokenizer: Any, *, max_length: int
) -> list[tuple[Answer, Answer]]:
    """(chosen, rejected) of each pair of which both fit into so many tokens."""
    found = []
    for pair in pairs:
        chosen, rejected = (_encode(pair, a, tokenizer) for a in (pair.chosen, pair.rejected))
        if max(map(_length, (chosen, rejected))) <= max_length:
            found.append((chosen, rejected))
    return found


def encode_judged(
    judged: Sequence[Judged], tokenizer: Any, *, max_length: int
) -> list[tuple[Answer, bool]]:
    """(answer, whether it is wanted) of each that fits into so many tokens."""
    encoded = ((_encode(one, one.response, tokenizer), one.is_wanted) for one in judged)
    return [(answer, wanted) for answer, wanted in encoded if _length(answer) <= max_length]


def paired_rows(pairs: Sequence[tuple[Answer, Answer]]) -> list[Row]:
    """Rows of TRL's preference type, tokenised."""
    return [
        {
            "prompt_ids": list(chosen.prompt_ids),
            "chosen_ids": list(chosen.answer_ids),
            "rejected_ids": list(rejected.answer_ids),
        }
        for chosen, rejected in pairs
    ]


def unpaired_rows(judged: Sequence[tuple[Answer, bool]], *, seed: int, at_once: int) -> list[Row]:
    """Rows of TRL's unpaired preference type, tokenised, in an order that the seed fixes.

    The trainer takes them in this order, `at_once` together. Each has the answer of another row of
    these, by which the trainer estimates how far the policy has moved from the reference.
    Source: Ethayarajh et al. 2024, KTO (the reference point, out of mismatched pairs of a batch).
    """
    order = np.random.default_rng(seed).permutation(len(judged))
    shuffled = [judged[int(place)] for place in order]
    rows = []
    for number, (answer, is_wanted) in enumerate(shuffled):
        start = number - number % at_once
        last = min(start + at_once, len(shuffled)) - 1
        # A row alone in the last batch borrows from the one before.
        other = last if number == start and last > start else number - 1
        rows.append(
            {
                "prompt_ids": list(answer.prompt_ids),
                "completion_ids": list(answer.answer_ids),
                "KL_completion_ids": list(shuffled[other][0].answer_ids),
                "label": is_wanted,
            }
        )
    return rows


def _encode(asked: Pair | Judged, response: str, tokenizer: Any) -> Answer:
    ids, prompt_tokens = encode_pair(tokenizer, asked.messages(), response)
    return Answer(prompt_ids=tuple(ids[:prompt_tokens]), answer_ids=tuple(ids[prompt_tokens:]))


def _count(by_split: Mapping[Split, Sequence[Any]]) -> int:
    return sum(map(len, by_split.values()))


def _length(answer: Answer) -> int:
    return len(answer.prompt_ids) + len(answer.answer_ids)
