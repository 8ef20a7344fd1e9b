"""Patterns in lower case for texts in lower case: what `re.IGNORECASE` says, at half its cost.

Without that flag the engine passes over an alternative by its first letter; with it, it has to try
each one. Pure; reads and writes no table.
"""

import re

_ODD = {ord("\u0130"): "i", ord("\u0131"): "i", ord("\u017f"): "s"}
"""Letters that equal a plain one under `re.IGNORECASE` and stay, or lengthen, when lowered."""


def lowered(text: str) -> str:
    """The text in lower case, as long as it was.

    >>> lowered("It WORKS"), len(lowered("\u0130zmir"))
    ('it works', 5)
    """
    return text.lower() if text.isascii() else text.translate(_ODD).lower()


def any_of(*alternatives: str) -> re.Pattern[str]:
    """A pattern that is one of the alternatives, for a text of `lowered`.

    Raises:
        ValueError: an alternative has a capital letter, which no such text has.
    """
    source = "|".join(alternatives)
    if any(c.isupper() for c in re.sub(r"\\.", "", source)):
        raise ValueError(f"a pattern for lower-case text has a capital letter: {source}")
    return re.compile(f"(?:{source})")
