"""Text with personal data replaced by typed masks, in two passes and without a model.

Pass 1 (`redact_turn`) runs on each turn before its first durable write. It knows the turn alone,
and for a call the turns before it: of a chat message it cannot know what was asked. So it masks
what has a form (mail addresses, cards, telephone numbers, …), what a word beside it names ("ssn
5632"), names that are introduced, and, on suspicion, a customer's message that is nothing but a
number, a date or a name: as `<NUMBER:…>` or `<DATE:…>` where the type is open. A bare year, a round
sum and one to three digits stay, because they are more often a model year, a price or a quantity.

Pass 2 (`redact_conversation`) runs on the assembled conversation. The agent's question types what
was open ("last four of your SSN?" makes `<NUMBER:…>` an `<SSN_LAST4_1>`) and finds what pass 1
left. Values and people that were masked once are found again by their tags, by whomever and however
they are said (`transforms.redact.echoes`). Ids of orders and tickets become slots (`<ORDER_1>`),
and all masks are numbered (see `transforms.redact.placeholders`).

`redact` is for a single text without a conversation: masks as `<TYPE>`, ids of things untouched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transforms.redact.conversation import Spoken, questions, redact_conversation
from transforms.redact.cues import asked_for
from transforms.redact.engine import Context, Known, find_spans
from transforms.redact.known import as_known
from transforms.redact.placeholders import Tagger, bare, tag_scope
from transforms.redact.spans import PERSONAL, THINGS, Span, replace_spans

__all__ = [
    "PERSONAL", "THINGS", "VERSION", "Context", "Known", "Masked", "Span", "Spoken", "Tagger",
    "asked_for", "bare", "find_spans", "mask_turn", "merge_counts", "questions", "redact",
    "redact_conversation", "redact_turn", "tag_scope",
]  # fmt: skip

VERSION = "redact-4"


def redact(text: str, context: Context | None = None) -> tuple[str, dict[str, int]]:
    """The masked text and the number of masked spans a type.

    Mail addresses of the company's own domains stay: they are in every good answer.
    """
    spans = _personal(text, context or Context())
    return replace_spans(text, spans, [f"<{s.type}>" for s in spans]), _counts(spans)


@dataclass(frozen=True, slots=True)
class Masked:
    """A turn after pass 1."""

    text: str
    counts: dict[str, int]
    """Spans a type."""
    edits: tuple[tuple[int, int, int], ...]
    """Start and end of each span in the text before, and the length of its mask."""

    def place(self, at: int) -> int:
        """Where a place of the text before is now; one inside a span is at its mask's start."""
        shift = 0
        for start, end, length in self.edits:
            if at <= start:
                break
            if at < end:
                return start + shift
            shift += length - (end - start)
        return at + shift


def redact_turn(text: str, context: Context, tagger: Tagger) -> tuple[str, dict[str, int]]:
    """Pass 1: the turn's text with masks that carry tags, and the number of spans a type."""
    masked = mask_turn(text, context, tagger)
    return masked.text, masked.counts


def mask_turn(text: str, context: Context, tagger: Tagger) -> Masked:
    """Pass 1, with where each place of the text went."""
    spans = _personal(text, context)
    masks = [tagger.mask(s.type, _as_told(s, text, context.known)) for s in spans]
    edits = tuple((s.start, s.end, len(mask)) for s, mask in zip(spans, masks, strict=True))
    return Masked(replace_spans(text, spans, masks), _counts(spans), edits)


def _as_told(span: Span, text: str, known: Known) -> str:
    """What a span's tag is made of: a near miss of a known name counts as that name."""
    value = text[span.start : span.end]
    return as_known(value, known.names) if span.type == "PERSON" and known.names else value


def merge_counts(all_counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Sums of spans a type over several texts, types in alphabetical order; zeros are left out."""
    total: dict[str, int] = {}
    for counts in all_counts:
        for kind, n in counts.items():
            total[kind] = total.get(kind, 0) + n
    return {kind: n for kind, n in sorted(total.items()) if n}


def _personal(text: str, context: Context) -> list[Span]:
    return [s for s in find_spans(text, context) if s.type in PERSONAL]


def _counts(spans: Sequence[Span]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for span in spans:
        counts[span.type] = counts.get(span.type, 0) + 1
    return counts
