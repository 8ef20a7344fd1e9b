"""Which training examples say what a held-out one says, so that a test would measure memory.

Two questions about each pair of a training and a held-out example. *Copied*: does the training
example hold at least `COPIED_SHARE` of the held-out query's 12-grams and as much of its response's?
It finds copies inside longer texts. *Near*: do both say nearly the same and ask the same, by the
gate's measures (`validate.near`)? It finds copies with words exchanged all over.

A copied response alone is no contamination: a company gives the answer that it has to everybody,
and whoever asks in other words is a fair test of a model that learnt it.

Case, accents, digits and placeholders' numbers are folded. Exact, no sketches. Pure
functions; reads and writes no table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from validate.near import NEAR_JACCARD, SAME_QUESTION_FROM, fold_words
from validate.snapshots.grams import Coded, GramSets, Places, encode, gram_sets

NGRAM, SHORTEST_NGRAM = 12, 8
"""Tokens in a row that two people hardly write alike. A text of 8 to 11 tokens is one n-gram of its
length; a shorter one matches only a whole text. Source: Brown et al. 2020, "Language Models are
Few-Shot Learners", appendix C: 8 to 13 by the length of the texts."""
COPIED_SHARE = 0.8
"""Source: Touvron et al. 2023, "Llama 2", appendix A.6: from 80 % of its tokens on, a test example
counts as dirty. One common n-gram, as Brown et al. have it, marks 88 % of the held-out pairs of a
public set whose wordings never repeat (docs/quality.md)."""
_LEAST_COMMON, _LEAST_PART = 6, 4
"""n-grams that a suspect must share: six, or a quarter of what it must hold. Any choice finds the
same pairs; fewer make more suspects, more make longer lists."""
_NOWHERE: Places = np.empty(0, np.int64)
_SLACK = 1e-9
"""So that 4 of 5 are 0.8 in floating point, too."""

How = Literal["copied", "near"]


@dataclass(frozen=True, kw_only=True)
class Passage:
    """The texts of an example that are compared."""

    example_id: str
    query: str
    response: str


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """A training example and the held-out one that it gives away."""

    train_id: str
    held_out_id: str
    how: How
    share: float
    """Copied: the smaller share of the two texts' 12-grams. Near: Jaccard index."""


@dataclass(frozen=True)
class Sides:
    """The n-gram sets of the training and of the held-out texts of one field."""

    train: GramSets
    held_out: GramSets

    def common(self, held_out: int, train: int) -> int:
        """How many n-grams two texts have in common, by their places."""
        ours, theirs = self.held_out.of(held_out), self.train.of(train)
        return len(np.intersect1d(ours, theirs, assume_unique=True))

    def shared(self, held_out: int, train: int) -> float:
        """Share of the smaller set that the larger one holds."""
        smaller = min(len(self.held_out.of(held_out)), len(self.train.of(train)))
        return self.common(held_out, train) / smaller if smaller else 0.0

    def jaccard(self, held_out: int, train: int) -> float:
        """Jaccard index of two texts' sets."""
        common = self.common(held_out, train)
        return common / (len(self.held_out.of(held_out)) + len(self.train.of(train)) - common)


Pair = tuple[int, int, How, float]
"""Places of the training and of the held-out text, and how alike they are."""
Tokens = Sequence[Sequence[str]]


def find_overlaps(train: Sequence[Passage], held_out: Sequence[Passage]) -> list[Overlap]:
    """Every contaminated pair, the worst first; a pair that is both stands once, as near.

    20,000 passages of 120 words take a few seconds; the cost grows with the number of tokens and
    with that of pairs that have uncommon pieces of both texts in common.
    """
    if not train or not held_out:
        return []
    queries = [[fold_words(p.query) for p in side] for side in (train, held_out)]
    responses = [[fold_words(p.response) for p in side] for side in (train, held_out)]
    pairs = (*_copied(queries, responses), *_near(queries, responses))
    found = {
        (t, h): Overlap(
            train_id=train[t].example_id, held_out_id=held_out[h].example_id, how=how, share=share
        )
        for t, h, how, share in pairs
    }
    return sorted(found.values(), key=lambda o: (-o.share, o.train_id, o.held_out_id))


def _copied(queries: Sequence[Tokens], responses: Sequence[Tokens]) -> Iterator[Pair]:
    by_query, by_response = (Copies(*sides) for sides in (queries, responses))
    for i in range(len(queries[1])):
        suspects = np.intersect1d(by_query.of(i), by_response.of(i), assume_unique=True)
        for t in suspects.tolist():
            share = min(by_query.covered(i, t), by_response.covered(i, t))
            if share >= COPIED_SHARE - _SLACK:
                yield t, i, "copied", share


def _near(queries: Sequence[Tokens], responses: Sequence[Tokens]) -> Iterator[Pair]:
    words = Sides(*(gram_sets(encode(side, least=1), 1) for side in queries))
    train, held_out = (
        gram_sets(encode(([*q, *r] for q, r in zip(*side, strict=True)), least=1), 1, 2)
        for side in zip(queries, responses, strict=True)
    )
    both = Sides(train=train, held_out=held_out)
    # What is nearly the same as a set holds nearly all of it, and is nearly as large.
    holders = Holders(both, share=NEAR_JACCARD)
    sizes = np.diff(both.train.starts)
    for i in range(len(both.held_out)):
        suspects = holders.of(i)
        is_small = sizes[suspects] * NEAR_JACCARD <= len(both.held_out.of(i)) + _SLACK
        for t in suspects[is_small].tolist():
            share = both.jaccard(i, t)
            if share >= NEAR_JACCARD - _SLACK and words.shared(i, t) >= SAME_QUESTION_FROM - _SLACK:
                yield t, i, "near", share


class Copies:
    """For each held-out text of one field the training texts that may hold its n-grams."""

    def __init__(self, train: Tokens, held_out: Tokens) -> None:
        """Index the training texts once for each size of n-gram that the held-out ones need."""
        self._sizes = [min(max(len(t), SHORTEST_NGRAM), NGRAM) for t in held_out]
        coded = encode(train, least=SHORTEST_NGRAM)
        self._by_size = {
            size: _copies_of_size(coded, self._of_size(held_out, size), size)
            for size in sorted(set(self._sizes))
        }

    def _of_size(self, held_out: Tokens, size: int) -> Coded:
        """The held-out texts that need n-grams of a size; the others as empty."""
        kept = (t if s == size else () for t, s in zip(held_out, self._sizes, strict=True))
        return encode(kept, least=SHORTEST_NGRAM)

    def of(self, index: int) -> Places:
        """Places of the training texts to look at for one held-out text."""
        return self._by_size[self._sizes[index]][1].of(index)

    def covered(self, index: int, train: int) -> float:
        """Share of a held-out text's n-grams that a training text holds."""
        sides = self._by_size[self._sizes[index]][0]
        return sides.common(index, train) / len(sides.held_out.of(index))


def _copies_of_size(train: Coded, held_out: Coded, size: int) -> tuple[Sides, "Holders"]:
    ours = gram_sets(held_out, size)
    sides = Sides(train=gram_sets(train, size, among=ours), held_out=ours)
    return sides, Holders(sides, share=COPIED_SHARE)


class Holders:
    """For each held-out set the training sets that may hold a share of it.

    A set that holds the share of another's n elements lacks at most n minus that: of any
    n - ⌈share · n⌉ + m elements it holds at least m. The rarest are looked up, and m is more than
    one so that an uncommon phrase alone makes no suspect.
    Source: Chaudhuri, Ganti and Kaushik 2006, "A Primitive Operator for Similarity Joins in Data
    Cleaning" (prefix filter); Wang, Li and Feng 2012, "Can We Beat the Prefix Filtering?" (m > 1).
    """

    def __init__(self, sides: Sides, *, share: float) -> None:
        """Index what of the training sets the held-out ones ask for."""
        train, self._held_out = sides.train, sides.held_out
        owner = np.repeat(np.arange(len(train)), np.diff(train.starts))
        is_asked = np.isin(train.hashes, np.unique(self._held_out.hashes))
        hashes, owner = train.hashes[is_asked], owner[is_asked]
        order = np.argsort(hashes, kind="stable")
        self._owner = owner[order]
        self._low = np.searchsorted(hashes[order], self._held_out.hashes, side="left")
        self._high = np.searchsorted(hashes[order], self._held_out.hashes, side="right")
        self._share = share

    def of(self, index: int) -> Places:
        """Places of the training sets to look at for one held-out set, sorted and distinct."""
        start, end = self._held_out.starts[index], self._held_out.starts[index + 1]
        low, high = self._low[start:end], self._high[start:end]
        wanted = int(np.ceil(self._share * len(low) - _SLACK))
        least = max(min(_LEAST_COMMON, wanted), wanted // _LEAST_PART)
        rarest = np.argsort(high - low, kind="stable")[: len(low) - wanted + least]
        parts = [self._owner[low[k] : high[k]] for k in rarest.tolist()]
        places, counts = np.unique(np.concatenate([_NOWHERE, *parts]), return_counts=True)
        return places[counts >= least]
