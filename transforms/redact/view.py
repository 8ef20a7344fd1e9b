"""The text as detectors read it: one form of digits and dashes, nothing invisible, same places.

What is stored keeps its characters; only matching happens on the view.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
"""Default ignorable code points that text can carry unseen. Source: Unicode 15, DCP property."""

_WORD = re.compile(r"[^\W\d_]+")
_NO_LETTERS = {code: " " for code in range(128) if not chr(code).isalpha()}
_DIGIT = re.compile(r"[0-9]")
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_SPACES = (
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u202f\u205f\u3000"
)
_FULL_WIDTH = range(0xFF01, 0xFF5F)
_FULL_WIDTH_OFFSET = 0xFEE0


@dataclass(frozen=True, slots=True)
class View:
    """A text for matching, and where its characters come from."""

    text: str
    lower: str
    words: frozenset[str]
    """Words of the lower-case text: a cheap test of what is worth a pattern."""
    digits: int
    """Number of digits."""
    offsets: Sequence[int] | None
    """Index of each character in the original, and its length at the end; None: the same."""

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The range in the original text, invisible characters inside it included."""
        if self.offsets is None:
            return start, end
        return self.offsets[start], self.offsets[end - 1] + 1


def view(text: str) -> View:
    """The view of a text; ASCII text is its own view."""
    if text.isascii():
        return _view(text, text.lower(), None)
    seen = text.translate(_table())
    if not _INVISIBLE.search(seen):
        return _view(seen, _lower(seen), None)
    offsets = [i for i, c in enumerate(seen) if not _INVISIBLE.match(c)]
    shown = _INVISIBLE.sub("", seen)
    return _view(shown, _lower(shown), [*offsets, len(text)])


def has_any(text: str, pieces: Iterable[str]) -> bool:
    """Whether one of the pieces is in the text; `any` over a generator costs twice as much."""
    for piece in pieces:  # noqa: SIM110
        if piece in text:
            return True
    return False


def _view(text: str, lower: str, offsets: Sequence[int] | None) -> View:
    return View(text, lower, words_of(lower), len(_DIGIT.findall(text)), offsets)


def words_of(text: str) -> frozenset[str]:
    """The runs of letters in a text.

    >>> sorted(words_of("no. 7a isn't"))
    ['a', 'isn', 'no', 't']
    """
    if text.isascii():  # in a third of the time
        return frozenset(text.translate(_NO_LETTERS).split())
    return frozenset(_WORD.findall(text))


def _lower(text: str) -> str:
    """Lower case of the same length; a few characters lengthen when lowered and stay."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := c.lower()) == 1 else c for c in text)


@cache
def _table() -> dict[int, str]:
    table = {ord(c): "-" for c in _DASHES} | {ord(c): " " for c in _SPACES}
    table |= {c: chr(c - _FULL_WIDTH_OFFSET) for c in _FULL_WIDTH}
    table[0x2019] = "'"
    for code in range(0x660, 0x1FBFA):
        digit = unicodedata.decimal(chr(code), None)
        if digit is not None:
            table[code] = str(digit)
    return table
