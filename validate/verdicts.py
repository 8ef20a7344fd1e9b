"""The verdict of every candidate, out of what it is and what was judged before: pure functions.

The rule: an example of an old conversation version is *superseded*; else one that breaks a rule is
*quarantined*; else the first of its content hash is *valid* and the others are *duplicates*.

A valid example keeps its place when an earlier copy arrives late, so that frozen training sets do
not lose members for no reason. When the holder of a hash is superseded, the earliest copy among
the duplicates takes its place. Hence after the same input, in whatever order and batches, the same
examples are superseded, the same are quarantined, and every hash with an example left has exactly
one valid; only *which* of two equal copies is the valid one may differ.

Reads and writes no table; `validate.gate` does.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from deskwheel.ids import unit_interval
from deskwheel.records import ExampleVerdict, Split

DUPLICATE_CONTENT = "DUPLICATE_CONTENT"
NEWER_VERSION = "NEWER_VERSION"

MEANING: dict[str, str] = {
    DUPLICATE_CONTENT: "A valid example has the same normalised query and response.",
    NEWER_VERSION: "The conversation went on; its newest version replaces the example.",
}
"""Reasons that no rule of the suite gives, in a sentence for the console."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """The keys of an example that decide its verdict; no text."""

    example_id: str
    conversation_id: str
    conversation_version: int
    content_hash: str
    sent_at: datetime
    reasons: tuple[str, ...] = ()
    """Rules that it breaks, or why it was not valid so far."""
    verdict: ExampleVerdict | None = None
    """As stored; None for one not judged before."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a candidate."""

    verdict: ExampleVerdict
    reasons: tuple[str, ...] = ()


def decide(
    existing: Iterable[Candidate], incoming: Iterable[Candidate], newest: Mapping[str, int]
) -> dict[str, Decision]:
    """Decisions on new examples and on stored ones whose verdict changes, by example id.

    An incoming example that is stored already, or comes twice, is decided on once.

    Args:
        existing: stored rows of the conversations in `incoming` and `newest`, and stored rows
            with the content hashes of `incoming` and of the rows that this call supersedes.
        incoming: rows to judge.
        newest: conversation id → newest version known, where it is above 1.
    """
    stored = {c.example_id: c for c in existing}
    fresh = {c.example_id: c for c in incoming if c.example_id not in stored}
    candidates = (*stored.values(), *fresh.values())
    latest = _latest(candidates, newest)
    decisions: dict[str, Decision] = {}
    copies: dict[str, list[Candidate]] = defaultdict(list)
    # Of other contents `existing` may hold a duplicate without the valid row that it copies.
    contested = {c.content_hash for c in fresh.values()}
    for candidate in candidates:
        if candidate.verdict in ("superseded", "erased"):
            continue
        if candidate.conversation_version < latest[candidate.conversation_id]:
            decisions[candidate.example_id] = Decision("superseded", (NEWER_VERSION,))
            if candidate.verdict == "valid":
                contested.add(candidate.content_hash)
        elif candidate.verdict is None and candidate.reasons:
            decisions[candidate.example_id] = Decision("quarantined", candidate.reasons)
        elif candidate.verdict != "quarantined":
            copies[candidate.content_hash].append(candidate)
    for content in contested & copies.keys():
        decisions |= _hold(copies[content])
    return decisions


def decide_split(
    tenant: str, subject_key: str | None, conversation_id: str, *, test: float, dev: float
) -> Split:
    """The split of a customer, the same for all their examples and in every replay.

    A conversation whose customer is unknown is a subject of its own.
    """
    place = unit_interval("split", tenant, subject_key or conversation_id)
    if place < test:
        return "test"
    return "dev" if place < test + dev else "train"


def _latest(candidates: Iterable[Candidate], newest: Mapping[str, int]) -> dict[str, int]:
    latest = dict(newest)
    for c in candidates:
        latest[c.conversation_id] = max(latest.get(c.conversation_id, 1), c.conversation_version)
    return latest


def _hold(copies: list[Candidate]) -> dict[str, Decision]:
    """Decisions on the copies of one content whose verdict is not yet what it must be."""
    holder = min(copies, key=lambda c: (c.verdict != "valid", c.sent_at, c.example_id))
    decisions = {}
    for copy in copies:
        decision = (
            Decision("valid") if copy is holder else Decision("duplicate", (DUPLICATE_CONTENT,))
        )
        if decision.verdict != copy.verdict:
            decisions[copy.example_id] = decision
    return decisions
