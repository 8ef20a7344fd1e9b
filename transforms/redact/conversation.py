"""Pass 2: the turns of one conversation, redacted with what stands before each of them."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from transforms.redact.cues import asked_for, cue_before, first_of
from transforms.redact.echoes import OPEN, Echoes, Told, told_in
from transforms.redact.engine import Context, find_spans
from transforms.redact.numbers import ASK_ORDER
from transforms.redact.placeholders import Numbering, Tagger, blank, count_key, masks
from transforms.redact.spans import THINGS, Piece, Span, disjoint
from transforms.redact.view import has_any

_WAITING_CHARS = 60
"""An agent's short remark without a question ("Take your time.") leaves the question open."""

_PLACES = frozenset({"POSTCODE", "ADDRESS"})
_THING_CHARS = 5
"""Shorter ids occur by chance in other turns."""

_ID = re.compile(r"\w[\w./-]*")


@dataclass(frozen=True, slots=True)
class Spoken:
    """One turn: who says what."""

    role: str
    text: str


def redact_conversation(
    turns: Sequence[Spoken], tagger: Tagger, context: Context | None = None
) -> tuple[list[str], dict[str, int]]:
    """The turns' texts with numbered masks, and how counts a type change against pass 1."""
    found, changes = find_pieces(turns, tagger, context)
    numbering = Numbering(_full_names(found))
    texts = [_numbered(t.text, pieces, numbering) for t, pieces in zip(turns, found, strict=True)]
    return texts, {kind: n for kind, n in sorted(changes.items()) if n}


def _full_names(found: Sequence[Sequence[Piece]]) -> Iterator[str]:
    return (p.tag for pieces in found for p in pieces if p.type == "PERSON" and p.tag)


def find_pieces(
    turns: Sequence[Spoken], tagger: Tagger, context: Context | None = None
) -> tuple[list[list[Piece]], Counter[str]]:
    """What is masked in each turn, in order, and how counts a type change against pass 1."""
    base = context or Context()
    changes: Counter[str] = Counter()
    found = [
        _pieces(turn, asked, tagger, base, changes)
        for turn, asked in zip(turns, questions(turns), strict=True)
    ]
    told = told_in([turn.text for turn in turns], found)
    echoes = Echoes(told, tagger)
    things = _values(turns, found)
    whole = []
    for turn, named in zip(turns, found, strict=True):
        pieces = [
            _retyped(piece, _told_type(turn.text, piece, things, told), changes) for piece in named
        ]
        more = echoes.find(turn.text)
        if things:
            more += _ids_again(turn.text, things, tagger)
        whole.append(_together(pieces, more, changes))
    return whole, changes


def questions(turns: Sequence[Spoken]) -> Iterator[frozenset[str]]:
    """For each turn the types that the agent's last words before it asked for."""
    asked: frozenset[str] = frozenset()
    for turn in turns:
        yield asked
        if turn.role in ("agent", "bot"):
            now = asked_for(turn.text)
            is_waiting = not now and "?" not in turn.text and len(turn.text) < _WAITING_CHARS
            asked = asked if is_waiting else now


def _pieces(
    turn: Spoken, asked: frozenset[str], tagger: Tagger, base: Context, changes: Counter[str]
) -> list[Piece]:
    pieces = []
    for match in masks(turn.text):
        piece = Piece(match.start(), match.end(), match["type"], match["tag"])
        if turn.role == "customer" and asked:
            piece = _retyped(piece, _asked_type(turn.text, piece, asked), changes)
        pieces.append(piece)
    spans = [
        Piece(s.start, s.end, s.type, tagger.tag(s.type, turn.text[s.start : s.end]))
        for s in find_spans(blank(turn.text), base.of_turn(turn.role, asked))
    ]
    return _together(pieces, spans, changes)


def _asked_type(text: str, piece: Piece, asked: frozenset[str]) -> str:
    """The type that a question gives to a mask of pass 1, if that type was open or suspected."""
    if piece.type == "DATE":
        return "DOB" if "DOB" in asked else "DATE"
    is_suspected = (
        piece.type == "POSTCODE"
        and asked.isdisjoint(_PLACES)
        and cue_before(text.lower(), piece.start) != "POSTCODE"
    )
    if piece.type != "NUMBER" and not is_suspected:
        return piece.type
    return first_of(asked, ASK_ORDER) or piece.type


def _together(pieces: Sequence[Piece], more: Sequence[Piece], changes: Counter[str]) -> list[Piece]:
    """The pieces and those of `more` that overlap none of them; the new ones are counted."""
    if not more:
        return list(pieces)
    taken = [Span(p.start, p.end, p.type, 0) for p in pieces]
    extra = {(p.start, p.end, p.type): p for p in more}
    chosen = disjoint([*taken, *(Span(*key) for key in extra)])
    old = {(p.start, p.end, p.type): p for p in pieces}
    result = []
    for span in chosen:
        key = (span.start, span.end, span.type)
        if key not in old:
            changes[count_key(span.type)] += 1
        result.append(old[key] if key in old else extra[key])
    return result


def _values(turns: Sequence[Spoken], found: Sequence[Sequence[Piece]]) -> dict[str, str]:
    """Ids of things and their types, as written in this conversation."""
    values: dict[str, str] = {}
    for turn, pieces in zip(turns, found, strict=True):
        for piece in pieces:
            value = turn.text[piece.start : piece.end]
            if piece.type in THINGS and len(value) >= _THING_CHARS and "<" not in value:
                values.setdefault(value, piece.type)
    return values


def _told_type(text: str, piece: Piece, things: dict[str, str], told: Told) -> str:
    """The type that another mention gives a piece: "order 4711 … reference 4711 … yes, 4711"."""
    if piece.type in OPEN and piece.tag:
        return told.types.get(piece.tag, piece.type)
    if piece.type in THINGS:
        return things.get(text[piece.start : piece.end], piece.type)
    return piece.type


def _retyped(piece: Piece, kind: str, changes: Counter[str]) -> Piece:
    """The piece under a type, and the counts with it."""
    if kind == piece.type:
        return piece
    changes[count_key(piece.type)] -= 1
    changes[count_key(kind)] += 1
    return replace(piece, type=kind)


def _ids_again(text: str, things: dict[str, str], tagger: Tagger) -> Iterator[Piece]:
    if not has_any(text, things):
        return
    for match in _ID.finditer(text):
        value = match[0].rstrip("./-")
        if value in things:
            kind = things[value]
            yield Piece(match.start(), match.start() + len(value), kind, tagger.tag(kind, value))


def _numbered(text: str, pieces: Sequence[Piece], numbering: Numbering) -> str:
    parts, at = [], 0
    for piece in pieces:
        parts += [text[at : piece.start], numbering.mask(piece.type, piece.tag)]
        at = piece.end
    return "".join([*parts, text[at:]])
