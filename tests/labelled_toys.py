"""Toy labels and toy tables of a labelled stream, for the tests of its scores."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.claims import Claim
from benchmarks.stream_quality.outcome import Outcome
from deskwheel.records import Pointer

AT = datetime(2026, 4, 1, 8, tzinfo=UTC)
ASKED, ANSWERED = "How do I reset the kettle?", "Hold the button for 5 seconds."

Row = dict[str, Any]


def place(line: int) -> Pointer:
    return Pointer(topic="raw.chat", partition=0, offset=line)


def turn_row(line: int, said: str | None, **changes: Any) -> Row:
    row = {
        "turn_id": f"t-{line}", "source": vars(place(line)), "event_id": f"m-{line}",
        "position": 0, "verdict": "accepted" if said else "rejected", "reason": None,
        "conversation_id": "c-1", "role": "customer", "text": said, "shadow_text": None,
        "sent_at": AT, "ingested_at": AT,
    }  # fmt: skip
    return row | changes


def talk_row(name: str, turn_ids: Sequence[str], **changes: Any) -> Row:
    row = {
        "conversation_id": name, "version": 1, "batch_id": 0, "resolution_probability": 0.9,
        "category": "ORDER",
        "utterances": [{"turn_id": t, "text": "words"} for t in turn_ids],
    }  # fmt: skip
    return row | changes


def example_row(name: str = "c-1", **changes: Any) -> Row:
    row = {
        "conversation_id": name, "conversation_version": 1, "kind": "ideal", "verdict": "valid",
        "query": ASKED, "response": ANSWERED,
    }  # fmt: skip
    return row | changes


def turn(line: int, said: str, **changes: Any) -> Row:
    label = {"message_ids": [f"m-{line}"], "text": said, "pii": [], "not_pii": []}
    return label | {"must_not_contain": []} | changes


def span(kind: str, value: str, whole: str) -> Row:
    start = whole.index(value)
    return {"type": kind, "value": value, "start": start, "end": start + len(value)}


def dialog(name: str, lines: Sequence[int], turns: Sequence[Row], **changes: Any) -> Row:
    label = {
        "conversation_id": name, "channel": "chat", "kind": "dialog", "source": "toy",
        "category": "ORDER", "resolved": True, "resolution_type": "solved", "decidable": True,
        "train_ok": True, "duplicate_group": None, "disposition": None, "status_event": None,
        "event_lines": list(lines), "turns": list(turns), "pairs": [],
    }  # fmt: skip
    return label | changes


def noise(name: str, lines: Sequence[int], why: str = "spam") -> Row:
    return dialog(
        name, lines, [], kind="noise", noise_reason=why, resolved=None, decidable=None,
        category=None, resolution_type="noise",
    )  # fmt: skip


def made(gold: Sequence[Row], turns: Sequence[Row], **changes: Any) -> Outcome:
    count = max(n for c in gold for n in c["event_lines"]) + 1
    values: dict[str, Any] = {
        "gold": gold, "ids": [f"m-{n}" for n in range(count)], "sizes": [100] * count,
        "places": [place(n) for n in range(count)], "letters": {}, "repeats": frozenset(),
        "late": frozenset(), "poison": [], "turns": turns, "conversations": [], "examples": [],
        "validated": [], "min_probability": 0.6,
    }  # fmt: skip
    return Outcome(**values | changes)


def values(claims: Sequence[Claim]) -> dict[str, float]:
    return {claim.id: claim.value for claim in claims}


def one_dialog(**changes: Any) -> Outcome:
    """A question and its answer, taken as they should be, unless changed."""
    label = {"query_masked": ASKED, "response_masked": ANSWERED, "response_any_of": []}
    gold = [dialog("g-1", [0, 1], [turn(0, ASKED), turn(1, ANSWERED)], pairs=[label])]
    tables: dict[str, Any] = {
        "gold": gold,
        "turns": [turn_row(0, ASKED), turn_row(1, ANSWERED)],
        "conversations": [talk_row("c-1", ["t-0", "t-1"])],
        "examples": [example_row()],
        "validated": [example_row()],
    }
    return made(**tables | changes)
