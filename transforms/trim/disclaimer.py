"""Which lines of a mail only lawyers wrote."""

import re

from transforms.trim.lines import Lines
from transforms.trim.patterns import SPACELESS, union

# Tried where a word begins only, on lower case: six times as fast as anywhere in any case. Where
# words have no spaces between them, only the languages written so are tried, anywhere.
_DISCLAIMER = re.compile(rf"(?<!\w)(?:{union('disclaimer', without=SPACELESS)})")
_SPACELESS_DISCLAIMER = re.compile(union("disclaimer", only=SPACELESS))
_NEAR_START = 80
"""Characters of a line in which its legal nature shows; further on, somebody quotes it."""
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


def _paragraph(lines: Lines, segment: list[int]) -> list[int]:
    """The first paragraph, where something stands below it."""
    end = next((place for place, i in enumerate(segment) if not lines.bare[i]), 0)
    return segment[:end]


def _begins_disclaimer(lines: Lines, segment: list[int], place: int) -> bool:
    # A mail program may have wrapped it: the sign can stand in the lines below.
    text = " ".join(lines.bare[i] for i in segment[place : place + 3])[:_LONGEST].lower()
    found = _DISCLAIMER.search(text) or (
        None if text.isascii() else _SPACELESS_DISCLAIMER.search(text)
    )
    return found is not None and found.start() <= min(_NEAR_START, len(lines.bare[segment[place]]))
