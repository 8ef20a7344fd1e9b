"""Regular expressions of one kind of phrase over all languages.

A mail does not say which language its quotes and signatures are in, so every language is tried at
once. Each entry of the tables is a piece of a regular expression without unbounded repetition.
Adding a language is adding an entry to `transforms.trim.more_languages`.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import fields

from transforms.trim import languages, more_languages, romance
from transforms.trim.phrases import Phrases

LANGUAGES: dict[str, Phrases] = {
    **languages.LANGUAGES,
    **romance.ROMANCE,
    **more_languages.MORE_LANGUAGES,
}

_FIRST_LETTER = re.compile(r"[^\W_](?![?*+{])")
_INNERMOST_GROUP = re.compile(r"\([^()]*\)")

CAPITAL = r"(?![a-zß-öø-ÿа-яёα-ωά-ώ])[^\W\d_][\w.'’-]{0,25}"
"""A word that begins with no small letter."""

SPACELESS = frozenset({"ja", "zh", "ko", "th"})
"""Languages that put no spaces between words, or none before endings."""


def union(field: str, *, only: Collection[str] = LANGUAGES, without: Collection[str] = ()) -> str:
    """Alternatives of one field over the languages; see `alternatives`."""
    assert field in {f.name for f in fields(Phrases)}
    chosen = [LANGUAGES[name] for name in only if name not in without]
    found = {piece for phrases in chosen for piece in getattr(phrases, field)}
    return alternatives(found)


def alternatives(pieces: Iterable[str]) -> str:
    """Pieces of a regular expression as alternatives, those that begin with one letter together.

    Of one letter the longest is tried first. Hundreds of alternatives in a row are tried one by one
    at each place of a text; told apart by the letter there, it is a tenth of them.

    >>> alternatives(["dear", "hi", "hello", "(?:good )?day"])
    '(?:good )?day|d(?:ear)|h(?:ello|i)'
    """
    tails: dict[str, list[str]] = {}
    others = []
    for piece in sorted(pieces, key=lambda piece: (-len(piece), piece)):
        if _FIRST_LETTER.match(piece) and "|" not in _without_groups(piece):
            tails.setdefault(piece[0], []).append(piece[1:])
        else:
            others.append(piece)
    return "|".join(others + [f"{head}(?:{'|'.join(tails[head])})" for head in sorted(tails)])


def _without_groups(piece: str) -> str:
    bare = _INNERMOST_GROUP.sub("", piece)
    return bare if bare == piece else _without_groups(bare)


def whole_line(body: str) -> re.Pattern[str]:
    """A line of nothing but `body`, whatever its case."""
    return re.compile(rf"^(?:{body})$", re.IGNORECASE)
