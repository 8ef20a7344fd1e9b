"""Pass 2: the turns of one conversation, redacted with what stands before each of them."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from transforms.redact.cues import asked_for, first_of
from transforms.redact.engine import Context, find_spans
from transforms.redact.names import ARTICLE_BEFORE, plain
from transforms.redact.numbers import ASK_ORDER
from transforms.redact.placeholders import Numbering, Tagger, blank, count_key, masks
from transforms.redact.spans import THINGS, Span, disjoint
from transforms.redact.view import has_any
from transforms.redact.words import COMMON_WORDS

OPEN = frozenset({"NUMBER", "DATE"})
"""Types of pass 1 whose meaning only the question tells."""

_WAITING_CHARS = 60
"""An agent's short remark without a question ("Take your time.") leaves the question open."""

_THING_CHARS = 5
"""Shorter ids occur by chance in other turns."""

_ID = re.compile(r"\w[\w./-]*")
_NAMED = re.compile(r"[^\W\d_][\w'-]{2,30}")


@dataclass(frozen=True, slots=True)
class Spoken:
    """One turn: who says what."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A range of a turn that is masked: by a mask of pass 1, or by a span of pass 2."""

    start: int
    end: int
    type: str
    tag: str | None


def redact_conversation(
    turns: Sequence[Spoken], tagger: Tagger, context: Context | None = None
) -> tuple[list[str], dict[str, int]]:
    """The turns' texts with numbered masks, and how counts a type change against pass 1."""
    found, changes = find_pieces(turns, tagger, context)
    numbering = Numbering()
    texts = [_numbered(t.text, pieces, numbering) for t, pieces in zip(turns, found, strict=True)]
    return texts, {kind: n for kind, n in sorted(changes.items()) if n}


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
    people = {
        part
        for pieces in found
        for p in pieces
        if p.type == "PERSON" and p.tag
        for part in p.tag.split(".")
    }
    things = _values(turns, found)
    whole = []
    for turn, named in zip(turns, found, strict=True):
        pieces = [_as_first_named(turn.text, p, things, changes) for p in named]
        more = [*_named_again(turn.text, people, tagger), *_ids_again(turn.text, things, tagger)]
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
        kind = match["type"]
        if kind in OPEN and turn.role == "customer" and asked:
            new = "DOB" if kind == "DATE" and "DOB" in asked else first_of(asked, ASK_ORDER)
            if new is not None and (kind == "NUMBER" or new == "DOB"):
                changes[kind] -= 1
                changes[count_key(new)] += 1
                kind = new
        pieces.append(Piece(match.start(), match.end(), kind, match["tag"]))
    spans = [
        Piece(s.start, s.end, s.type, tagger.tag(s.type, turn.text[s.start : s.end]))
        for s in find_spans(blank(turn.text), base.of_turn(turn.role, asked))
    ]
    return _together(pieces, spans, changes)


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


def _named_again(text: str, people: set[str], tagger: Tagger) -> Iterator[Piece]:
    """Words with a capital that are part of a name of this conversation, by their tags."""
    if not people:
        return
    for match in _NAMED.finditer(blank(text)):
        if not match[0][0].isupper():
            continue
        word = plain(match[0])
        if word in COMMON_WORDS:
            continue
        if ARTICLE_BEFORE.search(text[max(0, match.start() - 6) : match.start()]):
            continue
        tag = tagger.hash(word)
        if tag in people:
            end = match.end() - (2 if match[0].endswith("'s") else 0)
            yield Piece(match.start(), end, "PERSON", tag)


def _values(turns: Sequence[Spoken], found: Sequence[Sequence[Piece]]) -> dict[str, str]:
    """Ids of things and their types, as written in this conversation."""
    values: dict[str, str] = {}
    for turn, pieces in zip(turns, found, strict=True):
        for piece in pieces:
            value = turn.text[piece.start : piece.end]
            if piece.type in THINGS and len(value) >= _THING_CHARS and "<" not in value:
                values.setdefault(value, piece.type)
    return values


def _as_first_named(
    text: str, piece: Piece, things: dict[str, str], changes: Counter[str]
) -> Piece:
    """An id under the type that its first mention gave it: "order 4711 … reference 4711"."""
    kind = things.get(text[piece.start : piece.end])
    if kind is None or kind == piece.type or piece.type not in THINGS:
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
