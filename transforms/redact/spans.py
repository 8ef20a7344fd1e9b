"""Pieces of a text that hold personal data or the id of a thing, and their types."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PERSONAL = frozenset(
    {
        "EMAIL", "PHONE", "CARD", "SSN", "SSN_LAST4", "IBAN", "IP", "DOB", "ADDRESS", "POSTCODE",
        "PERSON", "ACCOUNT", "PASSWORD", "USERNAME", "LICENSE", "PASSPORT", "NUMBER", "DATE",
    }
)  # fmt: skip
"""Types of personal data. NUMBER and DATE are answers whose question is not known (yet)."""

THINGS = frozenset(
    {"ORDER", "INVOICE", "TRACKING", "TICKET", "BOOKING", "CLAIM", "POLICY", "REFERENCE"}
)
"""Ids of things: no personal data, and slots that a model must copy instead of remember."""

KEPT = "KEPT"
"""Type of a number that is content: a price, a model number, a date of purchase."""

SUM = "SUM"
"""What words such as "paid" make of a short number beside them; a long one is no price."""


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) of a text are of a type.

    `rank` decides between overlapping spans: the lower one stays, then the longer one.
    """

    start: int
    end: int
    type: str
    rank: int = 5


@dataclass(frozen=True, slots=True)
class Piece:
    """A range of a turn that is masked: by a mask of pass 1, or by a span of pass 2."""

    start: int
    end: int
    type: str
    tag: str | None


def disjoint(spans: Iterable[Span]) -> list[Span]:
    """Spans without overlaps, in the order of the text: rank decides, then length.

    Quadratic only in the overlaps of one place: accepted spans are kept sorted.
    """
    spans = list(spans)
    if len(spans) <= 1:
        return [span for span in spans if span.start < span.end]
    chosen: list[Span] = []
    taken = bytearray()
    for span in sorted(spans, key=lambda s: (s.rank, s.start - s.end, s.start)):
        if span.end > len(taken):
            taken.extend(bytes(span.end - len(taken)))
        if span.start >= span.end or 1 in taken[span.start : span.end]:
            continue
        taken[span.start : span.end] = b"\x01" * (span.end - span.start)
        chosen.append(span)
    return sorted(chosen, key=lambda s: s.start)


def replace_spans(text: str, spans: Sequence[Span], masks: Sequence[str]) -> str:
    """The text with each span (sorted, disjoint) replaced by the mask of the same index."""
    parts, at = [], 0
    for span, mask in zip(spans, masks, strict=True):
        parts += [text[at : span.start], mask]
        at = span.end
    return "".join([*parts, text[at:]])
