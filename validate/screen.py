"""Which rows a rule on a text must look at: a quick look at all of them that misses none.

Java's matcher, which decides, tries every pattern at every character: the shipped rules took it 0.6
milliseconds a row. RE2 looks for all patterns of a column at once, in time linear in the text; what
it does not know (looking around, references back, word boundaries) is left out of a pattern, which
then finds more, never less. Rows in which it finds nothing break no rule. Of what a text must hold
RE2 looks for less than Java would take, and a length is first told by bytes, which Arrow knows.
Source: Cox 2010, "Regular Expression Matching in the Wild" (RE2, and its filters before a match).

Pure functions over patterns and Arrow arrays; reads and writes no table.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import LongType

MOST_RULES = 63
"""Rules of one column that are screened: as many as a signed 64-bit number has bits to spare."""

_LEAST = 16
"""Repetitions are counted up to this; RE2's automaton would need a state for each."""
_FOLDED = r"\x{17F}\x{212A}"
"""RE2 takes these for s and k where case is ignored, and so for letters of a word."""
_BREAK = r"[\n\r\x{85}\x{2028}\x{2029}]"
_TOKEN = re.compile(
    r"(?P<escape>\\(?:x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{2}|[pP](?:\{\w+\}|[A-Z])|[\s\S]))"
    r"|(?P<set>\[\^?(?:\\(?:x\{\w+\}|[\s\S])|[^\]\\])+\])"
    r"|(?P<around>\(\?<?[=!])"
    r"|(?P<flags>\(\?[a-zA-Z-]+\))"
    r"|(?P<open>\((?:\?(?:[a-zA-Z-]*:|>|<\w+>))?)"
    r"|(?P<close>\))"
    r"|(?P<times>(?:[*+?]|\{\d+(?:,\d*)?\})[?+]?)"
    r"|(?P<anchor>[\^$])"
    r"|(?P<or>\|)"
    r"|(?P<char>[\s\S])"
)
_STRANGE_ESCAPES = frozenset("QEGhHvVRXNkcCue0")
_KNOWN_FLAGS = frozenset("ims-")
"""The others, and those escapes, mean something else to RE2, or nothing."""
_PLAIN_SET = r"\[((?:\\[dw]|[^\]\[\\^])+)\]"
_NOT_BEFORE = re.compile(rf"\(\?!{_PLAIN_SET}\)\Z")
_NOT_AFTER = re.compile(rf"\A\(\?<!{_PLAIN_SET}\)(?!.*\|)")
"""Ends of a pattern that must not stand beside some characters: they stand beside another one."""


_SAME = re.compile(r"(?:\\[Az]|\\p\{L\}|\(\?:|[)|]|[A-Za-z0-9 :,;_@#%&=<>/'\"-]|\{\d+\})*")
"""What RE2 reads as Java does, once a letter is one of ASCII: their Unicode is of another year."""
_STARTS_OTHERWISE = re.compile(r"\\A\(\?!(.*)\)", re.DOTALL)
_CHAR_BYTES = 4
"""Of a character in UTF-8 at most."""


@dataclass(frozen=True)
class Look:
    """What is looked for in a column's texts; those that pass break the rule for certain not.

    A text passes if none of `forbidden` is found in it, all of `wanted` are, and its size is in
    `sizes`.
    """

    column: str
    forbidden: tuple[str, ...] = ()
    """Patterns of RE2, as those of `wanted`."""
    wanted: tuple[str, ...] = ()
    sizes: range | None = None
    """In bytes."""


class _Strange(Exception):
    """The pattern holds something of which it is not sure what RE2 makes of it."""


def loosen(pattern: str) -> str | None:
    r"""A pattern of RE2 that is found wherever Java finds this one; None where none is known.

    >>> loosen(r"(?<!\d)\b(\d{3})-\1(?!\d)")
    '(?:\\d{3})-(?s:.*)'
    >>> loosen(r"a*") is None
    True
    """
    plain = pattern
    if not pattern.startswith("(?i"):
        plain = _NOT_AFTER.sub(r"(?:\\A|[^\1])", _NOT_BEFORE.sub(r"(?:[^\1]|\\z)", pattern))
    try:
        found = "".join(_loosened(plain))
        is_in_all = bool(pc.match_substring_regex(pa.array([""]), found)[0].as_py())
    except (_Strange, pa.ArrowInvalid):
        return None
    return None if is_in_all else found


def tighten(pattern: str) -> str | None:
    r"""A pattern of RE2 that is found only where Java finds this one; None where none is known.

    >>> tighten(r"\p{L}{2}")
    '[A-Za-z]{2}'
    >>> tighten(r".+") is None
    True
    """
    if not _SAME.fullmatch(pattern):
        return None
    tight = pattern.replace(r"\p{L}", "[A-Za-z]")
    try:
        pc.match_substring_regex(pa.array([""]), tight)
    except pa.ArrowInvalid:
        return None
    return tight


def look_for_none(column: str, patterns: Sequence[str]) -> Look | None:
    """The look of a rule that is broken where one of some patterns is found, if there is one."""
    forbidden, wanted = [], []
    for pattern in patterns:
        if loose := loosen(pattern):
            forbidden.append(loose)
        elif (other := _STARTS_OTHERWISE.fullmatch(pattern)) and (start := tighten(other[1])):
            wanted.append(rf"\A(?:{start})")
        else:
            return None
    return Look(column, tuple(forbidden), tuple(wanted))


def look_for(column: str, pattern: str) -> Look | None:
    """The look of a rule that is broken where a pattern is not found, if there is one."""
    tight = tighten(pattern)
    return None if tight is None else Look(column, wanted=(tight,))


def look_at_length(column: str, least: int, most: int) -> Look:
    """The look of a rule that is broken by lengths outside of these, in characters."""
    return Look(column, sizes=range(_CHAR_BYTES * least, most + 1))


def screen_columns(looks: Mapping[str, Look]) -> dict[str, Column]:
    """Rule id → column that is false where the rule's look says that it is not broken.

    Those beyond `MOST_RULES` of a column have none. Nor has a column of which only sizes are looked
    at: sending its texts to where Arrow is costs more. Texts must be UTF-8.
    """
    of_column: dict[str, dict[str, Look]] = {}
    for rule, look in looks.items():
        kept = of_column.setdefault(look.column, {})
        if len(kept) < MOST_RULES:
            kept[rule] = look
    columns: dict[str, Column] = {}
    for name, kept in of_column.items():
        if not any(look.forbidden or look.wanted for look in kept.values()):
            continue
        suspected = _screening(tuple(kept.values()))(name)
        for number, rule in enumerate(kept):
            columns[rule] = suspected.bitwiseAND(F.lit(1 << number)) != 0
    return columns


def suspect(texts: pa.Array, looks: Sequence[Look]) -> pa.Array:
    """`int64[texts]`, bit n of which is 0 where a text passes look n; 0 for null.

    One look finds the texts with any of the forbidden patterns; only those are asked for each.
    """
    found = np.zeros(len(texts), np.int64)
    forbidden = {n: _any_of(look.forbidden) for n, look in enumerate(looks) if look.forbidden}
    if forbidden:
        rows = np.flatnonzero(_is_found(texts, _any_of([*forbidden.values()])))
        some = texts.take(pa.array(rows))
        for number, pattern in forbidden.items():
            found[rows[_is_found(some, pattern)]] |= np.int64(1 << number)
    for number, look in enumerate(looks):
        for pattern in look.wanted:
            found[~_is_found(texts, pattern)] |= np.int64(1 << number)
        if look.sizes is not None:
            found[~_is_sized(texts, look.sizes)] |= np.int64(1 << number)
    if texts.null_count:
        found[texts.is_null().to_numpy(zero_copy_only=False)] = 0
    return pa.array(found)


def _screening(looks: tuple[Look, ...]) -> Callable[[str], Column]:
    def screened(texts: pa.Array) -> pa.Array:
        return suspect(texts, looks)

    return F.arrow_udf(screened, LongType())  # type: ignore[call-overload]


def _is_sized(texts: pa.Array, sizes: range) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    found = pc.fill_null(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False)
    return np.asarray((found >= sizes.start) & (found < sizes.stop), np.bool_)


def _is_found(texts: pa.Array, pattern: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    found = pc.fill_null(pc.match_substring_regex(texts, pattern), False)
    return np.asarray(found.to_numpy(zero_copy_only=False), np.bool_)


def _any_of(patterns: Sequence[str]) -> str:
    return "|".join(f"(?:{p})" for p in patterns)


def _loosened(pattern: str) -> Iterator[str]:
    tokens = [(str(m.lastgroup), m.group()) for m in _TOKEN.finditer(pattern)]
    folds = any(kind in ("flags", "open") and "i" in text for kind, text in tokens)
    depth, around, is_gone = 0, 0, True
    for place, (kind, text) in enumerate(tokens):
        opens, closes = kind in ("open", "around"), kind == "close"
        if around or kind == "around":
            around += opens - closes
            is_gone = True
            continue
        depth += opens - closes
        if kind == "times":
            loose = "" if is_gone else _times(text)
        elif kind == "anchor":
            loose = _anchor(tokens, place, depth)
        else:
            loose = _atom(kind, text, folds=folds)
        is_gone = not loose
        yield loose


def _atom(kind: str, text: str, *, folds: bool) -> str:
    if kind == "escape":
        return _escape(text, folds=folds)
    if kind == "set":
        return _set(text, folds=folds)
    if kind in ("flags", "open") and not _flags_of(text) <= _KNOWN_FLAGS:
        raise _Strange
    if kind == "open" and not text.endswith(":"):
        return "(?:"
    return text


def _flags_of(text: str) -> set[str]:
    """Letters of `(?i)` or `(?i:`; none of a group with a name or without anything."""
    return set(text.strip("(?:)")) if text[:3] != "(?<" else set()


def _escape(text: str, *, folds: bool) -> str:
    if text[1] in _STRANGE_ESCAPES or (folds and text[1] == "P"):
        raise _Strange
    if folds and text == r"\W":
        return rf"[\W{_FOLDED}]"
    if text in (r"\b", r"\B"):
        return ""
    if text == r"\s":
        return r"[\s\x0B]"
    if text == r"\Z":
        return ""
    return "(?s:.*)" if text[1].isdigit() else text


def _set(text: str, *, folds: bool) -> str:
    """A class of characters; in one that excludes, RE2 must not exclude more than Java."""
    plain = re.sub(r"\\(?:x\{\w+\}|[\s\S])", "", text)
    escapes = {e[1] for e in re.findall(r"\\[\s\S]", text)}
    is_odd = "[" in plain[1:] or "&&" in plain or escapes & _STRANGE_ESCAPES
    excludes = text.startswith("[^")
    holds_letters = bool(escapes & set("wpPx") or re.search("[A-Za-z]", plain))
    if is_odd or (folds and "P" in escapes):
        raise _Strange
    if excludes and ("S" in escapes or (folds and holds_letters)):
        raise _Strange
    more = _FOLDED if folds and "W" in escapes and not excludes else ""
    return text.replace(r"\s", r"\s\x0B")[:-1] + more + "]"


def _times(text: str) -> str:
    if not text.startswith("{"):
        return text[0]
    least, comma, _ = text.strip("?+")[1:-1].partition(",")
    count = min(int(least), _LEAST)
    if not comma and int(least) == count:
        return f"{{{count}}}"
    return f"{{{count},}}" if count else "*"


def _anchor(tokens: Sequence[tuple[str, str]], place: int, depth: int) -> str:
    """An anchor as a character that it stands at, where nothing else of the pattern needs that."""
    if depth:
        return ""
    if tokens[place][1] == "^":
        before = [t for t in tokens[:place] if t[0] != "flags"]
        return rf"(?:\A|{_BREAK})" if not before or before[-1][0] == "or" else ""
    after = tokens[place + 1 :]
    return rf"(?:\z|{_BREAK})" if not after or after[0][0] == "or" else ""
