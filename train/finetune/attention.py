"""Causal attention of examples that lie end to end, with the way back. Reads and writes no table.

Call it where no gradient is recorded, as all of `train.finetune.operations`.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate

import torch
from torch.nn import functional

from train.finetune.operations import Back, Operations
from train.finetune.rows import Bucket, Turns

_LONGEST_SQUARE = 512
"""Tokens up to which attention is computed by its whole square."""

Square = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], None]
"""Writes the gradients of queries, keys and values, out of that of the output, into tensors."""


class Attention:
    """Attention of each example to itself alone, for all layers of a pass."""

    def __init__(
        self,
        operations: Operations,
        turns: Turns,
        lengths: Sequence[int],
        buckets: Sequence[tuple[int, int]],
    ) -> None:
        """Prepare a pass; `buckets` are ranges of examples, `lengths` their tokens."""
        starts = [0, *accumulate(lengths)]
        self._operations, self._turns = operations, turns
        self._buckets = [Bucket(starts[a], lengths[a:b]) for a, b in buckets]
        self._end = starts[-1]

    def attend(self, heads: torch.Tensor, shared: int) -> tuple[torch.Tensor, Back]:
        """What queries see: [tokens, heads of queries, size].

        Tokens after the last example see nothing. `heads` may be written over.

        Args:
            heads: of queries, keys and values side by side, not turned, [tokens, heads, size].
            shared: how many heads keys, and values, have.
        """
        tokens, every, size = heads.shape
        count = every - 2 * shared
        turned, parts = count + shared, [count, shared, shared]
        seen = heads.new_empty(tokens, count, size)
        seen[self._end :] = 0
        squares: list[Square] = []
        for bucket in self._buckets:
            padded = self._operations.spread(heads, bucket, self._turns, turned)
            out, square = self._causal(*padded.split(parts))
            self._operations.gather(out, bucket, self._turns, 0, into=seen)
            squares.append(square)

        def back(grad: torch.Tensor) -> torch.Tensor:
            into = grad.new_empty(tokens, every, size)
            into[self._end :] = 0
            for bucket, square in zip(self._buckets, squares, strict=True):
                padded = grad.new_empty(every, *bucket.shape, size)
                pulled = self._operations.spread(grad, bucket, self._turns, 0)
                square(pulled, *padded.split(parts))
                self._operations.gather(padded, bucket, self._turns, turned, into=into)
            return into

        return seen, back

    def _causal(
        self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> tuple[torch.Tensor, Square]:
        """All [heads, examples, length, size]; keys and values may share heads."""
        is_shared = queries.shape[0] != keys.shape[0]
        if queries.shape[2] > _LONGEST_SQUARE or is_shared:
            return _by_kernel(queries, keys, values, is_shared=is_shared)
        return self._by_square(queries, keys, values)

    def _by_square(
        self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> tuple[torch.Tensor, Square]:
        """By the whole square of scores, which for short examples costs less.

        The gradient of PyTorch's kernel for CPUs took four times as long as its forward pass at 115
        tokens. Source: Vaswani et al. 2017.
        """
        q, k, v = (part.flatten(0, 1) for part in (queries, keys, values))
        scale = q.shape[-1] ** -0.5
        shares = self._operations.shares(q, k, scale)

        def square(grad: torch.Tensor, *into: torch.Tensor) -> None:
            flat = grad.flatten(0, 1)
            into_q, into_k, into_v = (place.flatten(0, 1) for place in into)
            pulled = torch.bmm(flat, v.transpose(1, 2))
            scores = self._operations.shares_back(pulled, shares, scale)
            torch.bmm(shares.transpose(1, 2), flat, out=into_v)
            torch.bmm(scores, k, out=into_q)
            torch.bmm(scores.transpose(1, 2), q, out=into_k)

        return torch.bmm(shares, v).view_as(queries), square


def _by_kernel(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, *, is_shared: bool
) -> tuple[torch.Tensor, Square]:
    """By PyTorch's kernel, which keeps no square of scores."""
    q, k, v = (part.transpose(0, 1).detach().requires_grad_() for part in (queries, keys, values))
    with torch.enable_grad():
        out = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=is_shared)

    def square(grad: torch.Tensor, *into: torch.Tensor) -> None:
        found = torch.autograd.grad(out, (q, k, v), grad.transpose(0, 1))
        for place, gradient in zip(into, found, strict=True):
            place.copy_(gradient.transpose(0, 1))

    return out.detach().transpose(0, 1), square
