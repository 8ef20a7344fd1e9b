"""Numbers and mail addresses as they are spoken: "double five oh one", "kim at example dot com"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_DIGITS = {
    "zero": "0", "oh": "0", "o": "0", "nought": "0", "one": "1", "two": "2", "three": "3",
    "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "niner": "9",
    "null": "0", "eins": "1", "zwei": "2", "zwo": "2", "drei": "3", "vier": "4", "fünf": "5",
    "sechs": "6", "sieben": "7", "acht": "8", "neun": "9", "cero": "0", "uno": "1", "dos": "2",
    "tres": "3", "cuatro": "4", "cinco": "5", "seis": "6", "siete": "7", "ocho": "8", "nueve": "9",
    "zéro": "0", "un": "1", "deux": "2", "trois": "3", "quatre": "4", "cinq": "5", "sept": "7",
    "huit": "8", "neuf": "9", "um": "1", "dois": "2", "três": "3", "quatro": "4", "sete": "7",
    "oito": "8", "nove": "9", "due": "2", "tre": "3", "quattro": "4", "cinque": "5", "sei": "6",
    "otto": "8", "nul": "0", "een": "1", "twee": "2", "drie": "3", "vijf": "5", "zes": "6",
    "zeven": "7", "negen": "9",
}  # fmt: skip
_TENS = {
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14",
    "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19",
    "twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70",
    "eighty": "80", "ninety": "90",
}  # fmt: skip
_TIMES = {"double": 2, "triple": 3, "treble": 3}
NUMBER_WORDS = frozenset(_DIGITS) | frozenset(_TENS) | frozenset(_TIMES)
_WORD = r"(?:" + "|".join(sorted(NUMBER_WORDS, key=len, reverse=True)) + r"|plus|hundred)"
_RUN = re.compile(rf"\b{_WORD}(?:[ ,.-]{{1,3}}(?:{_WORD}|\d{{1,4}})\b){{2,40}}")
_LEAST_WORDS = 2
_AT = re.compile(r" at (?:the )?(\w[\w-]{0,40}(?: \w{1,20})?(?: dot \w{2,20}){1,4})\b")
_CONNECTORS = frozenset({"dot", "underscore", "dash", "hyphen", "minus", "plus", "point"})
_LOCAL_WORDS = 16


@dataclass(frozen=True, slots=True)
class SpokenNumber:
    """A run of number words and the digits that it says."""

    start: int
    end: int
    digits: str


def spoken_digits(lower: str) -> str:
    """The digits that a text of number words says.

    >>> spoken_digits("double five oh one"), spoken_digits("twenty three")
    ('5501', '23')
    """
    return _digits(re.findall(r"[^\s,.-]+", lower))


def spoken_numbers(lower: str) -> Iterator[SpokenNumber]:
    """Runs of at least three digits in words; single digits written as such may be among them."""
    said = sum(word in NUMBER_WORDS for word in re.findall(r"[^\W\d_]+", lower))
    if said < _LEAST_WORDS:
        return
    for match in _RUN.finditer(lower):
        words = re.findall(r"[^\s,.-]+", match[0])
        digits = _digits(words)
        spelled = sum(word in NUMBER_WORDS for word in words)
        if len(digits) > _LEAST_WORDS and spelled >= _LEAST_WORDS:
            yield SpokenNumber(match.start(), match.end(), digits)


def _digits(words: list[str]) -> str:
    parts: list[str] = []
    times = 1
    for word in words:
        if word in _TIMES:
            times = _TIMES[word]
            continue
        value = word if word.isdigit() else _DIGITS.get(word) or _TENS.get(word, "")
        if word in _DIGITS and parts and len(parts[-1]) > 1 and parts[-1].endswith("0"):
            parts[-1] = parts[-1][:-1] + value
        elif word == "hundred":
            parts.append("00")
        else:
            parts.append(value * times)
        times = 1
    return "".join(parts)


def spoken_emails(lower: str) -> Iterator[tuple[int, int]]:
    """Ranges of mail addresses that are spelled with "at" and "dot"."""
    if " dot " not in lower:
        return
    for match in _AT.finditer(lower):
        left = lower[max(0, match.start() - 160) : match.start()]
        words = left.split()[-_LOCAL_WORDS:]
        if not words:
            continue
        first = _first_word(words)
        start = match.start()
        for word in reversed(words[first:]):
            start = lower.rindex(word, 0, start)
        yield start, match.end()


def _first_word(words: list[str]) -> int:
    """Index of the word with which the part before "at" begins."""
    i = len(words) - 1
    while i > 0:
        is_digit = words[i] in NUMBER_WORDS or words[i].isdigit()
        if is_digit:
            i -= 1
        elif words[i - 1] in _CONNECTORS and i > 1:
            i -= 2
        else:
            break
    return i
