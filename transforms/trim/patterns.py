"""Regular expressions of one kind of phrase over all languages.

A mail does not say which language its quotes and signatures are in, so every language is tried at
once. Each entry of the tables is a piece of a regular expression without unbounded repetition.
Adding a language is adding an entry to `transforms.trim.more_languages`.
"""

import re
from collections.abc import Collection
from dataclasses import fields

from transforms.trim import languages, more_languages, romance
from transforms.trim.phrases import Phrases

LANGUAGES: dict[str, Phrases] = {
    **languages.LANGUAGES,
    **romance.ROMANCE,
    **more_languages.MORE_LANGUAGES,
}

SPACELESS = frozenset({"ja", "zh", "ko", "th"})
"""Languages that put no spaces between words, or none before endings."""


def union(field: str, *, only: Collection[str] = LANGUAGES, without: Collection[str] = ()) -> str:
    """Alternatives of one field over the languages, the longest first."""
    assert field in {f.name for f in fields(Phrases)}
    chosen = [LANGUAGES[name] for name in only if name not in without]
    found = {piece for phrases in chosen for piece in getattr(phrases, field)}
    return "|".join(sorted(found, key=lambda piece: (-len(piece), piece)))


def whole_line(body: str) -> re.Pattern[str]:
    """A line of nothing but `body`, whatever its case."""
    return re.compile(rf"^(?:{body})$", re.IGNORECASE)
