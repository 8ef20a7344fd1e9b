"""The gradient of a step's loss, computed by several threads on a core each.

The products of a tiny model are too small to be parted among cores: threads wait for each other at
the end of each, and where other work has a core they wait longer than they compute
(docs/decisions.md). So each lane has examples of its own and one core. Reads and writes no table.
"""

import ctypes
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import reduce
from heapq import heapify, heappop, heappush

import torch

from train.finetune.layout import lay_out
from train.finetune.lean import LeanLlama
from train.finetune.packed import Example

MOST_TOKENS = 8192
"""Computed at once; more costs memory and saves no time."""

_ANSWER_SHARE = 0.25
"""Multiply-adds that only tokens of answers cost, to those of any token, in the demo's base."""

_KEPT_BYTES = {-1: 1 << 30, -3: 1 << 25}
"""By option of mallopt: M_TRIM_THRESHOLD, and M_MMAP_THRESHOLD at the most that it can be."""

Gradient = list[torch.Tensor]
_Share = tuple[float, list[Example]]
"""Its work and its examples."""


@contextmanager
def open_lanes(lean: LeanLlama, *, count: int) -> Iterator["Lanes"]:
    """Lanes of `count` threads; while they are open, PyTorch computes a product on one core.

    From then on the process keeps memory that it has freed.
    """
    _keep_freed_memory()
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

    def learn(self, examples: Sequence[Example]) -> tuple[float, int]:
        """Set the gradient of the sum of losses; returns that sum, in nats, and how many tokens.

        The gradients of lanes are added in their order, so that a run can be repeated exactly.
        """
        self._merge()
        done = list(self._pool.map(self._learn, share_out(examples, self._count)))
        gradients = _added([d[2] for d in done])
        for parameter, gradient in zip(self._lean.parameters, gradients, strict=True):
            parameter.grad = gradient
        return sum(d[0] for d in done), sum(d[1] for d in done)

    def judge(self, examples: Sequence[Example]) -> tuple[float, int]:
        """The sum of losses, in nats, and how many tokens, without a gradient."""
        self._merge()
        done = list(self._pool.map(self._judge, share_out(examples, self._count)))
        return sum(d[0] for d in done), sum(d[1] for d in done)

    def _merge(self) -> None:
        """Take the adapter's newest weights into the products."""
        list(self._pool.map(lambda merge: merge(), self._lean.merges()))

    def _learn(self, examples: Sequence[Example]) -> tuple[float, int, Gradient]:
        total, labels = 0.0, 0
        gradient: Gradient = []
        for piece in _pieces(examples):
            flat = lay_out(piece)
            loss, found = self._lean.gradient(flat)
            gradient = _added([gradient, found]) if gradient else found
            total += loss
            labels += len(flat.labels)
        return total, labels, gradient

    def _judge(self, examples: Sequence[Example]) -> tuple[float, int]:
        total, labels = 0.0, 0
        with torch.no_grad():
            for piece in _pieces(examples):
                flat = lay_out(piece)
                total += float(self._lean.loss(flat))
                labels += len(flat.labels)
        return total, labels


def share_out(examples: Sequence[Example], count: int) -> list[list[Example]]:
    """Examples parted into at most `count` shares of about as much work each, none empty.

    Begins with a parting for each example and joins the two that differ most inside until one is
    left, the largest share of either with the smallest of the other.
    Source: Karmarkar and Karp 1982, "The Differencing Method of Set Partitioning".
    """
    width = min(count, len(examples))
    partings: list[tuple[float, int, list[_Share]]] = [
        (-work_of(e), n, [(work_of(e), [e]), *[(0.0, [])] * (width - 1)])
        for n, e in enumerate(examples)
    ]
    heapify(partings)
    while len(partings) > 1:
        (_, number, one), (_, _, other) = heappop(partings), heappop(partings)
        joined = [(a + b, m + n) for (a, m), (b, n) in zip(one, reversed(other), strict=True)]
        joined.sort(key=lambda share: -share[0])
        heappush(partings, (joined[-1][0] - joined[0][0], number, joined))
    return [share for *_, parting in partings for _, share in parting]


def work_of(example: Example) -> float:
    """What an example costs, in tokens: its answer passes the last layer and the head as well."""
    return len(example.ids) + _ANSWER_SHARE * (len(example.ids) - example.prompt_tokens)


def _keep_freed_memory() -> None:
    """Have glibc give no freed memory back to the system; elsewhere nothing is changed.

    Each step frees all that it has computed, and every page of it that comes back costs a page
    fault: with 6,000 of them a lane's step took a tenth longer than with 70. Source: mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, size in _KEPT_BYTES.items():
            mallopt(option, size)


def _added(gradients: Sequence[Gradient]) -> Gradient:
    """Their sum by parameter, in their order."""
    return [reduce(torch.add, parts) for parts in zip(*gradients, strict=True)]


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
