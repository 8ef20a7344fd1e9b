"""The masks that stand for what was redacted: `<TYPE:tag>` in turns, `<TYPE_1>` in conversations.

A turn is written before its conversation is known, so it cannot number its values. Its masks carry
a tag instead: five letters of a keyed hash of the value, the key bound to the conversation (for
mail: to the customer, see `tag_scope`). Equal values of one conversation have equal tags, so that
the assembled conversation can number them; the tag of another conversation says nothing, and
without the pipeline's secret a tag cannot be tried against guessed values. A person's mask has a
tag for each word of the name, so that "Robin" and "Robin Toy" become one person, and later turns
that name them are found without the name being kept.

Collisions: two of ten different values share a tag with probability 4 in a million.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from transforms.redact.names import plain
from transforms.redact.spans import PERSONAL, THINGS
from transforms.redact.spoken import spoken_digits

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_TAG_LETTERS = 5
_TAGS = len(_LETTERS) ** _TAG_LETTERS
_NAME_WORDS = 4
_PART_CHARS = 3
PLACEHOLDER = re.compile(
    r"<(?P<type>[A-Z]{2,9}(?:_LAST4)?)(?::(?P<tag>[a-z]{5}(?:\.[a-z]{5}){0,3})"
    r"|_(?P<number>\d{1,7}))?>"
)
"""A mask of any form; `is_mask` tells ours from capitals in brackets that somebody wrote."""

_NUMERIC = frozenset(
    {"PHONE", "CARD", "SSN", "SSN_LAST4", "NUMBER", "ACCOUNT", "POSTCODE", "DATE", "DOB"}
)
_PHONE_WITH_COUNTRY = 11


def is_mask(match: re.Match[str]) -> bool:
    """Whether the type of a matched placeholder is one of ours."""
    return match["type"] in PERSONAL or match["type"] in THINGS


def bare(text: str) -> str:
    """The text with every mask as `<TYPE>`, without tag and number."""
    return PLACEHOLDER.sub(lambda m: f"<{m['type']}>" if is_mask(m) else m[0], text)


def blank(text: str) -> str:
    """The text with every mask replaced by as many characters that no detector reads."""
    if "<" not in text:
        return text
    return PLACEHOLDER.sub(lambda m: f"<{'=' * (len(m[0]) - 2)}>", text)


def tag_scope(channel: str, conversation_id: str, subject_key: str | None) -> str:
    """What ties equal values together: the conversation, or for mail the customer.

    Which thread a mail continues is found out after its redaction. A conversation that was split
    for its length (`id.2`) is one.
    """
    if channel == "email" and subject_key:
        return subject_key
    return conversation_id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Tagger:
    """Tags of the values of one scope (`tag_scope`)."""

    secret: bytes
    scope: str

    def tag(self, kind: str, value: str) -> str:
        """The tag of a value; for a person one tag a word of the name, joined by dots."""
        if kind != "PERSON":
            return self.hash(normalised(kind, value))
        words = [plain(w) for w in re.findall(r"[^\W\d_][\w'-]*", value)]
        long = [w for w in words if len(w) >= _PART_CHARS] or words or [value]
        return ".".join(self.hash(word) for word in long[:_NAME_WORDS])

    def hash(self, value: str) -> str:
        """Five letters (23 bits) of BLAKE2b, keyed by the secret and the conversation."""
        number = self.number(value)
        letters = []
        for _ in range(_TAG_LETTERS):
            number, i = divmod(number, len(_LETTERS))
            letters.append(_LETTERS[i])
        return "".join(letters)

    def number(self, value: str) -> int:
        """The tag as a number: to compare many words costs half as much without the letters."""
        message = f"{self.scope}\0{value}".encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(message, key=self.secret[:64], digest_size=8).digest()
        return int.from_bytes(digest, "big") % _TAGS

    def mask(self, kind: str, value: str) -> str:
        """The mask of a value in a turn."""
        return f"<{kind}:{self.tag(kind, value)}>"


def tag_number(tag: str) -> int:
    """The number of a tag of one word.

    >>> tagger = Tagger(b"s", "c")
    >>> tag_number(tagger.hash("robin")) == tagger.number("robin")
    True
    """
    number = 0
    for letter in reversed(tag):
        number = number * len(_LETTERS) + _LETTERS.index(letter)
    return number


def normalised(kind: str, value: str) -> str:
    """A value in the form in which it is compared: digits only, or folded case and space.

    >>> normalised("PHONE", "+1 (555) 555-0123") == normalised("PHONE", "555.555.0123")
    True
    """
    if kind in _NUMERIC:
        digits = "".join(c for c in value if c.isdecimal()) or spoken_digits(value.lower())
        if kind == "PHONE" and len(digits) == _PHONE_WITH_COUNTRY and digits.startswith("1"):
            digits = digits[1:]
        if digits:
            return digits
    return " ".join(value.casefold().split())


class Numbering:
    """Numbers of one conversation's values, by type, in the order in which they are first seen."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """`names` are the tags of all people: "Lee" is "Kim Lee" if no other Lee is there."""
        self._numbers: dict[str, dict[str, int]] = {}
        self._last: dict[str, int] = {}
        self._whole: dict[str, set[str]] = {}
        for name in names:
            if "." in name:
                for part in name.split("."):
                    self._whole.setdefault(part, set()).add(name)

    def mask(self, kind: str, tag: str | None) -> str:
        """`<TYPE_n>`: a known tag's number, or the next one. Without a tag a value is new."""
        known = self._numbers.setdefault(kind, {})
        whole = self._whole.get(tag or "", set()) if kind == "PERSON" else set()
        if len(whole) == 1:
            (tag,) = whole
        parts = tag.split(".") if tag else []
        number = next((known[part] for part in parts if part in known), 0)
        if not number:
            number = self._last[kind] = self._last.get(kind, 0) + 1
        for part in parts:
            known.setdefault(part, number)
        return f"<{kind}_{number}>"


def masks(text: str) -> Iterator[re.Match[str]]:
    """Our masks in a text."""
    if "<" in text:
        yield from (m for m in PLACEHOLDER.finditer(text) if is_mask(m))


SLOT = "slot:"
"""Prefix under which ids of things are counted, apart from personal data."""


def count_key(kind: str) -> str:
    """The name under which a type is counted.

    >>> count_key("PHONE"), count_key("ORDER")
    ('PHONE', 'slot:ORDER')
    """
    return SLOT + kind if kind in THINGS else kind
