"""Where examples lie among the rows of a pass. Reads and writes no table."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import torch

_STEP = 16
"""Lengths of squares are multiples of it; each new one in bfloat16 costs a compilation."""


@dataclass(frozen=True)
class Bucket:
    """Neighbouring examples, padded to `longest` at the end, where no real token looks."""

    first: int
    """Row of the first one's first token."""
    lengths: Sequence[int]

    @cached_property
    def rows(self) -> slice:
        """Their tokens among all."""
        return slice(self.first, self.first + sum(self.lengths))

    @cached_property
    def longest(self) -> int:
        """Tokens of each once padded."""
        return -(-max(self.lengths) // _STEP) * _STEP

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Examples, and tokens of each."""
        return len(self.lengths), self.longest

    @cached_property
    def starts(self) -> torch.Tensor:
        """Row of each one's first token, and the end of the last one; int64[examples + 1]."""
        return torch.tensor(list(accumulate(self.lengths, initial=self.first)))

    @cached_property
    def places(self) -> torch.Tensor:
        """Where each token lies once they are padded; int64[tokens]."""
        laid = [torch.arange(n) + row * self.longest for row, n in enumerate(self.lengths)]
        return torch.cat(laid)


class Turns:
    """The rotation of heads by their positions.

    Source: Su et al. 2021, RoFormer, in the half-and-half form of Llama.
    """

    def __init__(self, cos: torch.Tensor, sin: torch.Tensor, dtype: torch.dtype) -> None:
        """Take cosine and sine by token, float32[tokens, size]; `dtype` is that of the heads."""
        self.cos, self.sin = cos, sin
        self._dtype = dtype

    @cached_property
    def _halves(self) -> list[torch.Tensor]:
        """Of cosine, then of sine, each [tokens, 1, size / 2]."""
        parts = (self.cos, self.sin)
        return [
            half.to(self._dtype)[:, None].contiguous()
            for part in parts
            for half in part.chunk(2, dim=-1)
        ]

    def turn(self, x: torch.Tensor, rows: slice, *, is_back: bool = False) -> None:
        """Turn heads of some rows in place, or turn them back: [rows, heads, size]."""
        left, right = x.chunk(2, dim=-1)
        cos_left, cos_right, sin_left, sin_right = (half[rows] for half in self._halves)
        sign = -1 if is_back else 1
        turned = (left * cos_left).addcmul_(right, sin_left, value=-sign)
        right.mul_(cos_right).addcmul_(left, sin_right, value=sign)
        left.copy_(turned)
