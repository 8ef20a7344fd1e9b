"""A mail's body as its author's words and what was cut around them, so that it can be put back.

The words are trained on; the cuts stand beside them (`deskwheel.marks.Cut`). White space is
normalised on both sides, and a cut is an insertion: the words with every cut put in at its place
are the whole body. Greetings and signatures are kept as text, but they are where a mail is densest
in personal data, in forms that pass 1 knows least (names alone in a line, addresses of any
country). So after pass 1 only fixed phrases of the trimmer's tables, masks and punctuation stay.
Quotes (they are mails of their own), disclaimers and what is below the last line that was looked at
are known by kind, place and size; their words are in Kafka for as long as it keeps them.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from deskwheel.marks import Cut, CutKind
from transforms.redact import Masked
from transforms.redact.placeholders import masks
from transforms.trim import trim
from transforms.trim.lines import close_gaps
from transforms.trim.patterns import LANGUAGES, opened_alternatives

MOST_TOLD_CHARS = 2_000
"""A longer greeting or signature is known by its size only."""

_APART = "\n\n"

UNKNOWN = "…"
"""Stands for words of a cut that are no fixed phrase."""

_TOLD: frozenset[CutKind] = frozenset(("greeting", "signature"))
_WORDS_OPTIONAL = re.compile(r"\(\?:[^()]*\.\{[^()]*\)\?")
_ADDRESSED = ("there", "all", "team", "everyone", "together", "zusammen")


def _phrases() -> str:
    """The tables' greetings and closings that hold no words of the author's choice."""
    found = set(_ADDRESSED)
    for phrases in LANGUAGES.values():
        for piece in (*phrases.greeting, *phrases.closing, *phrases.thanks):
            fixed = _WORDS_OPTIONAL.sub("", piece)
            if ".{" not in fixed:
                found.add(fixed)
    return opened_alternatives(found)


# Lower case on both sides: six times as fast as any case.
_FIXED = re.compile(rf"(?<!\w)(?=\w)(?:{_phrases()})(?!\w)")
_RUN = re.compile(r"\w+(?:[^\w\n<>]{1,3}\w+)*")

Redactor = Callable[[str], Masked]


@dataclass(frozen=True, slots=True)
class RawCut:
    """A cut before redaction; not to be stored."""

    kind: CutKind
    at: int
    text: str


class _Line(NamedTuple):
    kind: CutKind | None
    """None is the author's own."""
    text: str


def split_body(
    body: str, normalise: Callable[[str], str], names: tuple[str, ...] = ()
) -> tuple[str, tuple[RawCut, ...]]:
    """The author's words and the cuts; with them put back it is the whole body, normalised.

    Args:
        body: Plain text of a mail.
        normalise: What is done to a line that is kept or told; it must not add line ends.
        names: How the author is called, where the envelope says so.
    """
    parted = _Parted()
    gap: list[_Line] = []
    for line in _lines(body, names):
        is_told = line.kind is None or line.kind in _TOLD
        text = normalise(line.text) if is_told else line.text.strip()
        if line.kind is not None or not text:
            gap.append(_Line(line.kind, text))
            continue
        parted.close(gap, is_last=False)
        parted.say(text)
        gap = []
    parted.close(gap, is_last=True)
    return "".join(parted.words), tuple(parted.cuts)


def restore(words: str, cuts: Sequence[Cut | RawCut]) -> str:
    """The whole body out of its words and cuts; a cut without text shows as its kind and size.

    >>> restore("It broke.", [Cut(kind="quote", at=9, size=40, text=None)])
    'It broke.[quote: 40 characters]'
    """
    parts, position = [], 0
    for cut in cuts:
        parts += [words[position : cut.at], _shown(cut)]
        position = cut.at
    return "".join([*parts, words[position:]])


def settle(
    cuts: Sequence[RawCut], place: Callable[[int], int], redactor: Redactor
) -> tuple[Cut, ...]:
    """The cuts as they are stored.

    Args:
        cuts: As `split_body` found them.
        place: From a place in the words to the one in the redacted words.
        redactor: Pass 1 of redaction for a text of the same author.
    """
    told = [c for c in cuts if c.kind in _TOLD and len(c.text) <= MOST_TOLD_CHARS]
    texts = dict(zip(map(id, told), _redacted([c.text for c in told], redactor), strict=True))
    return tuple(
        Cut(kind=c.kind, at=place(c.at), size=len(c.text), text=texts.get(id(c))) for c in cuts
    )


def _redacted(texts: Sequence[str], redactor: Redactor) -> list[str]:
    """The texts redacted and veiled; in one go, because a call costs more than its characters."""
    if not texts:
        return []
    masked = redactor(_APART.join(texts))
    found, at = [], 0
    for text in texts:
        found.append(veil(masked.text[masked.place(at) : masked.place(at + len(text))]))
        at += len(text) + len(_APART)
    return found


def veil(redacted: str) -> str:
    """A redacted greeting or signature with nothing left but phrases, masks and punctuation.

    >>> veil("Kind regards, <PERSON:abcde>, Head of Kettles, Toytown 5")
    'Kind regards, <PERSON:abcde>, …'
    """
    lower = redacted.lower()
    fixed = _FIXED.finditer(lower) if len(lower) == len(redacted) else ()
    kept = sorted(m.span() for found in (masks(redacted), fixed) for m in found)
    parts, at = [], 0
    for start, end in kept:
        if start >= at:
            parts += [_RUN.sub(UNKNOWN, redacted[at:start]), redacted[start:end]]
            at = end
    return "".join([*parts, _RUN.sub(UNKNOWN, redacted[at:])])


def _shown(cut: Cut | RawCut) -> str:
    if cut.text is not None:
        return cut.text
    assert isinstance(cut, Cut)
    return f"[{cut.kind}: {cut.size} characters]"


def _lines(body: str, names: tuple[str, ...]) -> Iterator[_Line]:
    at = 0
    for cut in trim(body, names).cuts:
        yield from _of_kind(None, body[at : cut.start])
        stretch = body[cut.start : cut.end]
        yield from _of_kind(cut.kind, stretch) if cut.kind in _TOLD else _untold(cut.kind, stretch)
        at = cut.end
    yield from _of_kind(None, body[at:])


def _of_kind(kind: CutKind | None, text: str) -> Iterator[_Line]:
    """The lines of a stretch; a cut takes its last line end along."""
    if text:
        for line in text.removesuffix("\n").split("\n"):
            yield _Line(kind, line)


def _untold(kind: CutKind, text: str) -> Iterator[_Line]:
    """The same in one go where only the size is kept: its lines as one, between empty ones."""
    lines = [line.strip() for line in text.removesuffix("\n").split("\n")]
    filled = [i for i, line in enumerate(lines) if line]
    first, last = (filled[0], filled[-1]) if filled else (len(lines), len(lines))
    yield from [_Line(kind, "")] * first
    if filled:
        yield _Line(kind, close_gaps("\n".join(lines[first : last + 1])))
        yield from [_Line(kind, "")] * (len(lines) - 1 - last)


@dataclass
class _Parted:
    """Words and cuts as far as a body was read."""

    words: list[str] = field(default_factory=list)
    length: int = 0
    cuts: list[RawCut] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Go on with words of the author."""
        self.words.append(text)
        self.length += len(text)

    def close(self, gap: Sequence[_Line], *, is_last: bool) -> None:
        """Go on with the line ends of a gap; what else stood there becomes cuts.

        In the whole body at most one empty line stands between two lines, and so it does in the
        words: they keep `own` line ends of the gap, and the rest goes in at one place among these.
        """
        is_between = bool(self.words) and not is_last
        own = min(2, 1 + sum(line.kind is None for line in gap)) if is_between else 0
        if any(line.kind for line in gap):
            self._cut(_pieces(gap, has_before=bool(self.words), has_after=not is_last), own)
        self.say("\n" * own)

    def _cut(self, pieces: list[tuple[CutKind, str]], own: int) -> None:
        i = 0
        if own:
            # The first piece and the last are line ends; the words keep `own` of them.
            i = min(own, len(pieces[0][1]))
            pieces[0] = (pieces[0][0], pieces[0][1][i:])
            kind, ends = pieces[-1]
            pieces[-1] = (kind, ends[: len(ends) - (own - i)])
        for kind, run in groupby(pieces, key=lambda piece: piece[0]):
            if text := "".join(text for _, text in run):
                self.cuts.append(RawCut(kind, self.length + i, text))


def _pieces(
    gap: Sequence[_Line], *, has_before: bool, has_after: bool
) -> list[tuple[CutKind, str]]:
    """What the whole body has in a gap, line ends included, by the kind it belongs to."""
    kinds: list[CutKind] = [line.kind for line in gap if line.kind is not None]
    current: CutKind = kinds[0] if kinds else "excess"
    pieces: list[tuple[CutKind, str]] = []
    ends = 1 if has_before else 0
    for line in gap:
        if not line.text:
            ends = min(2, ends + 1) if pieces or has_before else 0
            continue
        assert line.kind is not None
        current = line.kind
        pieces += [(pieces[-1][0] if pieces else current, "\n" * ends), (current, line.text)]
        ends = 1
    return [*pieces, (current, "\n" * ends)] if has_after else pieces
