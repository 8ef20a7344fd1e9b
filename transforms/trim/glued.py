"""Lines in which a mail program's words stand behind others without a line end, taken apart.

Phones and programs that flatten HTML write `Thanks! On 2 Mar 2026 at 10:00, Robin <…> wrote:`,
`---- Original message ----From: …` and `… wrote:> quoted`. The trimmer works on lines: left in one
piece, the author's words would go with the quote or the quote would stay.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from transforms.trim.attribution import (
    ADDRESS,
    DATE,
    VERBS,
    ends_in_verb,
    is_attribution,
    may_end_attribution,
)
from transforms.trim.lines import LONGEST_LINE, is_marked
from transforms.trim.patterns import union

_OPENERS = union("on_date")
_OPENING = re.compile(
    rf"(?:\s|[-–—]{{2,6}}\s?)(?=[A-ZÎÅ])(?=(?:{_OPENERS})\s(?:[^\W\d_]{{1,12}}\.?,?\s{{1,3}}){{0,3}}\d)"
)
"""Where an attribution may begin behind other words. Case counts: `on Monday` is no beginning."""
_ONLY_OPENER = re.compile(rf"\W{{0,6}}(?:{_OPENERS})\W{{0,3}}", re.IGNORECASE)
_DRAWN_ORIGINAL = re.compile(
    rf"(?<![-_=*])[-_=*]{{3,60}}+\s?(?:{union('original')})\s?[-_=*]{{3,60}}+", re.IGNORECASE
)
_ADDRESS_VERB = re.compile(rf"[>)\]]\s?(?:{VERBS})\s?[:：](?=\s?\S)", re.IGNORECASE)
_COLON_MARK = re.compile(r"[:：](?=\s?>)")
_SIGN = re.compile(r"\d|[-_=*]{3}")
_ASCII_SIGN = re.compile(r"[0-9_=*-](?:(?<=[0-9])|(?<=[_=*-])[_=*-]{2})")
"""The same, four times as fast."""
_WORD = re.compile(r"\w")
_MOST_WRAPS = 2
_MOST_OPENINGS = 3
"""Places of a line that are tried; who writes `On 1 On 1 On 1 …` gets no more of our time."""
_SHORTEST = 30
"""Characters of a line; none of these forms is shorter."""


def take_apart(raw: Sequence[str]) -> Iterator[str]:
    """The lines, with their line ends, in the same order; a glued one as two or three pieces."""
    for i, line in enumerate(raw):
        # Most lines end here: short, quoted, or without what every one of the forms has.
        if len(line) < _SHORTEST or line[0] == ">" or not _has_sign(line):
            yield line
        else:
            yield from _pieces(line, raw[i + 1 : i + 1 + _MOST_WRAPS])


def _has_sign(line: str) -> bool:
    return (_ASCII_SIGN if line.isascii() else _SIGN).search(line) is not None


def _pieces(line: str, below: Sequence[str]) -> Iterator[str]:
    head = line[:LONGEST_LINE]
    if is_marked(head.lstrip()):
        yield line
        return
    drawn = _DRAWN_ORIGINAL.search(head)
    if drawn is not None:
        yield from _cut(line, drawn.start(), drawn.end())
        return
    start = _attribution_start(head, below)
    yield from _cut(line, start, _attribution_end(head, start) or len(line))


def _cut(line: str, *places: int) -> Iterator[str]:
    """The pieces of a line; what has no words on it stays with its neighbour."""
    at = 0
    for place in places:
        if _WORD.search(line[at:place]) and _WORD.search(line[place:]):
            yield line[at:place]
            at = place
    yield line[at:]


def _attribution_start(head: str, below: Sequence[str]) -> int:
    """Where behind other words an attribution begins that ends here or just below; else 0."""
    for found in islice(_OPENING.finditer(head), _MOST_OPENINGS):
        before, text = head[: found.start()], head[found.end() :].strip()
        if not _WORD.search(before) or _ONLY_OPENER.fullmatch(before):
            continue
        if _is_one(text, below):
            return found.start()
    return 0


def _attribution_end(head: str, start: int) -> int:
    """Where one ends before other words: behind its address and verb, or before a mark; or 0."""
    found = _ADDRESS_VERB.search(head, start)
    if found is None:
        found = _COLON_MARK.search(head, start)
        if found is None or not ends_in_verb(head[: found.end()]):
            return 0
    return found.end() if DATE.search(head, start, found.end()) else 0


def _is_one(text: str, below: Sequence[str]) -> bool:
    """Whether a text is an attribution, alone, with the lines below, or with a quote behind it."""
    if end := _attribution_end(text, 0):
        return _names_its_author(text[:end])
    for wrapped in ("", *below):
        if wrapped and not wrapped.strip():
            return False
        text = f"{text} {wrapped.strip()}".strip()[:LONGEST_LINE]
        if may_end_attribution(text):
            return _names_its_author(text)
    return False


def _names_its_author(text: str) -> bool:
    return (
        DATE.search(text) is not None
        and (ADDRESS.search(text) is not None or ":" in text[:-1])
        and is_attribution(text, is_above_mark=False, is_paragraph=False)
    )
