"""Names and numbers of the customer that the envelope states, where a text repeats them."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from transforms.redact.names import plain
from transforms.redact.spans import Span
from transforms.redact.view import View, has_any
from transforms.redact.words import COMMON_WORDS

_NAME_CHARS = 3
"""Shorter parts of a name are also words."""

_FUZZY_CHARS = 5
_LETTERS = re.compile(r"[^\W\d_]+")


def as_known(name: str, known: Sequence[str]) -> str:
    """A name with each word that is a near miss of a long part of a known one put right.

    >>> as_known("jonathon fisher", ["Jonathan Fisher"])
    'Jonathan fisher'
    """
    parts = [p for whole in known for p in _parts(whole) if len(p) >= _FUZZY_CHARS]
    if not parts:
        return name
    return _LETTERS.sub(
        lambda m: next((p for p in parts if is_one_edit(m[0].lower(), p.lower())), m[0]), name
    )


@lru_cache(maxsize=1_024)
def _parts(name: str) -> tuple[str, ...]:
    return tuple(p for p in re.split(r"[\s,]+", name) if len(p) >= _NAME_CHARS and p.isalpha())


def find_known_names(view: View, names: Sequence[str]) -> Iterator[Span]:
    """A full name in any order and each long part of it, in any case where it is no word."""
    for name in names:
        parts = _parts(name)
        if not parts:
            continue
        # A pattern for a name is dear to make, and most texts do not hold it.
        is_plain = view.text.isascii() and name.isascii()
        if not is_plain or has_any(view.lower, [p.lower() for p in parts]):
            for match in _known(parts).finditer(view.text):
                if match[0][0].isupper() or " " in match[0] or plain(match[0]) not in COMMON_WORDS:
                    yield Span(match.start(), match.end(), "PERSON", 2)
        yield from _near_misses(view, parts)


@lru_cache(maxsize=1_024)
def _known(parts: tuple[str, ...]) -> re.Pattern[str]:
    either = "|".join(re.escape(p) for p in parts)
    return re.compile(rf"\b(?:{either})\b(?:,? (?:{either})\b)*", re.IGNORECASE)


def _near_misses(view: View, parts: tuple[str, ...]) -> Iterator[Span]:
    """Words that differ from a long part of a known name by one edit.

    They have a capital, or stand beside another part of the name and are masked with it.
    """
    whole = {p.lower() for p in parts}
    wanted = [p for p in whole if len(p) >= _FUZZY_CHARS]
    if not wanted:
        return
    near = {
        word
        for word in view.words
        if word not in COMMON_WORDS and any(is_one_edit(word, part) for part in wanted)
    }
    words = list(_LETTERS.finditer(view.lower)) if near else []
    for i, match in enumerate(words):
        if match[0] not in near:
            continue
        start, end = match.span()
        for other in words[max(0, i - 1) : i + 2]:
            left, right = min(start, other.start()), max(end, other.end())
            if other[0] in whole and right - left == len(match[0]) + len(other[0]) + 1:
                start, end = left, right
        if view.text[match.start()].isupper() or (start, end) != match.span():
            yield Span(start, end, "PERSON", 1)


def is_one_edit(a: str, b: str) -> bool:
    """Whether two different words are one insertion, deletion, change or swap apart.

    >>> is_one_edit("jonhson", "johnson"), is_one_edit("jonson", "johnson"), is_one_edit("a", "a")
    (True, True, False)
    """
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    if len(a) >= _FUZZY_CHARS and a[0] != b[0] and a[-1] != b[-1]:
        return False  # one edit reaches one end of a long word only
    i = 0
    while i < min(len(a), len(b)) and a[i] == b[i]:
        i += 1
    if len(a) == len(b):
        is_swap = a[i : i + 2] == b[i : i + 2][::-1] and a[i + 2 :] == b[i + 2 :]
        return a[i + 1 :] == b[i + 1 :] or is_swap
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    return longer[i + 1 :] == shorter[i:]


def find_known_numbers(view: View, numbers: Sequence[str]) -> Iterator[Span]:
    """The customer's own number, however its digits are grouped, with the plus before it."""
    for number in numbers:
        pattern = re.compile(r"(?<!\d)(?:\+|00)?" + r"[ ().-]{0,2}".join(number) + r"(?!\d)")
        for match in pattern.finditer(view.text):
            yield Span(match.start(), match.end(), "PHONE", 1)
