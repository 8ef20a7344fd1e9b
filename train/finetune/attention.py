"""Causal attention of examples to themselves, with the way back, over a tree of their tokens.

Reads and writes no table.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch.nn import functional

from train.finetune.layout import Flat
from train.finetune.ops import Back

_LONGEST_SQUARE = 512
"""Tokens up to which attention is computed by its whole square."""


class Turns:
    """The rotation of heads by their positions, in place.

    Source: Su et al. 2021, RoFormer, in the half-and-half form of Llama.
    """

    def __init__(self, cos: torch.Tensor, sin: torch.Tensor) -> None:
        """Take cosine and sine by token, both [tokens, 1, size]."""
        half = cos.shape[-1] // 2
        self._half = half
        self._cos = (cos[..., :half].contiguous(), cos[..., half:].contiguous())
        self._sin = (sin[..., :half].contiguous(), sin[..., half:].contiguous())

    def turn(self, x: torch.Tensor, count: int, *, is_back: bool = False) -> None:
        """Turn the first `count` heads of [tokens, heads, size], or turn them back."""
        left, right = x[:, :count, : self._half], x[:, :count, self._half :]
        sign = -1 if is_back else 1
        turned = (left * self._cos[0]).addcmul_(right, self._sin[0], value=-sign)
        right.mul_(self._cos[1]).addcmul_(left, self._sin[1], value=sign)
        left.copy_(turned)


def attend(
    heads: torch.Tensor, shared: int, flat: Flat, *, is_last: bool = False
) -> tuple[torch.Tensor, Back]:
    """Causal attention of each example to itself alone: [rows, heads of queries · size].

    Padding is at the end of an example, where no real token looks.

    Args:
        heads: of queries, keys and values side by side, [rows, heads, size]; rows as in `flat.ids`.
        shared: how many heads keys, and values, have.
        flat: which rows each example has.
        is_last: return rows as in `flat.predicting` instead, which are all that is asked for.
    """
    rows, every, size = heads.shape
    count = every - 2 * shared
    read = flat.last if is_last else flat.every
    firsts = [bucket.first if is_last else 0 for bucket in flat.buckets]
    outs = heads.new_empty(len(read.gives), count * size)
    done: list[tuple[torch.Tensor, Square]] = []
    for bucket, first, seats, into in zip(
        flat.buckets,
        firsts,
        _by_bucket(flat.seats, flat),
        _by_bucket(outs, flat, firsts),
        strict=True,
    ):
        padded = _heads_first(heads, seats, bucket.examples)
        queries, keys, values = padded.split([count, shared, shared])
        out, square = _causal(queries[:, :, first:], keys, values)
        _put_tokens_first(out, into)
        done.append((padded, square))
    seen = outs.index_select(0, read.reads)

    def back(grad: torch.Tensor) -> torch.Tensor:
        grads = grad.view(len(grad), count, size)
        by_seat = grad.new_empty(len(flat.seats), every * size)
        for bucket, seats, into, (padded, square) in zip(
            flat.buckets, _by_bucket(read.gives, flat, firsts), _by_bucket(by_seat, flat), done,
            strict=True,
        ):  # fmt: skip
            given = _heads_first(grads, seats, bucket.examples)
            found = torch.empty_like(padded)
            square(given, *found.split([count, shared, shared]))
            _put_tokens_first(found, into)
        return _collected(by_seat, flat).view(rows, every, size)

    return seen, back


def _collected(by_seat: torch.Tensor, flat: Flat) -> torch.Tensor:
    """The sum of each node's seats, added up in float32; zeros in rows that only fill up."""
    found = by_seat.index_select(0, flat.every.reads)
    found[flat.nodes :] = 0
    seats, nodes = flat.again.unbind(1)
    if len(seats):
        own, inverse = nodes.unique(return_inverse=True)
        total = found.index_select(0, own).float()
        total.index_add_(0, inverse, by_seat.index_select(0, seats).float())
        found.index_copy_(0, own, total.to(found.dtype))
    return found


def _by_bucket(
    x: torch.Tensor, flat: Flat, firsts: Sequence[int] | None = None
) -> tuple[torch.Tensor, ...]:
    """Slots by bucket, of which each example's first ones may be missing."""
    missing = firsts or [0] * len(flat.buckets)
    return x.split(
        [b.examples * (b.length - first) for b, first in zip(flat.buckets, missing, strict=True)]
    )


def _heads_first(x: torch.Tensor, rows: torch.Tensor, examples: int) -> torch.Tensor:
    """Some rows of [rows, heads, size] as [heads, examples, length, size]."""
    found = x.transpose(0, 1).index_select(1, rows)
    return found.view(x.shape[1], examples, -1, x.shape[2])


def _put_tokens_first(x: torch.Tensor, into: torch.Tensor) -> None:
    """The way back: [heads, examples, length, size] into [seats, heads · size]."""
    heads, examples, length, size = x.shape
    into.view(examples, length, heads, size).copy_(x.permute(1, 2, 0, 3))


Square = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], None]
"""Writes the gradients of queries, keys and values, out of that of the output, into tensors."""


def _causal(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
) -> tuple[torch.Tensor, Square]:
    """Causal attention, all [heads, examples, length, size]; keys and values may share heads.

    There may be fewer queries than keys: they are the last ones.
    """
    is_shared = queries.shape[0] != keys.shape[0]
    if keys.shape[2] > _LONGEST_SQUARE or is_shared:
        return _by_kernel(queries, keys, values, is_shared=is_shared)
    return _by_square(queries, keys, values)


def _by_kernel(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, *, is_shared: bool
) -> tuple[torch.Tensor, Square]:
    """By PyTorch's kernel, which keeps no square of scores."""
    asked, length = queries.shape[2], keys.shape[2]
    mask = None if asked == length else _ahead(length, queries.dtype)[length - asked :]
    q, k, v = (part.transpose(0, 1).detach().requires_grad_() for part in (queries, keys, values))
    with torch.enable_grad():
        out = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, is_causal=mask is None, enable_gqa=is_shared
        )

    def square(grad: torch.Tensor, *into: torch.Tensor) -> None:
        found = torch.autograd.grad(out, (q, k, v), grad.transpose(0, 1))
        for place, gradient in zip(into, found, strict=True):
            place[:, :, -gradient.shape[2] :] = gradient.transpose(0, 1)
            place[:, :, : -gradient.shape[2]] = 0

    return out.detach().transpose(0, 1), square


def _by_square(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
) -> tuple[torch.Tensor, Square]:
    """By the whole square of scores, which for short examples costs less.

    The gradient of PyTorch's kernel for CPUs took four times as long as its forward pass at 115
    tokens. Shares are computed in float32, which takes half the time of bfloat16. Source: Vaswani
    et al. 2017.
    """
    q, k, v = (part.flatten(0, 1) for part in (queries, keys, values))
    asked, length, scale = q.shape[1], k.shape[1], q.shape[2] ** -0.5
    ahead = _ahead(length, q.dtype)[length - asked :]
    scores = torch.baddbmm(ahead, q, k.transpose(1, 2), alpha=scale)
    shares = torch.softmax(scores, dim=-1, dtype=torch.float32).to(q.dtype)

    def square(grad: torch.Tensor, *into: torch.Tensor) -> None:
        flat = grad.flatten(0, 1)
        into_q, into_k, into_v = (place.flatten(0, 1) for place in into)
        pulled = torch.bmm(flat, (v * scale).transpose(1, 2))
        scores = torch.ops.aten._softmax_backward_data(pulled, shares, -1, shares.dtype)  # noqa: SLF001
        torch.bmm(shares.transpose(1, 2), flat, out=into_v)
        torch.bmm(scores.transpose(1, 2), q, out=into_k)
        if asked == length:
            torch.bmm(scores, k, out=into_q)
        else:
            into_q[:, : length - asked] = 0
            into_q[:, length - asked :] = torch.bmm(scores, k)

    return torch.bmm(shares, v).view_as(queries), square


@lru_cache(maxsize=64)
def _ahead(length: int, dtype: torch.dtype) -> torch.Tensor:
    """What is added to scores, so that no token sees one ahead: [length, length]."""
    return torch.full((length, length), float("-inf"), dtype=dtype).triu_(1)
