"""Hashed features of a text: words, pairs of words and pieces of words, as counts by index.

Pure; the same text gives the same features on every machine (CRC-32, not Python's salted hash).
Placeholders, numbers and sentences that only state who or which (`My number is <PHONE_1>.`) are
left out: they would tie a category to whatever people are asked for. Source of the trick:
Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009.
"""

import re
from functools import lru_cache
from zlib import crc32

BITS = 15
SIZE = 1 << BITS
"""Features are counted modulo this: few thousand distinct words collide in about one of ten."""

MAX_CHARS = 2000
PIECE_CHARS = 4

_IDENTIFIER = r"(?:<[A-Z][A-Z0-9_]*>|[\w.+-]*\d[\w./-]*|[\w.+-]+@[\w.-]+)"
_OWNER = (
    r"(?:my|the|our|this|it|its)(?:\s+(?!(?:my|the|our|this|its)\b)\w+){0,4}?"
    r"\s+(?:is|are|was|came)(?:\s+(?:under|at|for|on))?"
)
_THING = (
    r"(?:invoice|order|tracking|model|serial|customer|reference|ticket|case|account|policy)"
    r"(?:\s+(?:number|no\.?|id|#))?\s*:?"
)
_SELF = (
    r"(?:i(?:'m| am)|this is|i\s+(?:bought|ordered)\s+(?:it|this|them)\s+on|i\s+live\s+(?:at|in))"
)
_ASIDE = (
    r"(?:invoice|tracking|model|serial|customer|reference|product|policy)"
    r"(?:\s+(?:number|code|no\.?|id|#))?\s*:?"
)
_STATES_ID = re.compile(
    rf"(?:^|(?<=[.!?\n])|(?<=\s))(?:(?:{_OWNER}|{_SELF})\s+(?:\w+\s+){{0,3}}?{_IDENTIFIER}"
    rf"(?:[\s,]+{_IDENTIFIER})*|(?:(?<=[.!?\n] )|(?<=\n)){_THING}\s+{_IDENTIFIER}"
    rf"|{_ASIDE}\s+{_IDENTIFIER}[.!\s]*$)",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"<[A-Z][A-Z0-9_]*>")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


_BESIDE_MASK = re.compile(
    r"(?:\b(?:my|your|the|our|his|her|it|it's|this|is|was|are|be|i|i'm|am|me|a|an|at|on|to|under|from|"
    r"for|with|by|of|in|used|number|no|nr|id|card|credit|debit|visa|mastercard|ssn|social|security|"
    r"dob|date|birth|born|birthday|cell|mobile|phone|tel|telephone|bank|details|iban|ip|customer|"
    r"client|member|concerns|live|lives|moved|ship|send|reach|call|back|paid|login|system|shows|"
    r"connecting|charged|money|should|go|can|please|also)[ \t:.#-]{1,3}){1,8}"
    r"<(?:ACCOUNT|ADDRESS|CARD|DOB|EMAIL|IBAN|IP|NUMBER|PASSWORD|PHONE|SSN|SSN_LAST4)(?:_\d+)?>",
    re.IGNORECASE,
)
"""Words that name somebody's data and not a need ("my bank details: <IBAN_1>")."""

MIN_WORDS = 4
"""So many words must be left for those beside a mask to be no part of the need."""


def words_of(text: str) -> list[str]:
    """The words that features are made of, in lower case."""
    text = text[:MAX_CHARS].replace("\u2019", "'")
    text = _STATES_ID.sub(" ", text)
    bare = _words(_BESIDE_MASK.sub(" ", text)) if "<" in text else []
    return bare if len(bare) >= MIN_WORDS else _words(text)


def _words(text: str) -> list[str]:
    return [w.lower() for w in _WORD.findall(_PLACEHOLDER.sub(" ", text))]


def features(text: str) -> dict[int, float]:
    """Index → weight, of length one; empty for a text without words.

    A feature that occurs n times weighs as if once: queries are short, repetition is noise.
    """
    words = words_of(text)
    seen: dict[int, None] = {}
    for word in words:
        seen.update(dict.fromkeys(_of_word(word)))
    for first, second in zip(words, words[1:], strict=False):
        seen[_index("b", f"{first} {second}")] = None
    return dict.fromkeys(seen, 1 / len(seen) ** 0.5) if seen else {}


@lru_cache(maxsize=16_384)
def _of_word(word: str) -> tuple[int, ...]:
    """Indices of a word and its pieces; kept, because few words make up most of what is said."""
    padded = f" {word} "
    pieces = [padded[i : i + PIECE_CHARS] for i in range(len(padded) - PIECE_CHARS + 1)]
    return (_index("w", word), *(_index("p", piece) for piece in pieces))


def _index(kind: str, text: str) -> int:
    return crc32(f"{kind}:{text}".encode()) & (SIZE - 1)
