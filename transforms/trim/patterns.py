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
_OPTIONAL_LETTER = re.compile(r"([^\W_]| )\?(?![?+])")
_PLAIN_CLASS = re.compile(r"\[([^\W_]+)\](?![*+{])")
_PART = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
"""What a piece consists of where only its brackets and bars count: signs, and classes whole."""
_QUANTIFIERS = ("*", "+", "{", "??", "?+")

CAPITAL = r"(?![a-zß-öø-ÿа-яёα-ωά-ώ])[^\W\d_][\w.'’-]{0,25}"
"""A word that begins with no small letter."""

SPACELESS = frozenset({"ja", "zh", "ko", "th"})
"""Languages that put no spaces between words, or none before endings."""


def union(field: str, *, only: Collection[str] = LANGUAGES, without: Collection[str] = ()) -> str:
    """Alternatives of one field over the languages; see `alternatives`."""
    return alternatives(_pieces(field, only, without))


def opened_union(field: str, *, without: Collection[str] = ()) -> str:
    """The same for a pattern that many lines are tried with; see `opened_alternatives`."""
    return opened_alternatives(_pieces(field, LANGUAGES, without))


def _pieces(field: str, only: Collection[str], without: Collection[str]) -> set[str]:
    assert field in {f.name for f in fields(Phrases)}
    chosen = [LANGUAGES[name] for name in only if name not in without]
    return {piece for phrases in chosen for piece in getattr(phrases, field)}


def alternatives(pieces: Iterable[str]) -> str:
    """Pieces of a regular expression as alternatives, those that begin with one letter together.

    Of one letter the longest is tried first. Hundreds of alternatives in a row are tried one by one
    at each place of a text; told apart by the letter there, it is a tenth of them.

    >>> alternatives(["dear", "hi", "hello", "(?:good )?day"])
    '(?:good )?day|d(?:ear)|h(?:ello|i)'
    """
    return "|".join(_told_apart(_ordered(pieces)))


def opened_alternatives(pieces: Iterable[str]) -> str:
    """`alternatives` in which a piece that begins with a choice is told apart by letter, too.

    It matches the same, as a choice becomes several pieces in its order; only a piece that begins
    with neither (`.{1,10} …`) is tried before all others. Twice as fast where few texts match, but
    the pattern is two to three times as long, and takes as much longer to compile.

    >>> opened_alternatives(["dear", "hi", "hello", "(?:good )?day"])
    'd(?:ay|ear)|g(?:ood day)|h(?:ello|i)'
    """
    return "|".join(_told_apart([head for piece in _ordered(pieces) for head in _opened(piece)]))


def _ordered(pieces: Iterable[str]) -> list[str]:
    """The longest first, but what begins with a letter behind all that does not."""
    return sorted(pieces, key=lambda piece: (_is_lettered(piece), -len(piece), piece))


def _told_apart(pieces: list[str]) -> list[str]:
    """The pieces with those of one first letter as one, in which they keep their order."""
    tails: dict[str, list[str]] = {}
    others = []
    for piece in pieces:
        if _is_lettered(piece):
            tails.setdefault(piece[0], []).append(piece[1:])
        else:
            others.append(piece)
    return others + [f"{head}(?:{'|'.join(tails[head])})" for head in sorted(tails)]


def _is_lettered(piece: str) -> bool:
    return _FIRST_LETTER.match(piece) is not None and len(_split(piece)) == 1


def _opened(piece: str) -> list[str]:
    """Pieces that together match what one does, in the same order, none beginning with a group.

    >>> _opened("(?:(?:many |my )?thanks|ta)!"), _opened("[cv]?a")
    (['many thanks!', 'my thanks!', 'thanks!', 'ta!'], ['ca', 'va', 'a'])
    """
    whole = _split(piece)
    if len(whole) > 1:
        return [head for one in whole for head in _opened(one)]
    found = _first_choice(piece)
    if found is None:
        return [piece]
    choices, rest = found
    return [head for choice in choices for head in _opened(choice + rest)]


def _first_choice(piece: str) -> tuple[list[str], str] | None:
    """What a piece may begin with, in the order in which it is tried, and what follows it."""
    if letter := _OPTIONAL_LETTER.match(piece):
        return [letter[1], ""], piece[letter.end() :]
    if letters := _PLAIN_CLASS.match(piece):
        choices, rest = list(letters[1]), piece[letters.end() :]
    elif piece.startswith("(?:"):
        end = _group_end(piece)
        choices, rest = _split(piece[3 : end - 1]), piece[end:]
    else:
        return None
    if rest.startswith(_QUANTIFIERS):
        return None
    return ([*choices, ""], rest[1:]) if rest.startswith("?") else (choices, rest)


def _group_end(piece: str) -> int:
    """Where the group ends that a piece begins with."""
    depth = 0
    for part in _PART.finditer(piece):
        depth += (part[0] == "(") - (part[0] == ")")
        if not depth:
            return part.end()
    raise ValueError(f"a group is not closed in the pattern {piece!r}")


def _split(piece: str) -> list[str]:
    """The alternatives that a piece consists of.

    >>> _split("a(?:b|c)|[|]d")
    ['a(?:b|c)', '[|]d']
    """
    depth, found = 0, [""]
    for part in _PART.findall(piece):
        depth += (part == "(") - (part == ")")
        if part == "|" and not depth:
            found.append("")
        else:
            found[-1] += part
    return found


def whole_line(body: str) -> re.Pattern[str]:
    """A line of nothing but `body`, whatever its case."""
    return re.compile(rf"^(?:{body})$", re.IGNORECASE)
