"""Whether a line introduces a quoted mail: `On …, Robin wrote:` in the forms of mail programs.

The shapes are those of programs, not of languages: an attribution names two of a date, an address
and a verb of writing and ends with them. Only verbs, and words that are no names, come from tables.
"""

import re

from transforms.trim.patterns import union

DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d(?!\d)|\d{1,2}[:.hH]\d\d(?!\d)|\d{1,2}[./-]\d{1,2}[./-]\d{2}(?!\d))"
)
ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]{1,80}@[^\s<>()\[\]\"',;:]{1,80}")
OPENER = re.compile(r"^\W{0,6}(?:[^\W\d_]{1,12}\.?,?\s{1,3}){0,3}\d")
"""How an attribution begins that names its date first."""
VERBS = union("wrote")
_VERB_CHARS = 30
"""Longest verb with what may follow it in its line."""

_VERB = re.compile(rf"(?<![^\W_])(?:{VERBS})(?![^\W\d_])", re.IGNORECASE)
_VERB_CJK = re.compile(r"写道|寫道|写到|のメール|のメッセージ|書きました|작성|썼습니다")
_ENDS_IN_VERB = rf"(?:{VERBS})\s?[:：]?\s?-{{0,6}}$"
_VERB_LAST = re.compile(_ENDS_IN_VERB, re.IGNORECASE)
_LOWER_VERB_LAST = re.compile(_ENDS_IN_VERB)
"""For every line: on lower case it is several times as fast as in any case."""
_ENCLOSED_ADDRESS = re.compile(
    r"[<(\[][^\s<>()\[\]]{1,80}@[^\s<>()\[\]]{1,80}[>)\]]|<[^\s<>@]{1,80}@|&lt;"
)
"""Nobody writes an address in brackets into a sentence that ends in a colon."""
_ADDRESS_LAST = re.compile(r"@[^\s:]{1,80}\s*[>\])]{0,3}\s*[:：]$")
_ADDRESS_THEN_VERB = re.compile(rf"@[^\s@]{{1,80}}\s(?:{VERBS})\s", re.IGNORECASE)
_CLOCK = r"(?<!\d)\d{1,2}[:.hH]\d\d(?::\d\d)?(?!\d)"
_HAS_CLOCK = re.compile(_CLOCK)
_ZONE = re.compile(
    r"^\W{0,3}(?:(?:[AaPp]\.?\s?[Mm]\b\.?|[Uu]hr\b|[+-]\d{4}|[A-Z]{2,5}(?:[+-]\d{1,2}(?::\d\d)?)?"
    r"(?![\w])|\([A-Z]{2,5}\))\W{0,3}){0,3}"
)
"""What may stand between a clock time and the name: `AM`, `Uhr`, `+0200`, `CEST`."""
_DATE_BEGINS = re.compile(
    r"^\W{0,3}(?:\d{4}[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4})\b"
)
_NAME_EDGE = " \t,.:：\"'()-–—"
_VERB_FIRST = re.compile(rf"^(?:{VERBS})(?![^\W\d_])", re.IGNORECASE)
_NO_NAME = re.compile(rf"^(?:{union('no_name')})(?![^\W_])", re.IGNORECASE)
_YOU = "you"
_MOST_NAME_WORDS = 6
_NAME_VERB_CLOCK = re.compile(
    rf"^\W{{0,3}}(\S{{1,40}}(?:\s\S{{1,40}}){{0,4}}?)\s(?:{VERBS})\s(?:\S{{1,14}}\s){{1,8}}"
    rf"{_CLOCK}\s?(?:uhr\b|h\b|[ap]m\b)?\s?[:：]$",
    re.IGNORECASE,
)


def may_end_attribution(bare: str) -> bool:
    """Whether a line, not empty, ends like an attribution: cheap, asked of every line."""
    return bare[-1] in ":：-" or ends_in_verb(bare)


def ends_in_verb(text: str) -> bool:
    """Whether a text ends with a verb of writing, a colon behind it or not."""
    return _LOWER_VERB_LAST.search(text[-_VERB_CHARS:].lower()) is not None


def is_attribution(text: str, *, is_above_mark: bool, is_paragraph: bool) -> bool:
    """Whether a text, wrapped lines joined, is an attribution.

    Args:
        text: What ends as `may_end_attribution` says.
        is_above_mark: The next line that is not empty carries the sign for quoted text.
        is_paragraph: It begins the mail or stands below an empty or drawn line.
    """
    has_verb = bool(_VERB.search(text) or _VERB_CJK.search(text))
    has_date = DATE.search(text) is not None
    if ADDRESS.search(text) and _names_address(text, has_verb=has_verb, has_date=has_date):
        return True
    if not has_verb:
        return False
    return is_above_mark or (has_date and _names_person(text, is_paragraph=is_paragraph))


def _names_address(text: str, *, has_verb: bool, has_date: bool) -> bool:
    is_enclosed = _ENCLOSED_ADDRESS.search(text) is not None
    is_last = _ADDRESS_LAST.search(text) is not None
    if has_verb and (is_enclosed or is_last or ends_in_verb(text)):
        return True
    if has_verb and has_date and _ADDRESS_THEN_VERB.search(text):
        return True
    return has_date and (is_enclosed or (is_last and OPENER.match(text) is not None))


def _names_person(text: str, *, is_paragraph: bool) -> bool:
    """Whether a text with verb and date names its author where mail programs do.

    `Your colleague`, `I` and the like are no names: who writes so quotes by hand, or does not.
    """
    if (found := _NAME_VERB_CLOCK.match(text)) is not None:
        return _NO_NAME.match(found[1]) is None
    if OPENER.match(text) is None:
        return False
    if _VERB_CJK.search(text):
        return is_paragraph
    name = _name_behind_date(text)
    if not name or len(name.split()) > _MOST_NAME_WORDS or _NO_NAME.match(name):
        return False
    if _HAS_CLOCK.search(text):
        return True
    return is_paragraph and (name.lower() == _YOU or any(w[0].isupper() for w in name.split()))


def _name_behind_date(text: str) -> str:
    """What an attribution says behind its date beside the verb, if the verb is first or last."""
    tail = text[max(found.end() for found in DATE.finditer(text)) :]
    clock = _HAS_CLOCK.match(tail.lstrip())
    tail = _ZONE.sub("", tail.lstrip()[clock.end() :] if clock else tail).lstrip(_NAME_EDGE)
    if (found := _VERB_FIRST.match(tail)) or (found := _VERB_LAST.search(tail)):
        return (tail[: found.start()] + tail[found.end() :]).strip(_NAME_EDGE)
    return ""


def is_bare_attribution(bare: str) -> bool:
    """Whether a line right above a marked quote is one without verb and colon: `2026/3/2 R <…>`."""
    return (
        bare[-1] in ">)"
        and _DATE_BEGINS.match(bare) is not None
        and _ENCLOSED_ADDRESS.search(bare) is not None
    )
