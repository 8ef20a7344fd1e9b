"""Sets of hashes of n tokens in a row, for many texts at once. Pure functions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from deskwheel.ids import digest

_FILL = ""
"""No token of a text."""
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that multiplying by it loses nothing. Source: 2^64 over the golden ratio, Knuth, The Art
of Computer Programming 3, section 6.4."""

Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Coded:
    """Token lists as numbers, one text after the other."""

    codes: Hashes
    lengths: Places
    """Of each text in tokens, as filled up."""


@dataclass(frozen=True, eq=False)
class GramSets:
    """For each of some texts the set of hashes of its n-grams; all texts in two arrays."""

    starts: Places
    """Text i has `hashes[starts[i]:starts[i + 1]]`, sorted and distinct."""
    hashes: Hashes
    """64 bits each: two of 10⁷ n-grams collide with a chance of 3 in 10⁶."""

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.starts) - 1

    def of(self, index: int) -> Hashes:
        """The hashes of one text."""
        return self.hashes[self.starts[index] : self.starts[index + 1]]


def encode(texts: Iterable[Sequence[str]], *, least: int) -> Coded:
    """Token lists as numbers, those shorter than `least` filled up to it; an empty one stays empty.

    What is filled up has one n-gram of that size, which no longer text has.
    """
    filled = [[*t, *[_FILL] * (least - len(t))] if 0 < len(t) < least else t for t in texts]
    flat = list(chain.from_iterable(filled))
    known = {token: int(digest(token)[:16], 16) for token in set(flat)}
    return Coded(
        codes=np.fromiter(map(known.__getitem__, flat), np.uint64, len(flat)),
        lengths=np.fromiter(map(len, filled), np.int64, len(filled)),
    )


def gram_sets(coded: Coded, *sizes: int, among: GramSets | None = None) -> GramSets:
    """The n-grams of each text, for one n or several; a text shorter than n has none.

    Args:
        coded: the texts.
        sizes: tokens in an n-gram.
        among: n-grams that others have; those that they do not have are left out.
    """
    parts = [_grams(coded, size) for size in sizes]
    owner, hashes = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    if among is not None:
        is_asked = np.isin(hashes, among.hashes)
        owner, hashes = owner[is_asked], hashes[is_asked]
    return _distinct(owner.astype(np.int64), hashes.astype(np.uint64), len(coded.lengths))


def _grams(coded: Coded, size: int) -> tuple[Places, Hashes]:
    """Each n-gram's text and hash."""
    codes, lengths = coded.codes, coded.lengths
    counts = np.maximum(lengths - size + 1, 0)
    # Hashes of words and of pairs must differ, so each size starts with a value of its own.
    grams = np.full(max(len(codes) - size + 1, 0), size, np.uint64)
    for offset in range(size):
        grams = grams * _MULTIPLIER + codes[offset : offset + len(grams)]
        grams ^= grams >> np.uint64(29)
    owner = np.repeat(np.arange(len(lengths)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    return owner, grams[(np.cumsum(lengths) - lengths)[owner] + within]


def _distinct(owner: Places, hashes: Hashes, count: int) -> GramSets:
    order = np.lexsort((hashes, owner))
    owner, hashes = owner[order], hashes[order]
    is_first = np.ones(len(hashes), bool)
    is_first[1:] = (hashes[1:] != hashes[:-1]) | (owner[1:] != owner[:-1])
    owner, hashes = owner[is_first], hashes[is_first]
    return GramSets(starts=np.searchsorted(owner, np.arange(count + 1)), hashes=hashes)
