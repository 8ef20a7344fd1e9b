"""How much a word is spelled like a name: log-odds of its pieces in our names and our other words.

A list of names is never complete; names of one language are spelled alike. Naive Bayes over the
pieces of two and three letters, the word's ends marked, counts smoothed by one half; the sum is
divided by the number of pieces, so that long words do not score higher by length.

Source: letter n-grams for telling languages apart, Cavnar and Trenkle, "N-Gram-Based Text
Categorization", 1994.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from math import log

from transforms.redact.words import (
    AMBIGUOUS,
    COMMON_WORDS,
    FIRST_NAMES,
    NOT_NAMES,
    RARER_NAMES,
    SURNAMES,
)

_SIZES = (2, 3)
_SMOOTHING = 0.5
_KINDS = 3_000
"""Different pieces that the counts are smoothed over: about as many as both lists have."""


@lru_cache(maxsize=4_096)
def name_likeness(word: str) -> float:
    """Mean log-odds of a plain word (lower case, no accents) being a name; 0 is even."""
    odds_of = _odds()
    pieces = list(_pieces(word))
    odds = sum(odds_of.get(piece, 0.0) for piece in pieces)
    return odds / len(pieces)


def _pieces(word: str) -> Iterator[str]:
    marked = f"^{word}$"
    for size in _SIZES:
        for i in range(len(marked) - size + 1):
            yield marked[i : i + size]


@cache
def _odds() -> dict[str, float]:
    names = (FIRST_NAMES - RARER_NAMES | SURNAMES) - AMBIGUOUS - NOT_NAMES
    others = (COMMON_WORDS | NOT_NAMES) - names
    named, said = _counted(names), _counted(others)
    # A piece that neither list has says nothing.
    return {p: _log_share(named, p) - _log_share(said, p) for p in {*named, *said}}


def _counted(words: Iterable[str]) -> Counter[str]:
    return Counter(piece for word in words for piece in _pieces(word))


def _log_share(counts: Counter[str], piece: str) -> float:
    return log((counts[piece] + _SMOOTHING) / (counts.total() + _SMOOTHING * _KINDS))
