"""Which lines of a mail are an earlier mail: `>` marks, attributions, header blocks, dividers.

The shapes are those of mail programs, not of languages: see `transforms.trim.attribution`; a header
block is a run of `Label: value` lines with two kinds of labels; a divider is words between dashes.
Only verbs, labels and the words of dividers come from `transforms.trim.patterns`.
"""

import re

from transforms.trim.attribution import (
    ADDRESS,
    DATE,
    OPENER,
    is_attribution,
    is_bare_attribution,
    may_end_attribution,
)
from transforms.trim.lines import Lines, is_marked, is_rule
from transforms.trim.patterns import opened_union, union, whole_line

_SENTENCE_END = (".", "!", "?", ":", ";")
_LONGEST_ATTRIBUTION = 360
_MOST_WRAPS = 3

_LABEL = re.compile(r"^[\W_]{0,6}([^\W\d_](?:[^\W\d_]|[ '’.-]){0,24}?)\s?\**\s?[:：]\s?\**(?!//)")
_LABELS = {name: whole_line(union(name)) for name in ("sender", "sent", "receiver", "subject")}
_BLOCK_SPAN = 10
"""Lines that a header block may take: five labels and as many wrapped values."""
_FEWEST_LABELS = 2
"""Kinds of labels in a header block that names its sender; without a sender it takes one more."""
_OUTLOOK_RULE = 10
_STAMPED = re.compile(
    r"[^\n]{1,100}\n{1,2}[^\n:]{1,30}:[^\n]{0,40}(?:"
    r"(?:19|20)\d\d[^\n]{0,20}\d{1,2}[:.]\d\d|\d{1,2}[:.]\d\d[^\n]{0,20}(?:19|20)\d\d)"
)
"""A second line with year and clock time: it names no address, but people do not label that."""
_SUBJECT_INSIDE = re.compile(rf"\s(?:{union('subject')})\s?[:：]\s", re.IGNORECASE)

_ORIGINAL = opened_union("original")
_DIVIDER = re.compile(
    rf"^[-_=*~—–>#\s]{{0,60}}(?:{_ORIGINAL})\s?:?[-_=*~—–<#\s]{{0,60}}$", re.IGNORECASE
)
_TWO_SIGNS = re.compile(r"\W{2}")
_WORDS_IN_RULES = re.compile(r"^[-_=]{3,60}\s?[^-_=]{2,60}?\s?[-_=]{3,60}$")
_REPLY_ABOVE = re.compile(
    rf"^\W{{2,30}}.{{0,60}}?(?:{union('above_line')}).{{0,20}}\W{{2}}$|"
    rf"^\W{{0,30}}(?:{union('reply_above')}).{{0,60}}$|^[-=#_ ]{{3,40}}reply above",
    re.IGNORECASE,
)
_LONG_QUOTED = 60
"""A mail program wraps lines longer than this, and the rest then stands without a mark."""
_LONGEST_REST = 80
_WORD = re.compile(r"\w")
_LINK_THEN_MARK = re.compile(r"^[<(\[]https?://\S{1,300}[>)\]]\s?>$")
_OPEN_LINK = re.compile(r"[<(\[]https?://[^\s<>()\[\]]{1,300}$")
_LINK_REST = re.compile(r"^[^\s<>()\[\]]{1,300}[>)\]][.,;:]?$")


def mark_quotes(lines: Lines) -> None:
    """Mark every line that belongs to an earlier mail, and keep answers between them."""
    i, end = 0, len(lines.bare)
    bare, kinds = lines.bare, lines.kinds
    while i < end:
        if is_marked(bare[i]):
            kinds[i] = "quote"
            i += 1
            continue
        start, after = _quote_at(lines, i)
        if after is None:
            i += 1
            continue
        lines.mark(range(_with_rules_above(lines, start), after), "quote")
        below = lines.next_filled(after)
        if below < end and is_marked(bare[below]):
            i = after
            continue
        if _is_all_there_is(lines, start):
            # The quote lost its marks, or somebody forwards without a word: the rest is the mail.
            i = below
            continue
        lines.mark(range(after, end), "quote")
        break
    _mark_wrapped(lines)


def _is_all_there_is(lines: Lines, start: int) -> bool:
    """Whether nothing of the author's stands above a quote."""
    return not any(
        lines.bare[i] and lines.kinds[i] is None and not is_rule(lines.bare[i])
        for i in range(start)
    )  # fmt: skip


def _quote_at(lines: Lines, i: int) -> tuple[int, int | None]:
    """First line of a quote's introduction that is recognised at `i`, and the line after."""
    if not lines.bare[i]:
        return i, None
    if start := _attribution(lines, i):
        return start[0], i + 1
    if after := _header_block(lines, i):
        return i, after
    return i, _divider(lines, i)


def _attribution(lines: Lines, i: int) -> tuple[int] | None:
    """The line where an attribution begins that ends at line `i`."""
    last = lines.bare[i]
    if is_bare_attribution(last) and _is_above_mark(lines, i):
        return (i,)
    if not may_end_attribution(last):
        return None
    is_above_mark = _is_above_mark(lines, i)
    text, found = last, None
    for begin in range(i, max(-1, i - _MOST_WRAPS - 1), -1):
        bare = lines.bare[begin]
        if begin < i:
            if not bare or lines.kinds[begin] or bare.endswith(_SENTENCE_END):
                break
            text = f"{bare} {text}"
        if len(text) > _LONGEST_ATTRIBUTION:
            break
        is_addressed = begin < i and lines.bare[begin + 1].startswith("<")
        begins = OPENER.match(bare) and (DATE.search(bare) or is_addressed)
        if found is not None and not begins:
            continue
        is_paragraph = begin == 0 or not lines.bare[begin - 1] or is_rule(lines.bare[begin - 1])
        if is_attribution(text, is_above_mark=is_above_mark, is_paragraph=is_paragraph):
            found = begin
    return None if found is None else (found,)


def _is_above_mark(lines: Lines, i: int) -> bool:
    below = lines.next_filled(i + 1)
    return below < len(lines.bare) and is_marked(lines.bare[below])


def _label(bare: str) -> str | None:
    """Kind of label that a line begins with."""
    if ":" not in bare and "：" not in bare:
        return None
    found = _LABEL.match(bare)
    if found is None:
        return None
    word = found[1].strip(" *_").lower()
    return next((kind for kind, known in _LABELS.items() if known.match(word)), None)


def _header_block(lines: Lines, i: int) -> int | None:
    """The line after a block of mail headers that begins at `i`."""
    if _label(lines.bare[i]) is None:
        return None
    labels: set[str] = set()
    after, has_sign = i, False
    for j in range(i, min(i + _BLOCK_SPAN, len(lines.bare))):
        bare = lines.bare[j]
        label = _label(bare)
        if not bare and _label_follows(lines, j):
            # What turned HTML into text set its lines apart.
            after = j + 1
            continue
        if label is None and (not bare or j - after > 1):
            break
        if label is not None:
            labels.add(label)
            after = j + 1
            has_sign = has_sign or label == "subject" or bool(_SUBJECT_INSIDE.search(bare))
        has_sign = has_sign or ADDRESS.search(bare) is not None
    if _STAMPED.match("\n".join(lines.bare[i:after])) and _is_set_off(lines, i, after):
        return after
    enough = _FEWEST_LABELS if "sender" in labels else _FEWEST_LABELS + 1
    return after if has_sign and len(labels) >= enough else None


def _is_set_off(lines: Lines, i: int, after: int) -> bool:
    """Whether a block of sender, time and receiver stands alone between empty lines."""
    labels = [_label(bare) for bare in lines.bare[i:after] if bare]
    ends = lines.bare[i - 1 : i] + lines.bare[after : after + 1]
    return labels[:3] == ["sender", "sent", "receiver"] and not any(ends)


def _label_follows(lines: Lines, i: int) -> bool:
    """Whether the line below an empty one begins with a label of mail headers."""
    return i + 1 < len(lines.bare) and _label(lines.bare[i + 1]) is not None


def _divider(lines: Lines, i: int) -> int | None:
    """The line after a divider that begins a quote at `i`."""
    bare = lines.bare[i]
    if _REPLY_ABOVE.match(bare):
        return i + 1
    if _is_drawn(bare) and _DIVIDER.match(bare):
        below = lines.next_filled(i + 1)
        after = _header_block(lines, below) if below < len(lines.bare) else None
        return after or i + 1
    if not (_WORDS_IN_RULES.match(bare) or _is_outlook_rule(bare)):
        return None
    below = lines.next_filled(i + 1)
    return _unknown_block(lines, below) if below < len(lines.bare) else None


def _is_drawn(bare: str) -> bool:
    """Whether a line, not empty, begins or ends with two signs, or ends with a colon."""
    if bare[-1] in ":：" or _TWO_SIGNS.match(bare):
        return True
    return _TWO_SIGNS.match(bare, max(0, len(bare) - 2)) is not None


def _is_outlook_rule(bare: str) -> bool:
    return len(bare) >= _OUTLOOK_RULE and not bare.strip("_-=")


def _unknown_block(lines: Lines, i: int) -> int | None:
    """The line after a header block in a language that no table knows, under a drawn line."""
    rows = lines.bare[i : i + _BLOCK_SPAN]
    labelled = [_LABEL.match(row) is not None for row in rows]
    count = labelled.index(False) if False in labelled else len(rows)
    text = "\n".join(rows[:count])
    is_block = count > _FEWEST_LABELS and ADDRESS.search(text) and DATE.search(text)
    return i + count if is_block else None


def _with_rules_above(lines: Lines, start: int) -> int:
    """The first of the empty and drawn lines that stand above a quote."""
    begin = start
    for i in range(start - 1, -1, -1):
        if lines.kinds[i] or (lines.bare[i] and not is_rule(lines.bare[i])):
            break
        begin = i
    return begin


def _mark_wrapped(lines: Lines) -> None:
    """Mark the unmarked rests of quoted lines: `> … est viverra` / `quis.` / `> …`."""
    for i in range(1, len(lines.bare) - 1):
        if lines.kinds[i] or not lines.bare[i]:
            continue
        above, bare, below = lines.bare[i - 1 : i + 2]
        if not (is_marked(above) and is_marked(below)):
            continue
        is_rest = len(above) >= _LONG_QUOTED and not above.endswith(("?", "!"))
        if (
            (is_rest and bare[0].islower() and len(bare) <= _LONGEST_REST)
            or not _WORD.search(bare)
            or _closes_link(above, bare)
        ):
            lines.mark([i], "quote")


def _closes_link(above: str, bare: str) -> bool:
    """Whether a line is the rest of a link in brackets, with the quote's mark behind it or not."""
    if _LINK_THEN_MARK.match(bare):
        return True
    return _OPEN_LINK.search(above) is not None and _LINK_REST.match(bare) is not None
