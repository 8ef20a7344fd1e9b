"""Which examples share a packed sequence: best-fit decreasing, the same bins for the same input.

Pure functions over lengths; reads and writes no table.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence

from deskwheel.ids import digest

VERSION = 1
"""Grows when the same examples would be packed otherwise."""


def pack(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Indices of sequences by bin, each bin at most `size` long; O(n log n) but for insertions.

    A sequence goes where it leaves the least room, the longest first.
    Source: Ding et al. 2024, "Fewer Truncations Improve Language Modeling".

    Raises:
        ValueError: a sequence is longer than a bin.
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    if order and lengths[order[0]] > size:
        raise ValueError(f"a sequence of {lengths[order[0]]} tokens does not fit into {size}")
    bins: list[list[int]] = []
    rooms: list[tuple[int, int]] = []
    """(room left, bin), ascending."""
    for index in order:
        place = bisect_left(rooms, (lengths[index], -1))
        if place == len(rooms):
            bins.append([])
            room, number = size, len(bins) - 1
        else:
            room, number = rooms.pop(place)
        bins[number].append(index)
        insort(rooms, (room - lengths[index], number))
    return bins


def repetitions(example_id: str, weight: float) -> int:
    """How often an example of a weight is packed: its whole part, once more by chance of the id.

    >>> repetitions("a", 2.0), repetitions("a", 0.0)
    (2, 0)
    """
    whole = int(weight)
    chance = int(digest("weight", example_id)[:8], 16) / 2**32
    return whole + (chance < weight - whole)
