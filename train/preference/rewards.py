"""How a model ranks the answers that people ranked: its implicit rewards, and its loss on dev.

Reads and writes no table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from train.finetune.batches import collate, lay_side_by_side
from train.finetune.packed import Example, PackedSet
from train.finetune.precision import DTYPES
from train.preference.comparisons import Comparisons

_AT_ONCE = 8
"""Answers that are scored together."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a model does on dev."""

    accuracy: float
    """Share of comparisons in which the better answer has the greater reward; ties count half."""
    margin: float
    """Mean difference of the rewards of better and worse, in nats a token."""
    dev_loss: float | None
    """Nats a token, of the ideal answers; None where dev has none."""


class Judge:
    """Compares one adapter's states over time: what the base says is computed once."""

    def __init__(
        self,
        model: Any,
        comparisons: Comparisons,
        dev: PackedSet | None,
        *,
        pad: int,
        precision: str,
    ) -> None:
        """Score the answers by the base, without the adapter."""
        self._model = model
        self._comparisons = comparisons
        self._dev = dev
        self._pad = pad
        self._precision = precision
        with model.disable_adapter():
            self._base = self._scores()

    def judge(self) -> Standing:
        """The standing of the adapter as it is now.

        The reward of an answer is (log p - log p_base) / tokens. The base is the reference and not
        the fine-tuned adapter, by which every reward before this stage would be zero. It is a mean,
        because after a fine-tune a sum is greater for the longer answer, whatever it says.
        Source: Rafailov et al. 2023, DPO, section 4 (the reward that a policy implies); Meng et al.
        2024, SimPO (by length).
        """
        rewards = [a - b for a, b in zip(self._scores(), self._base, strict=True)]
        gaps = [rewards[better] - rewards[worse] for better, worse in self._comparisons.ranked]
        won = sum(1.0 if gap > 0 else 0.5 if gap == 0 else 0.0 for gap in gaps)
        return Standing(
            accuracy=won / len(gaps), margin=sum(gaps) / len(gaps), dev_loss=self._dev_loss()
        )

    def _scores(self) -> list[float]:
        rows = [[example] for example in self._comparisons.answers]
        return [total / max(1, tokens) for total, tokens in self._log_probs(rows)]

    def _dev_loss(self) -> float | None:
        if self._dev is None or not len(self._dev):
            return None
        found = self._log_probs([self._dev.examples(n) for n in range(len(self._dev))], at_once=1)
        return -sum(total for total, _ in found) / max(1, sum(tokens for _, tokens in found))

    def _log_probs(
        self, rows: Sequence[Sequence[Example]], *, at_once: int = _AT_ONCE
    ) -> list[tuple[float, int]]:
        """Of each row of examples the log-probability of the answers, and their tokens.

        Rows of like length are computed together: the shorter ones are filled up.
        """
        model, found = self._model, dict[int, tuple[float, int]]()
        order = sorted(range(len(rows)), key=lambda place: sum(len(e.ids) for e in rows[place]))
        was_training = model.training
        model.eval()
        with torch.no_grad(), self._autocast():
            for start in range(0, len(rows), at_once):
                places = order[start : start + at_once]
                batch = collate([lay_side_by_side(rows[place]) for place in places], self._pad)
                batch = {name: value.to(model.device) for name, value in batch.items()}
                outputs = model(**batch, use_cache=False, fused_lm_head=True)
                totals = outputs.log_probs.float().sum(1).tolist()
                tokens = outputs.label_mask.sum(1).tolist()
                found |= zip(places, zip(totals, tokens, strict=True), strict=True)
        model.train(was_training)
        return [found[place] for place in range(len(rows))]

    def _autocast(self) -> Any:
        dtype = DTYPES[self._precision]
        is_narrow = dtype is not torch.float32
        return torch.autocast(self._model.device.type, dtype=dtype, enabled=is_narrow)
