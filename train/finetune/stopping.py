"""When training stops because the dev split is not learnt better any more. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """The best loss on dev so far, where it was, and how many model checkpoints were worse since.

    Source: Prechelt 1998, "Early Stopping - But When?", criterion UP_s, with a least improvement.
    """

    best_loss: float | None = None
    best_step: int = 0
    misses: int = 0

    def after(self, loss: float, *, step: int, min_delta: float) -> "Stopping":
        """What is known after the loss of one more model checkpoint, in nats a token."""
        if self.best_loss is None or loss < self.best_loss - min_delta:
            return Stopping(best_loss=loss, best_step=step)
        return Stopping(best_loss=self.best_loss, best_step=self.best_step, misses=self.misses + 1)

    def is_over(self, patience: int) -> bool:
        """Whether so many model checkpoints in a row were no better; never with patience 0."""
        return 0 < patience <= self.misses

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Stopping":
        """The inverse of `vars`."""
        return cls(**plain)
