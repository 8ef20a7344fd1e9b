"""Names that nobody introduces and no list has whole, by a capital letter and their place.

A capital alone is no sign: products, makers and towns have it, too. It counts in a place that
people hold: alone after a greeting or thanks, after a word for one's kin, around an initial, beside
a surname, above the lines of an address.
"""

import re
from collections.abc import Iterator, Sequence

from transforms.redact.names import ARTICLE_BEFORE, greeting_ends, plain
from transforms.redact.spans import Span
from transforms.redact.states import STATE_WORDS
from transforms.redact.view import View
from transforms.redact.words import AMBIGUOUS, COMMON_WORDS, FIRST_NAMES, NOT_NAMES, SURNAMES

_CAPITAL = r"[^\W\d_a-zß-ÿ][^\W\d_][\w'-]{0,28}"
_WORD = re.compile(r"[^\W\d_][\w'-]{0,30}")
_ADDRESSED = re.compile(rf"(?P<v>{_CAPITAL})(?= ?[,.!]|\s*$|[ \t]*\n)")
_KIN = re.compile(
    r"\b(?:my|his|her|our) (?:husband|wife|son|daughter|mother|father|mum|mom|dad|friend|colleague"
    r"|kid|child|partner|brother|sister|boss|neighbou?r|mann|frau|sohn|tochter|kollege|kollegin)"
    rf"(?:,|'s name is)? (?P<v>(?-i:{_CAPITAL}(?: {_CAPITAL})?))",
    re.IGNORECASE,
)
_KIN_WORDS = frozenset(
    "husband wife son daughter mother father mum mom dad friend colleague kid child partner brother"
    " sister boss neighbour neighbor mann frau sohn tochter kollege kollegin".split()
)
_NAME_LINE = re.compile(
    rf"^[>\s]{{0,3}}(?P<v>{_CAPITAL}(?: (?:[A-Z]\.?|de|da|van|von|der|di))?"
    rf"(?: {_CAPITAL}){{1,2}})\s*$"
)
_HOUSE = re.compile(
    r"^[>\s]{0,3}(?:\d{1,5}[a-z]?[ ,/-]\S|.{2,50}\s\d{1,6}[a-z]?,?\s*$)", re.IGNORECASE
)
_LONGEST_LINE = 60
_BLOCK_LINES = 4
_LISTED_BEFORE = re.compile(r"[A-Z][\w'-]*(?:,| and| &) $")
_LISTED_AFTER = re.compile(r"(?:,| and| &) [A-Z]")
"""Surnames one after the other are mostly a firm: "Toy, Querty and Sons"."""
_FIRM = frozenset(
    "agency associates bank centre center club co corp corporation group hospital hotel house inc"
    " industries institute international labs limited llc logistics ltd market markets media motors"
    " museum office partners restaurant school services shop society stores studio studios systems"
    " technologies technology trading transit trust university works gmbh ag".split()
)
_INITIAL = re.compile(r" [A-Z]\.? [^\W\d_]")
_INITIALLED = re.compile(rf"(?<!\w)(?P<v>{_CAPITAL} [A-Z](?P<dot>\.)? {_CAPITAL})")
_SENTENCE_END = re.compile(r"(?:^|[.!?:\n>])\s*$")


def find_capital_names(view: View) -> Iterator[Span]:
    """Names by capital and place; nothing in a text without capitals."""
    if view.text == view.lower:
        return
    for end in greeting_ends(view.lower):
        if found := _ADDRESSED.match(view.text, end):
            yield from _if_name(found)
    if not view.words.isdisjoint(_KIN_WORDS):
        for match in _KIN.finditer(view.text):
            yield from _if_name(match)
    if _INITIAL.search(view.text):
        yield from _with_initial(view.text)
    if not view.words.isdisjoint(SURNAMES):
        yield from _by_surname(view.text)
    if view.digits and view.text.count("\n") > 1:
        yield from _above_address(view.text)


def _if_name(match: re.Match[str]) -> Iterator[Span]:
    if all(_is_open(plain(word)) for word in match["v"].split()):
        yield Span(match.start("v"), match.end("v"), "PERSON", 5)


def _is_open(word: str) -> bool:
    """Whether a plain word may be a name: no word that we know to be something else."""
    is_word = word in COMMON_WORDS or word in NOT_NAMES or word in STATE_WORDS
    return word in FIRST_NAMES or not is_word


def _with_initial(text: str) -> Iterator[Span]:
    """Two words with capitals around an initial; without a full stop one must be a listed name."""
    for match in _INITIALLED.finditer(text):
        first, *_, last = (plain(w) for w in match["v"].split())
        is_listed = first in FIRST_NAMES or last in SURNAMES
        if _is_open(first) and _is_open(last) and (match["dot"] or is_listed):
            yield Span(match.start("v"), match.end("v"), "PERSON", 4)


def _by_surname(text: str) -> Iterator[Span]:
    """A surname with a capital inside a sentence, and the word with a capital before it."""
    words = list(_WORD.finditer(text))
    for i, match in enumerate(words):
        if not _is_surname(match[0]):
            continue
        before = words[i - 1] if i and text[words[i - 1].end() : match.start()] == " " else None
        if before is not None and _is_titled(before[0]) and _is_open(plain(before[0])):
            yield Span(before.start(), match.end(), "PERSON", 5)
        elif _is_alone(text, match, words[i + 1 : i + 2]):
            yield Span(match.start(), match.end(), "PERSON", 5)


def _is_surname(word: str) -> bool:
    name = plain(word)
    return (
        _is_titled(word) and name in SURNAMES and name not in AMBIGUOUS and name not in COMMON_WORDS
    )


def _is_titled(word: str) -> bool:
    return word[0].isupper() and not word.isupper()


def _is_alone(text: str, match: re.Match[str], after: Sequence[re.Match[str]]) -> bool:
    """Whether a capital stands there for the name: no sentence begins, no longer name goes on."""
    left = text[max(0, match.start() - 8) : match.start()]
    goes_on = after and after[0].start() == match.end() + 1 and after[0][0][0].isupper()
    is_part = text[match.end() : match.end() + 1] in ("-", "&")
    is_listed = _LISTED_BEFORE.search(text, max(0, match.start() - 40), match.start()) or (
        _LISTED_AFTER.match(text, match.end())
    )
    is_begun = _SENTENCE_END.search(left) or ARTICLE_BEFORE.search(left)
    return not (is_begun or goes_on or is_part or is_listed)


def _above_address(text: str) -> Iterator[Span]:
    """A line of nothing but two or three words with capitals, above lines with a house number."""
    lines = text.split("\n")
    at = 0
    for i, line in enumerate(lines):
        found = _NAME_LINE.match(line) if len(line) <= _LONGEST_LINE else None
        if (
            found
            and any(_is_address_line(x) for x in lines[i + 1 : i + 1 + _BLOCK_LINES])
            and not any(_is_address_line(x) for x in lines[max(0, i - 2) : i])
        ):
            words = [plain(w) for w in found["v"].split()]
            if all(_is_open(w) and w not in _FIRM for w in words):
                yield Span(at + found.start("v"), at + found.end("v"), "PERSON", 5)
        at += len(line) + 1


def _is_address_line(line: str) -> bool:
    return len(line) <= _LONGEST_LINE and _HOUSE.match(line) is not None
