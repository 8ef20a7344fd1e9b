"""Which lines of a mail end it without saying anything: closing, name, contact block, phone's line.

Runs after the quotes are marked, on each segment of the author's own lines. Tables give closings
and the first words of a mail program's line; a contact block is known by its shape.
"""

import re

from transforms.trim.lines import Lines, is_rule
from transforms.trim.patterns import CAPITAL, opened_union, union, whole_line

_DELIMITER = re.compile(r"^(?:--|—|––|—-|--\s*--|_{2,}|—{2,}|─{3,}|-{20,})$")
# On lower case: several times as fast as in any case.
_MOBILE = re.compile(rf"^[\W_]{{0,3}}(?:{union('mobile')})")
_DEVICE = re.compile(
    r"(?<![a-z])(?:i-?phon|i-?pad|i-?pod|android|blackberry|samsung|galaxy|huawei|xiaomi|redmi|"
    r"pixel|windows|smartphone|mobile|handy|outlook|yahoo|gmail|thunderbird|proton ?mail)|"
    r"(?:mail |-)app\b|手机|手機|スマートフォン|телефон|яндекс|هاتف",
    re.IGNORECASE,
)
_PHONE_SYSTEM = re.compile(r"\b(?:ios|android|iphone|ipad|mobile)\b", re.IGNORECASE)
_LINK = re.compile(r"<?\b(?:https?://|www\.|mailto:)[^\s<>]{1,300}>?|[<>\[\]]")
_CLAUSE = re.compile(r",(?! an? | [A-Z])")
_ASIDE = re.compile(
    rf"(?:\s?[.,;:!–—-]{{1,3}}\s{{0,3}}|\s)(?:{union('aside')})(?!\w).{{0,60}}$", re.IGNORECASE
)
_MOST_MOBILE_WORDS = 11
_SENTENCE_WORDS = 5
_MOST_MOBILE_CHARS = 90

_PARTICLE = r"(?:de|da|van|von|der|del|la|le|[&]|und|and|y|e|et|en)"
_NAMED = rf"(?:,? (?:from )?(?-i:{CAPITAL}(?: (?:{CAPITAL}|{_PARTICLE})){{0,4}}))"
"""A name in the closing's own line: `Best, Robin`, never `Best case it comes late`."""
_JOINT = r"(?:,?\s?[/|&+,]\s?|\s(?:and|n|und|et|y|e|en|och|og)\s)"
_CLOSINGS, _THANKINGS = union("closing"), union("thanks")
_CLOSING = whole_line(
    rf"[\W_]{{0,3}}(?:(?:{_CLOSINGS})(?:{_JOINT}(?:{_CLOSINGS}|{_THANKINGS})){{0,2}}{_NAMED}?"
    rf"|(?:{_THANKINGS})(?:(?:{_JOINT}(?:{_CLOSINGS})){{1,2}}{_NAMED}?|,{_NAMED}))[\W_]{{0,4}}"
)
_MAY_CLOSE = re.compile(rf"[\W_]{{0,3}}(?:{opened_union('closing')}|{opened_union('thanks')})")
"""How those begin, on lower case: most lines are told apart by it, several times as fast."""
_TEAM = re.compile(
    r"^(?:(?:your|the|ihr|euer|dein|votre|ton|l['’]|el|tu|su|il|a|het|uw|je)\b[ '’]?"
    r"(?:[\w&.'’-]+ ){0,3}(?:[\w&.'’-]+-)?(?:team|équipe|equipo|equip[ea])(?: [\w&.'’-]+){0,3},?"
    r"|(?:[\w&.'’-]+ ){1,3}(?:team|équipe|equipo|equip[ea]),)$",
    re.IGNORECASE,
)
"""A team that signs, above the name of one of them: `Your Acme team,`."""
_THANKS = whole_line(rf"(?:{_THANKINGS})[\W_]{{0,4}}")
_HANGING = re.compile(rf"^{CAPITAL}(?: [^\W\d_][\w'’-]{{0,14}}){{0,4}},$")
"""A short line that ends in a comma: a formula in words of its own, where a name follows."""
_ENDED = (".", "!", "?", ")", ">", "…")
"""How the words end under which such a line stands; "I ordered:" has a list below it."""
_TAIL = 10
"""Lines that may follow a closing formula: name, title, company, address, numbers."""
_LONGEST_TAIL_LINE = 75

_DASHED_NAME = re.compile(
    r"^[-–—~/]{1,2}\s?[^\W\d_][\w.'’-]{0,20}(?: [^\W\d_][\w.'’-]{0,20}){0,2}$"
)
_PERSON = re.compile(
    r"^[*_]{0,2}[A-ZÀ-ÞĀ-ŽА-Я][\w.'’-]{1,24}"
    r"(?: (?:[A-ZÀ-ÞĀ-ŽА-Я][\w.'’-]{0,24}|de|da|van|von|der|del)){1,4}[*_,]{0,3}$"
)
_SIGNED = re.compile(
    r"^[*_]{0,2}[^\W\d_][\w.'’-]{0,24}(?: [^\W\d_][\w.'’-]{0,24}){0,3}[,.*_]{0,3}$"
)
"""A name as people sign; nicknames and initials are often small."""
_FEWEST_SIGNED = 2
_POSTSCRIPT = re.compile(r"(?:P\.?\s?){1,2}S\.?(?:[:,.–—-]|\s)|[Pp]s:")
"""In all these languages it is the Latin one, and stands below the name."""
_PHONE = re.compile(r"(?:\+|\(|\b)\d[\d ()./-]{6,20}\d\b")
_PARTED = re.compile(r"\s[|•·‧/]\s")
_FEWEST_PARTS = 2
_CONTACT_LABEL = re.compile(
    r"^(?:t(?:el|ele(?:ph|f)on\w{0,4}|él)?|ph(?:one)?|m(?:ob(?:ile|il)?)?|cell|fax|f|e(?:-?mail)?|w(?:eb)?|"
    r"direct|office|handy|portable|móvil|celular|telemóvel|cell(?:ulare)?|skype|linkedin|twitter)"
    r"\s?[.:：|]",
    re.IGNORECASE,
)
_REACH = re.compile(r"@[\w-]{1,60}\.[\w.-]{2,40}|\bwww\.|https?://")
_MOST_CONTACT_LINES = 8
_FEWEST_CONTACT_SIGNS = 2


def mark_signatures(lines: Lines, names: tuple[str, ...] = ()) -> None:
    """Mark what ends each segment; the author's very first line stays whatever it looks like.

    Args:
        lines: The mail, its quotes marked.
        names: How the author is called, where the envelope says so.
    """
    segments = list(lines.segments())
    for number, segment in enumerate(segments):
        first = 0 if number else 1
        for find in (_delimited, _by_program):
            begin = find(lines, segment, first)
            if begin is not None:
                lines.mark(segment[begin:], "signature")
                segment = _filled(lines, segment[:begin])  # noqa: PLW2901  the rest of it
        if number in {0, len(segments) - 1}:
            _mark_endings(lines, segment, names, first)


def _filled(lines: Lines, segment: list[int]) -> list[int]:
    end = len(segment)
    while end and not lines.bare[segment[end - 1]]:
        end -= 1
    return segment[:end]


def _delimited(lines: Lines, segment: list[int], first: int) -> int | None:
    """Place of a signature delimiter (RFC 3676, section 4.3) and its look-alikes."""
    for place, i in enumerate(segment):
        if place >= first and _DELIMITER.match(lines.bare[i]):
            rest = [lines.bare[j] for j in segment[place + 1 :] if lines.bare[j]]
            if lines.bare[i] == "--" or _is_tail(rest):
                return place
    return None


def _by_program(lines: Lines, segment: list[int], first: int) -> int | None:
    """Place of the line that a phone or a mail program adds by itself."""
    for place, i in enumerate(segment):
        bare = lines.bare[i]
        if place < first or not is_program_line(bare):
            continue
        around = [segment[p] for p in (place - 1, place + 1) if 0 <= p < len(segment)]
        if _DEVICE.search(bare) or _ASIDE.search(bare) or not any(lines.bare[j] for j in around):
            return place
    return None


def is_program_line(bare: str) -> bool:
    """Whether a line says which device or program a mail was written with, and nothing else."""
    if not bare or len(bare) > _MOST_MOBILE_CHARS * 3:
        return False
    text = _LINK.sub("", bare).strip() if "<" in bare or "/" in bare or "[" in bare else bare
    lower = text.lower()
    if not _MOBILE.match(lower) and not ("outlook" in lower and _PHONE_SYSTEM.search(text)):
        return False
    text = _ASIDE.sub("", text)
    if len(text) > _MOST_MOBILE_CHARS or len(text.split()) > _MOST_MOBILE_WORDS:
        return False
    is_sentence = text.endswith(("?", ":")) or ". " in text.rstrip(" .!")
    return not is_sentence and _CLAUSE.search(text) is None


def _mark_endings(lines: Lines, segment: list[int], names: tuple[str, ...], first: int) -> None:
    """Mark what ends a segment, and what ended it before a postscript was added."""
    place = next((p for p in range(1, len(segment)) if _is_postscript(lines, segment[p])), None)
    if place is not None:
        _mark_ending(lines, _filled(lines, segment[:place]), names, first)
        segment, first = segment[place:], 1
    _mark_ending(lines, segment, names, first)


def _is_postscript(lines: Lines, i: int) -> bool:
    return _POSTSCRIPT.match(lines.bare[i]) is not None


def _mark_ending(lines: Lines, segment: list[int], names: tuple[str, ...], first: int) -> None:
    """Mark closing formula, dashed name, contact block or the author's own name at the end.

    `first` is the place from which that may begin: the mail's very first line stays.
    """
    for find in (_drawn_line, _closing, _contact_block, _dashed_name, _own_name):
        begin = find(lines, segment, names) if segment else None
        if begin is not None and begin >= first:
            lines.mark(segment[begin:], "signature")
            segment = _filled(lines, segment[:begin])


def _drawn_line(lines: Lines, segment: list[int], _: tuple[str, ...]) -> int | None:
    """Place of the first of the drawn lines under which nothing stands."""
    found = None
    for place in range(len(segment) - 1, 0, -1):
        bare = lines.bare[segment[place]]
        if bare and not is_rule(bare):
            break
        found = place if bare else found
    return found


def _closing(lines: Lines, segment: list[int], names: tuple[str, ...]) -> int | None:
    """Place of a closing formula that only a name and the like follow."""
    filled = [place for place, i in enumerate(segment) if lines.bare[i]]
    for place in filled[-_TAIL - 1 :]:
        bare = lines.bare[segment[place]]
        is_team = place and not lines.bare[segment[place - 1]] and _TEAM.match(bare)
        if len(bare) > _LONGEST_TAIL_LINE:
            continue
        rest = [lines.bare[i] for i in segment[place + 1 :] if lines.bare[i]]
        if _is_hanging(lines, segment, place, rest, names):
            return place
        if not (is_team or _MAY_CLOSE.match(bare.lower())):
            continue
        if ((is_team and rest) or _is_closing(bare, rest)) and (_is_tail(rest) or _is_signed(rest)):
            return place
    return None


def _is_hanging(
    lines: Lines, segment: list[int], place: int, rest: list[str], names: tuple[str, ...]
) -> bool:
    """Whether a short line with a comma, below an empty one, is followed by a name or by nothing.

    Whatever its words and language: `Ever grateful,` above the author's name.
    """
    is_apart = place > 1 and not lines.bare[segment[place - 1]]
    if not is_apart or not _HANGING.match(lines.bare[segment[place]]):
        return False
    if not rest:
        return True
    known = {name.split()[0].casefold() for name in names if name.strip()}
    first = rest[0].split()[0].strip(",.*_").casefold()
    above = next(lines.bare[i] for i in reversed(segment[:place]) if lines.bare[i])
    is_signed = _SIGNED.match(rest[0]) is not None and rest[0][0].isupper()
    return first in known or (is_signed and above.endswith(_ENDED) and _is_tail(rest))


def _is_closing(bare: str, rest: list[str]) -> bool:
    is_thanks = _THANKS.match(bare) and (rest or _is_short(bare))
    return bool(is_thanks or _CLOSING.match(bare))


def _is_signed(rest: list[str]) -> bool:
    """Whether the name under a closing is followed by a drawn line, or by itself in full.

    Then what comes below is a signature however long it is: titles, links, advertisements.
    """
    if len(rest) < _FEWEST_SIGNED or not _SIGNED.match(rest[0]):
        return False
    if is_rule(rest[1]) or is_rule(rest[min(2, len(rest) - 1)]):
        return _is_tail([bare for bare in rest[:2] if not is_rule(bare)])
    name, full = (text.strip(" ,.*_").casefold() for text in rest[:2])
    return full != name and full.startswith(f"{name} ") and _PERSON.match(rest[1]) is not None


def _is_short(bare: str) -> bool:
    """Whether thanks under which no name stands is a formula (`Thanks,`), not a sentence."""
    return bare.endswith((",", "，")) or (bare[-1].isalpha() and len(bare.split()) <= 1)


def _is_tail(rest: list[str]) -> bool:
    """Whether lines could stand under a closing formula: few, short, no sentence of a letter."""
    if len(rest) > _TAIL:
        return False
    return all(
        len(bare) <= _LONGEST_TAIL_LINE and not bare.endswith("?") and not _is_sentence(bare)
        for bare in rest
    )


def _is_sentence(bare: str) -> bool:
    """Whether a line reads like prose: several words, the last with a full stop, few capitals."""
    words = bare.split()
    if len(words) < _SENTENCE_WORDS or _CONTACT_LABEL.match(bare) or _REACH.search(bare):
        return False
    small = sum(word[0].islower() for word in words)
    return small * 2 > len(words) and (bare[-1] in ".!:," or words[0][0].isupper())


def _dashed_name(lines: Lines, segment: list[int], _: tuple[str, ...]) -> int | None:
    """Place of `-Robin` or `/Robin` in the last line, below something else."""
    if not segment[1:] or not _DASHED_NAME.match(lines.bare[segment[-1]]):
        return None
    above = lines.bare[segment[-2]]
    is_list = bool(above) and above[0] in "-–—~/*"
    return None if is_list else len(segment) - 1


def _contact_block(lines: Lines, segment: list[int], _: tuple[str, ...]) -> int | None:
    """Place of a block of a name and ways to reach it, set off by an empty line."""
    tail = [place for place, i in enumerate(segment) if lines.bare[i]][-_MOST_CONTACT_LINES:]
    signs = 0
    for place in reversed(tail):
        bare = lines.bare[segment[place]]
        if place and not lines.bare[segment[place - 1]] and _is_card(bare):
            return place
        if len(bare) > _LONGEST_TAIL_LINE or _is_sentence(bare) or place == 0:
            return None
        is_set_off = not lines.bare[segment[place - 1]]
        if signs and is_set_off and _PERSON.match(bare):
            above = [lines.bare[i] for i in segment[:place] if lines.bare[i]]
            is_listed = above[-1].endswith((":", "："))
            return None if is_listed or signs < _FEWEST_CONTACT_SIGNS else place
        signs += bool(_CONTACT_LABEL.match(bare) or _PHONE.search(bare) or _REACH.search(bare))
    return None


def _is_card(bare: str) -> bool:
    """Whether one line holds name and ways to reach it: `Robin Toy | Acme | +44 … | www.…`."""
    parts = _PARTED.split(bare)
    if len(parts) <= _FEWEST_PARTS or _PERSON.match(parts[0]) is None:
        return False
    signs = sum(bool(_PHONE.search(part) or _REACH.search(part)) for part in parts)
    return signs >= _FEWEST_CONTACT_SIGNS


def _own_name(lines: Lines, segment: list[int], names: tuple[str, ...]) -> int | None:
    """Place of the author's name alone in the last line."""
    bare = lines.bare[segment[-1]].strip(" ,.-–—~*/").casefold()
    known = {part.casefold() for name in names for part in (name, *name.split()[:1])}
    return len(segment) - 1 if bare and bare in known else None
