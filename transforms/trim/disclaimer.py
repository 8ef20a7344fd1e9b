"""Which lines of a mail only lawyers wrote."""

import re

from transforms.trim.lines import Lines
from transforms.trim.patterns import SPACELESS, opened_union, union

_NEAR_START = 80
"""Characters of a line in which its legal nature shows; further on, somebody quotes it."""
# Tried where a word begins only, on lower case: six times as fast as anywhere in any case. Where
# words have no spaces between them, only the languages written so are tried, anywhere.
_DISCLAIMER = re.compile(
    rf"(.{{0,{_NEAR_START}}}?)(?<!\w)(?:{opened_union('disclaimer', without=SPACELESS)})"
)
_SPACELESS_DISCLAIMER = re.compile(union("disclaimer", only=SPACELESS))
_PRINTING = re.compile(
    r"\b(?:print(?:ing|en|e)?|(?:aus)?(?:ge)?druck(?:en?|st|t)?|ausdruck\w*|imprim\w+|stamp(?:a|ar|i)\w*"
    r"|afdruk\w*)\b"
)
_MAIL = re.compile(
    r"\b(?:(?:this|diese[rns]?|cet?|este|esta|quest[oa]|deze|dit|il presente|la presente) )"
    r"(?:e-?)?(?:mail|message|nachricht|page|document|courriel|mensaje|correo|mensagem|messaggio"
    r"|bericht)\b"
)
_SPARING = re.compile(
    r"\b(?:environment|planet|trees?|paper|green|earth|umwelt|papier|b[äa]ume?|environnement|arbres?"
    r"|planète|medio ?ambiente|[áa]rbol(?:es)?|papel|ambiente|carta|alber[oi]|milieu|bo(?:om|men)"
    r"|unless|only if|really (?:have|need|must)|necessary|nötig|notwendig|nécessaire|necesario"
    r"|necessário|necessario|nodig)\b"
)
_SELF = re.compile(
    r"\b(?:i|my|me|we|our|ich|mein\w*|wir|je|j|mon|ma|nous|yo|mi|eu|meu|io|mio|ik|mijn)\b"
)
"""Whoever speaks of themselves says more than not to print."""
_MOST_NOTE = 200
_LONGEST = 280
"""Characters that a pattern sees."""


def mark_disclaimers(lines: Lines) -> None:
    """Mark each disclaimer: the first paragraph alone, a later one with all below it."""
    for segment in lines.segments():
        for place, i in enumerate(segment):
            if not lines.bare[i] or not _begins_disclaimer(lines, segment, place):
                continue
            if place:
                lines.mark(segment[place:], "disclaimer")
                break
            lines.mark(_paragraph(lines, segment), "disclaimer")


def mark_print_notes(lines: Lines) -> None:
    """Mark a last paragraph that asks for nothing but to print the mail only if need be.

    By three word classes in whatever order, as such notes have no form in common; looked for below
    an empty line only, where a customer's own words seldom are of all three.
    """
    for segment in lines.segments():
        start = _last_paragraph(lines, segment)
        text = " ".join(lines.bare[i] for i in segment[start:]).lower()
        if start and len(text) <= _MOST_NOTE and _is_print_note(text):
            lines.mark(segment[start:], "disclaimer")


def _is_print_note(text: str) -> bool:
    found = all(pattern.search(text) for pattern in (_PRINTING, _MAIL, _SPARING))
    return found and _SELF.search(text) is None


def _last_paragraph(lines: Lines, segment: list[int]) -> int:
    """Place where it begins in a segment, which ends in a filled line; 0 where there is but one."""
    return next((p + 1 for p in reversed(range(len(segment))) if not lines.bare[segment[p]]), 0)


def _paragraph(lines: Lines, segment: list[int]) -> list[int]:
    """The first paragraph, where something stands below it."""
    end = next((place for place, i in enumerate(segment) if not lines.bare[i]), 0)
    return segment[:end]


def _begins_disclaimer(lines: Lines, segment: list[int], place: int) -> bool:
    # A mail program may have wrapped it: the sign can stand in the lines below.
    text = " ".join(lines.bare[i] for i in segment[place : place + 3])[:_LONGEST].lower()
    own = len(lines.bare[segment[place]])
    found = _DISCLAIMER.match(text)
    if found is not None:
        return found.end(1) <= own
    found = None if text.isascii() else _SPACELESS_DISCLAIMER.search(text)
    return found is not None and found.start() <= min(_NEAR_START, own)
