"""Toy examples: one that meets every rule, and how to change it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from deskwheel.ids import digest
from deskwheel.records import Conversation, Example, Redaction

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

GOOD = Example(
    example_id="ex-good",
    tenant="acme",
    conversation_id="conv-good",
    conversation_version=1,
    position=0,
    channel="chat",
    kind="ideal",
    negative_kind=None,
    is_empathetic=False,
    query="How do I reset my router to its factory settings?",
    response="Hold the small button on the back for ten seconds until the light turns amber.",
    context="agent: Welcome to Acme, what can I do for you?",
    category="SETUP",
    sentiment="neutral",
    has_needless_apology=False,
    resolution_probability=0.9,
    csat=None,
    subject_key="subject-1",
    agent_key="agent-1",
    authorship="human",
    turn_ids=("turn-1", "turn-2"),
    redaction=Redaction(version="r1", counts={"EMAIL": 1}),
    sent_at=NOON,
    content_hash="0" * 64,
    ruleset_version="pairs-1",
    code_version="0.1.0",
)


def example(
    name: str, *, version: int = 1, content: str = "", minute: int = 0, **changes: Any
) -> Example:
    """An example of conversation `name` whose content hash depends on `content` alone."""
    return replace(
        GOOD,
        example_id=f"ex-{name}-{version}",
        conversation_id=f"conv-{name}",
        conversation_version=version,
        content_hash=digest(content or name),
        sent_at=NOON + timedelta(minutes=minute),
        **changes,
    )


def conversation(name: str, version: int) -> Conversation:
    """A version of conversation `name`."""
    return Conversation(
        conversation_id=f"conv-{name}", version=version, tenant="acme", channel="chat",
        subject_key=None, agent_key=None, opened_at=NOON, closed_at=NOON, close_reason="stated",
        utterances=[], status=None, csat=None, resolution_probability=0.9, resolution="resolved",
        evidence=[], category="SETUP", sentiment="neutral",
        redaction=Redaction(version="r1", counts={}), ruleset_version="r1", code_version="0.1.0",
        batch_id=0,
    )  # fmt: skip
