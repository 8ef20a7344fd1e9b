"""Examples as one row of tokens, of which each beginning that several share is there once.

Base and adapter are the same for all examples of a pass, and positions begin at 0 in each: tokens
that stand behind the same tokens have the same hidden states, keys and values. So examples are laid
out as a tree, and all but attention is computed by its nodes; attention sees each example whole,
and on the way back what its examples give a node is added up. This is exact. Reads and writes no
table.

Source: Wang and Hegde 2024, "Accelerating Direct Preference Optimization with Prefix Sharing", for
two answers of one prompt; Liu et al. 2025, "Prefix Grouper", for many; here for any tree.
Cost: sorting the examples, and comparing each with the one before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import torch

from train.finetune.batches import COLUMNS, IGNORED, lay_side_by_side
from train.finetune.packed import Example

_MOST_PADDING = 1.3
"""Padded to real tokens in a bucket of attention, at most; fewer, larger calls beyond cost less."""
_BUCKET_TOKENS = 4096
_ROWS = 32
"""Rows of a product are filled up to a multiple: each new shape in bfloat16 costs a compilation."""
_STEP = 16
"""Lengths of squares of attention are multiples of it, for the same reason."""


Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Examples whose attention is computed together, padded at the end to one length."""

    examples: int
    length: int
    first: int
    """Position of the first token that predicts an answer's, rounded down to a multiple of 16."""


@dataclass(frozen=True, kw_only=True)
class Queries:
    """Which outputs of attention are read: of each node, or of each token that predicts.

    `reads`: int64[rows], the seat of each row. `gives`: int64[seats], the row of each seat, or one
    that is only there to fill up.
    """

    reads: torch.Tensor
    gives: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class Flat:
    """Examples as a tree of tokens, in order of their length; a seat is a token of an example.

    Every example has the seats of its bucket's length, bucket by bucket. `ids`, `positions`:
    int64[rows], of the nodes, then at least one row that fills up. `predicting`: int64[labels and
    at least one that fills up], nodes whose next token is an answer's; `labels`: int64[labels],
    those tokens.
    """

    nodes: int
    ids: torch.Tensor
    positions: torch.Tensor
    predicting: torch.Tensor
    labels: torch.Tensor
    lengths: tuple[int, ...]
    """Of the examples."""
    buckets: tuple[Bucket, ...]
    seats: torch.Tensor
    """The node of each seat, of a row that fills up where none is; int64[seats]."""
    again: torch.Tensor
    """Slots whose node another seat before has, too, and that node; int64[seats, 2]."""
    every: Queries
    last: Queries
    """Of the last layer, whose seats begin at `Bucket.first`."""


def lay_out(examples: Sequence[Example]) -> Flat:
    """Some examples as one row; the order of the arguments does not matter."""
    return lay_rows(lay_side_by_side(examples))


def lay_rows(rows: Mapping[str, torch.Tensor]) -> Flat:
    """Packed sequences of `collate` as one row, without examples that nobody learns.

    `rows` has `input_ids`, `labels` and `position_ids`, int64[..., tokens].
    """
    ids, labels, positions = (rows[name].flatten().numpy() for name in COLUMNS)
    spans = _spans(labels, positions)
    paths, node_count = _tree([ids[a:b] for a, b in spans])
    answers = [labels[a + 1 : b] for a, b in spans]
    asking = [np.flatnonzero(answer != IGNORED) for answer in answers]
    lengths = tuple(map(len, paths))
    buckets = tuple(_bucket(lengths[a:b], asking[a:b]) for a, b in bucket_ranges(lengths))
    # The bucket of each example, and by example its first seat: of all seats, of the last layer's.
    within = [bucket for bucket in buckets for _ in range(bucket.examples)]
    *starts, count = accumulate((b.length for b in within), initial=0)
    *late, late_count = accumulate((b.length - b.first for b in within), initial=0)
    places = [start + np.arange(len(path)) for start, path in zip(starts, paths, strict=True)]
    taken, nodes = np.concatenate(places), np.concatenate(paths)
    # A place of each node among all tokens; which of them is the same to all that follows.
    place_of = np.empty(node_count, dtype=np.int64)
    place_of[nodes] = np.arange(len(nodes))
    owned = taken[place_of]
    seats = np.full(count, node_count)
    seats[taken] = nodes
    is_again = owned[nodes] != taken
    asked = [start - b.first + n for start, b, n in zip(late, within, asking, strict=True)]
    predicting = [path[n] for path, n in zip(paths, asking, strict=True)]
    return Flat(
        nodes=node_count,
        ids=_filled(np.concatenate([ids[a:b] for a, b in spans])[place_of]),
        positions=_filled(np.concatenate([np.arange(n) for n in lengths])[place_of]),
        predicting=_filled(np.concatenate(predicting)),
        labels=torch.from_numpy(
            np.concatenate([x[n] for x, n in zip(answers, asking, strict=True)])
        ),
        lengths=lengths,
        buckets=buckets,
        seats=torch.from_numpy(seats),
        again=torch.from_numpy(np.stack([taken[is_again], nodes[is_again]], axis=1)),
        every=_queries(owned, count),
        last=_queries(np.concatenate(asked), late_count),
    )


def bucket_ranges(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbouring ranges of ascending lengths, each with little padding and a bounded size."""
    found: list[tuple[int, int]] = []
    start, real = 0, 0
    for end, length in enumerate(lengths):
        padded = length * (end + 1 - start)
        is_wasteful = padded > _MOST_PADDING * (real + length) or padded > _BUCKET_TOKENS
        if end > start and is_wasteful:
            found.append((start, end))
            start, real = end, 0
        real += length
    return [*found, (start, len(lengths))]


def _spans(labels: Ints, positions: Ints) -> list[tuple[int, int]]:
    """From where to where each example that has labels is, by length; all if none has."""
    starts = np.flatnonzero(positions == 0).tolist()
    spans = list(zip(starts, [*starts[1:], len(labels)], strict=True))
    learnt = [(a, b) for a, b in spans if (labels[a:b] != IGNORED).any()] or spans
    return sorted(learnt, key=lambda span: span[1] - span[0])


def _tree(rows: Sequence[Ints]) -> tuple[list[Ints], int]:
    """The nodes of each row in their order, and how many nodes there are.

    Taken in the order of a dictionary, a row shares most with the one before it.
    """
    paths = [np.zeros(0, dtype=np.int64)] * len(rows)
    count, before = 0, 0
    for number in sorted(range(len(rows)), key=lambda n: rows[n].tolist()):
        row = rows[number]
        both = min(len(row), len(paths[before]))
        is_same = row[:both] == rows[before][:both]
        shared = both if is_same.all() else int(is_same.argmin())
        end = count + len(row) - shared
        paths[number] = np.concatenate([paths[before][:shared], np.arange(count, end)])
        count, before = end, number
    return paths, count


def _bucket(lengths: Sequence[int], asking: Sequence[Ints]) -> Bucket:
    first = min((int(places[0]) for places in asking if len(places)), default=0)
    return Bucket(
        examples=len(lengths),
        length=-(-max(lengths) // _STEP) * _STEP,
        first=first // _STEP * _STEP,
    )


def _queries(reads: Ints, seats: int) -> Queries:
    gives = torch.full((seats,), len(reads))
    rows = _filled(reads)
    gives[rows[: len(reads)]] = torch.arange(len(reads))
    return Queries(reads=rows, gives=gives)


def _filled(values: Ints) -> torch.Tensor:
    """The same with one zero at least behind them."""
    rows = torch.zeros((len(values) // _ROWS + 1) * _ROWS, dtype=torch.int64)
    rows[: len(values)] = torch.from_numpy(values)
    return rows
