"""All that is personal in one text, by every detector, as spans without overlaps."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from transforms.acts.repeats import MAX_CHARS as REPEATED_CHARS
from transforms.redact.addresses import find_addresses, find_asked_address
from transforms.redact.answers import SECRETS, answer_range, find_answer_name, find_asked_secret
from transforms.redact.capitals import find_capital_names
from transforms.redact.known import find_known_names, find_known_numbers
from transforms.redact.links import find_link_values
from transforms.redact.names import find_names, plain
from transforms.redact.national import find_national_ids
from transforms.redact.numbers import Expected, find_numbers
from transforms.redact.shapes import Scope, find_shapes
from transforms.redact.spans import KEPT, Span, disjoint
from transforms.redact.view import View, view
from transforms.redact.words import FIRST_NAMES, SURNAMES

MAX_CHARS = 200_000
"""Longer texts are read in pieces: no detector sees more at once."""

_PIECE_OVERLAP = 200
_PHONE_DIGITS = 7

Recogniser = Callable[[str], Sequence[Span]]
"""A detector from outside, such as a model's: text to spans."""


@dataclass(frozen=True)
class Known:
    """What the envelope says about the customer."""

    names: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    """Digits of telephone or customer numbers."""

    @staticmethod
    def of(names: Sequence[str], customer_id: str | None) -> "Known":
        """Known fields out of stated names and a customer id that may be an address or a number."""
        found = list(names)
        numbers: tuple[str, ...] = ()
        if customer_id and "@" in customer_id:
            words = re.findall(r"[a-z]{4,}", plain(customer_id.partition("@")[0]))
            found += [w for w in words if w in FIRST_NAMES or w in SURNAMES]
        elif customer_id:
            digits = "".join(c for c in customer_id if c.isdigit())
            is_number = len(digits) >= _PHONE_DIGITS and not any(c.isalpha() for c in customer_id)
            numbers = (digits,) if is_number else ()
        return Known(tuple(dict.fromkeys(found)), numbers)


@dataclass(frozen=True)
class Context:
    """What is known about a text besides its words."""

    role: str = "customer"
    asked: frozenset[str] = frozenset()
    """Types for which the agent asked just before; see `cues.asked_for`."""
    known: Known = field(default_factory=Known)
    company_domains: tuple[str, ...] = ()
    recognise: Recogniser | None = None
    """An additional recogniser, for example `presidio.recogniser()`."""

    def of_turn(self, role: str, asked: frozenset[str]) -> "Context":
        """The same for a turn of that role, after such questions."""
        return Context(role, asked, self.known, self.company_domains, self.recognise)


def find_spans(text: str, context: Context) -> list[Span]:
    """Spans of personal data and of ids of things in the text, sorted and disjoint.

    Linear in the length of the text: every pattern is bounded, and long texts go in pieces.
    """
    is_customer = context.role == "customer"
    asked = context.asked if is_customer else _NOTHING
    if len(text) <= REPEATED_CHARS and context.known == _NOBODY and context.recognise is None:
        return list(_repeated(text, is_customer, asked, tuple(context.company_domains)))
    return _spans(text, context)


_NOBODY = Known()
_NOTHING: frozenset[str] = frozenset()


@lru_cache(maxsize=8_192)
def _repeated(
    text: str, is_customer: bool, asked: frozenset[str], company_domains: tuple[str, ...]
) -> tuple[Span, ...]:
    """Spans of a short text; kept, because both passes and many conversations say the same."""
    role = "customer" if is_customer else "agent"
    return tuple(_spans(text, Context(role, asked, company_domains=company_domains)))


def _spans(text: str, context: Context) -> list[Span]:
    spans: list[Span] = []
    for offset in range(0, max(len(text), 1), MAX_CHARS):
        start = max(0, offset - _PIECE_OVERLAP)
        piece = text[start : offset + MAX_CHARS]
        spans += [
            Span(s.start + start, s.end + start, s.type, s.rank) if start else s
            for s in _found(piece, context)
        ]
    return [s for s in disjoint(spans) if s.type != KEPT]


def _found(text: str, context: Context) -> Iterator[Span]:
    seen = view(text)
    is_customer = context.role == "customer"
    asked = context.asked if is_customer else frozenset[str]()
    finders = (
        find_shapes(seen, Scope(context.company_domains, is_customer)),
        find_numbers(seen, Expected(asked, is_answer_masked=is_customer)),
        find_national_ids(seen) if seen.digits else (),
        find_link_values(seen, context.company_domains),
        find_names(seen),
        find_capital_names(seen),
        find_addresses(seen),
        _answers(seen, asked) if is_customer else (),
        find_known_names(seen, context.known.names),
        find_known_numbers(seen, context.known.numbers),
        context.recognise(seen.text) if context.recognise else (),
    )
    for finder in finders:
        for span in finder:
            is_owner = span.type == "PERSON" and seen.lower.endswith("'s", 0, span.end)
            start, end = seen.original(span.start, span.end - 2 * is_owner)
            yield Span(start, end, span.type, span.rank)


def _answers(seen: View, asked: frozenset[str]) -> Iterator[Span]:
    """A message that is as a whole a name or an address."""
    yield from find_answer_name(seen, is_asked="PERSON" in asked)
    if "ADDRESS" in asked:
        start, end = answer_range(seen.lower)
        yield from find_asked_address(seen, start, end)
    if not asked.isdisjoint(SECRETS):
        yield from find_asked_secret(seen, asked)
