"""What was masked once and is said again, by anyone and in another form: "4478123 is unlocked".

The value itself is gone: only its tag is known. So whatever could be a value is tagged, too, and
compared: numbers with and without the signs between their groups, numbers in words, dates, tokens
that hold a digit, and words that may be names. Linear in the text; a word costs one hash a
conversation, about a microsecond.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from transforms.redact.dates import DATE
from transforms.redact.likeness import name_likeness
from transforms.redact.names import ARTICLE_BEFORE, greeting_ends, plain
from transforms.redact.numbers import is_content
from transforms.redact.placeholders import Tagger, blank, tag_number
from transforms.redact.spans import PERSONAL, Piece
from transforms.redact.spoken import NUMBER_WORDS, spoken_numbers
from transforms.redact.states import ALSO_WORDS, STATE_WORDS
from transforms.redact.words import AMBIGUOUS, COMMON_WORDS, FIRST_NAMES, NOT_NAMES, SURNAMES

OPEN = frozenset({"NUMBER", "DATE"})
"""Types of pass 1 whose meaning only the question tells."""

_RUN = re.compile(r"(?<![\w.])\d(?:[ ().-]{0,2}\d){2,24}(?!\w)")
_GROUP = re.compile(r"\d{3,}")
_CODE = re.compile(
    r"(?<![\w@+/#.-])(?:\d{1,20}[^\W\d]|[^\W\d]{1,21}[@+/#.-]?\d)[\w@+/#.-]{0,40}(?<![/.-])"
)
_SECRET = re.compile(r"(?<!\w)[^\W_][\w@+#.!-]{2,63}(?<![.-])")
_DIGIT = re.compile(r"\d")
_NAME = re.compile(r"[^\W\d_][\w'-]{2,30}")
_PHONE_DIGITS = 11
"""A North American number with its country code, which tags of telephone numbers leave out."""

_LEAST_DIGITS = 4
"""Fewer digits occur by chance in other turns."""

_LEAST_SHORT_DIGITS = 3
_SHORT = frozenset({"CARD", "PASSWORD"})
"""Types whose values have three digits, as the code on the back of a card has."""

_WORDED = frozenset({"PASSWORD", "USERNAME"})
"""Types whose values may be a word."""

_DATED = frozenset({"DOB", "DATE"})
_NAME_CHARS = 4
_MOST_NAMES = 4
_LIKELY = -0.3
"""Words that are spelled less like names are none in lower case. Source: chosen so that unusual
given names of several languages pass and three quarters of English nouns do not."""


@dataclass(frozen=True, slots=True)
class Told:
    """Tags of what a conversation holds."""

    types: dict[str, str] = field(default_factory=dict)
    """The type of each tag; one that says what the value is wins over NUMBER and DATE."""
    hidden: set[str] = field(default_factory=set)
    """Tags of values that are masked; readable ids of things are found as they are written."""
    people: set[str] = field(default_factory=set)
    """Tags of the words of names."""


def told_in(texts: Sequence[str], found: Sequence[Sequence[Piece]]) -> Told:
    """The tags of a conversation's pieces."""
    told = Told()
    for text, pieces in zip(texts, found, strict=True):
        for piece in pieces:
            if piece.tag is None:
                continue
            if piece.type == "PERSON":
                told.people.update(piece.tag.split("."))
                continue
            if told.types.get(piece.tag) is None or told.types[piece.tag] in OPEN:
                told.types[piece.tag] = piece.type
            if piece.type in PERSONAL or text[piece.start] == "<":
                told.hidden.add(piece.tag)
    return told


class Echoes:
    """Finds the values and people of one conversation in texts without masks, by their tags."""

    def __init__(self, told: Told, tagger: Tagger) -> None:
        """`told` by `told_in`, the tagger that of the conversation."""
        self._told = told
        self._tagger = tagger
        kinds = {told.types[tag] for tag in told.hidden}
        self._is_dated = not kinds.isdisjoint(_DATED)
        self._is_worded = not kinds.isdisjoint(_WORDED)
        self._people = {tag_number(tag): tag for tag in told.people}
        self._seen: set[str] = set()
        self._named: dict[str, str] = {}

    def find(self, text: str) -> list[Piece]:
        """Pieces of what is said again outside of masks; they may overlap."""
        if not self._told.hidden and not self._people:
            return []
        seen = blank(text)
        if not seen.strip("<=> .,!?"):
            return []
        found: list[Piece] = []
        lower = seen.lower()
        if self._told.hidden and len(lower) == len(seen):
            if _DIGIT.search(lower):
                found += self._numbers(lower)
            if self._is_worded:
                found += self._words(lower)
            if not NUMBER_WORDS.isdisjoint(lower.split()):
                found += self._spoken(lower)
        if self._people:
            found += self._names(seen)
        return found

    def _words(self, lower: str) -> Iterator[Piece]:
        for match in _SECRET.finditer(lower):
            if match[0] not in COMMON_WORDS:
                yield from self._if_told(lower, match.start(), match.end())

    def _spoken(self, lower: str) -> Iterator[Piece]:
        for number in spoken_numbers(lower):
            if kind_and_tag := self._kind_of(number.digits):
                yield Piece(number.start, number.end, *kind_and_tag)

    def _numbers(self, lower: str) -> Iterator[Piece]:
        if self._is_dated:
            for match in DATE.finditer(lower):
                yield from self._if_told(lower, match.start(), match.end())
        for match in _RUN.finditer(lower):
            whole = list(self._if_told(lower, match.start(), match.end()))
            yield from whole
            if not whole and " " in match[0]:
                for group in _GROUP.finditer(lower, match.start(), match.end()):
                    yield from self._if_told(lower, group.start(), group.end())
        for match in _CODE.finditer(lower):
            yield from self._if_told(lower, match.start(), match.end())

    def _if_told(self, lower: str, start: int, end: int) -> Iterator[Piece]:
        value = lower[start:end]
        digits = "".join(_DIGIT.findall(value))
        found = self._kind_of(digits) if len(digits) >= _LEAST_SHORT_DIGITS else None
        if found and not is_content(lower, start, end):
            yield Piece(start, end, *found)
        elif len(digits) < len(value):
            tag = self._tagger.hash(value)
            if tag in self._told.hidden:
                yield Piece(start, end, self._told.types[tag], tag)

    def _kind_of(self, digits: str) -> tuple[str, str] | None:
        """Type and tag of the value of these digits, with a North American 1 before or not."""
        forms = [digits]
        if len(digits) == _PHONE_DIGITS and digits[0] == "1":
            forms.append(digits[1:])
        for form in forms:
            tag = self._tagger.hash(form)
            kind = self._told.types[tag] if tag in self._told.hidden else None
            if kind and (len(form) >= _LEAST_DIGITS or kind in _SHORT):
                return kind, tag
        return None

    def _names(self, text: str) -> Iterator[Piece]:
        """Words that are part of a name of this conversation, side by side as one person."""
        words = set(_NAME.findall(text))
        self._learn(words - self._seen)
        if self._named.keys().isdisjoint(words):
            return
        last: Piece | None = None
        greeted = set(greeting_ends(text.lower()))
        for match in _NAME.finditer(text):
            tag = self._named.get(match[0])
            if tag is None or not _is_name_there(text, match, greeted):
                continue
            end = match.end() - (2 if match[0].endswith("'s") else 0)
            if last and last.tag and text[last.end : match.start()] == " ":
                if last.tag.count(".") < _MOST_NAMES - 1:
                    last = Piece(last.start, end, "PERSON", f"{last.tag}.{tag}")
                    continue
            if last:
                yield last
            last = Piece(match.start(), end, "PERSON", tag)
        if last:
            yield last

    def _learn(self, words: set[str]) -> None:
        """Keep which of some new words are of a name of this conversation."""
        self._seen |= words
        for word in words:
            if name := _possible_name(word):
                tag = self._people.get(self._tagger.number(name))
                if tag is not None:
                    self._named[word] = tag


@lru_cache(maxsize=16_384)
def _possible_name(word: str) -> str:
    """The plain form of a word that may be a name, by its capital, our lists or its spelling."""
    name = plain(word)
    if name in COMMON_WORDS:
        return ""
    if word[0].isupper() or name in FIRST_NAMES or name in SURNAMES:
        return name
    is_word = name in NOT_NAMES or name in STATE_WORDS or len(name) < _NAME_CHARS
    return "" if is_word or name_likeness(name) < _LIKELY else name


def _is_name_there(text: str, match: re.Match[str], greeted: set[int]) -> bool:
    """Whether a word is no thing's name, and in lower case no word of the language."""
    if ARTICLE_BEFORE.search(text[max(0, match.start() - 6) : match.start()]):
        return False
    name = plain(match[0])
    is_word = name in AMBIGUOUS or name in ALSO_WORDS
    return match[0][0].isupper() or not is_word or match.start() in greeted
