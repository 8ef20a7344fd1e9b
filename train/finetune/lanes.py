"""The gradient of a step's loss, computed by several threads on a core each.

The products of a tiny model are too small to be parted among cores: threads wait for each other at
the end of each, and where other work has a core they wait longer than they compute
(docs/decisions.md). So each lane has examples of its own and one core. Reads and writes no table.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import reduce

import torch

from train.finetune.lean import LeanLlama, lay_out
from train.finetune.packed import Example

MOST_TOKENS = 8192
"""Computed at once; more costs memory and saves no time."""


@contextmanager
def open_lanes(lean: LeanLlama, *, count: int) -> Iterator["Lanes"]:
    """Lanes of `count` threads; while they are open, PyTorch computes a product on one core."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(count, thread_name_prefix="lane") as pool:
            yield Lanes(lean, pool, count)
    finally:
        torch.set_num_threads(before)


class Lanes:
    """Threads that share the examples of a step; the result depends on their number by rounding."""

    def __init__(self, lean: LeanLlama, pool: ThreadPoolExecutor, count: int) -> None:
        """Take a model and its threads; see `open_lanes`."""
        self._lean, self._pool, self._count = lean, pool, count

    def learn(self, examples: Sequence[Example]) -> tuple[float, int, torch.Tensor]:
        """The sum of losses, in nats, how many tokens, and the gradient of that sum, as `flatten`.

        The gradients of lanes are added in their order, so that a run can be repeated exactly.
        """
        self._merge()
        done = list(self._pool.map(self._learn, share_out(examples, self._count)))
        return (
            sum(d[0] for d in done),
            sum(d[1] for d in done),
            reduce(torch.add, (d[2] for d in done)),
        )

    def judge(self, examples: Sequence[Example]) -> tuple[float, int]:
        """The sum of losses, in nats, and how many tokens, without a gradient."""
        self._merge()
        done = list(self._pool.map(self._judge, share_out(examples, self._count)))
        return sum(d[0] for d in done), sum(d[1] for d in done)

    def _merge(self) -> None:
        """Take the adapter's newest weights into the products."""
        list(self._pool.map(lambda merge: merge(), self._lean.merges()))

    def _learn(self, examples: Sequence[Example]) -> tuple[float, int, torch.Tensor]:
        total, labels = 0.0, 0
        gradients: list[torch.Tensor] = []
        for piece in _pieces(examples):
            flat = lay_out(piece)
            loss, found = self._lean.gradient(flat)
            gradients.append(flatten(found))
            total += loss
            labels += len(flat.labels)
        return total, labels, reduce(torch.add, gradients)

    def _judge(self, examples: Sequence[Example]) -> tuple[float, int]:
        total, labels = 0.0, 0
        with torch.no_grad():
            for piece in _pieces(examples):
                flat = lay_out(piece)
                total += float(self._lean.loss(flat))
                labels += len(flat.labels)
        return total, labels


def share_out(examples: Sequence[Example], count: int) -> list[list[Example]]:
    """Examples parted into at most `count` shares of about as many tokens each, none empty.

    The longest first, each to the smallest share. Source: Graham 1969, "Bounds on Multiprocessing
    Timing Anomalies": the largest share is at most a third above the best one's.
    """
    shares: list[list[Example]] = [[] for _ in range(min(count, len(examples)))]
    sizes = [0] * len(shares)
    for example in sorted(examples, key=lambda e: -len(e.ids)):
        place = sizes.index(min(sizes))
        shares[place].append(example)
        sizes[place] += len(example.ids)
    return shares


def flatten(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Tensors end to end, in their order."""
    return torch.cat([part.flatten() for part in parts])


def unflatten(flat: torch.Tensor, like: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """What `flatten` joined, in the shapes of `like`; the parts share memory with it."""
    parts = flat.split([part.numel() for part in like])
    return [part.view_as(shape) for part, shape in zip(parts, like, strict=True)]


def _pieces(examples: Sequence[Example]) -> Iterator[list[Example]]:
    """The examples in their order, as many at once as are computed together."""
    piece: list[Example] = []
    tokens = 0
    for example in examples:
        if piece and tokens + len(example.ids) > MOST_TOKENS:
            yield piece
            piece, tokens = [], 0
        piece.append(example)
        tokens += len(example.ids)
    if piece:
        yield piece
