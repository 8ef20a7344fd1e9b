"""One closed conversation version out of its turns, in whatever order they arrived.

Pure: the stateful stream (`transforms.conversations`) keeps the turns, this module reads them.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import deskwheel
from deskwheel.records import Channel, Conversation, Redaction, Utterance
from transforms import redact, resolution, tags

VERSION = "conversations-1"
CloseReason = Literal["stated", "idle", "capped"]


@dataclass(frozen=True)
class StoredTurn:
    """What the stream's state keeps of a turn."""

    turn_id: str
    tenant: str
    channel: Channel
    role: str | None
    text: str | None
    sent_us: int
    """Event time in microseconds since the epoch."""
    is_closing: bool
    status: str | None
    csat: int | None
    subject_key: str | None
    agent_key: str | None
    authorship: str
    counts: dict[str, int]

    def to_json(self) -> str:
        """One line of state; fields may be added, so that old state stays readable."""
        return json.dumps(self.__dict__, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> "StoredTurn":
        """The turn that `to_json` wrote."""
        return StoredTurn(**json.loads(text))


def assemble(
    conversation_id: str,
    turns: Iterable[StoredTurn],
    *,
    version: int,
    close_reason: CloseReason,
    batch_id: int,
) -> Conversation:
    """The conversation in order of event time, closings apart, each turn once."""
    unique = {t.turn_id: t for t in turns}
    ordered = sorted(unique.values(), key=lambda t: (t.sent_us, t.turn_id))
    said = [t for t in ordered if not t.is_closing and t.text]
    utterances = [_utterance(t) for t in said]
    status = _last(t.status for t in ordered)
    csat = _last(t.csat for t in ordered)
    signs = resolution.find_signs(utterances, status, csat)
    p = resolution.probability(signs)
    first = ordered[0]
    return Conversation(
        conversation_id=conversation_id,
        version=version,
        tenant=first.tenant,
        channel=first.channel,
        subject_key=_last(t.subject_key for t in ordered),
        agent_key=_last(t.agent_key for t in ordered),
        opened_at=_time(first.sent_us),
        closed_at=_time(ordered[-1].sent_us),
        close_reason=close_reason,
        utterances=utterances,
        status=status,
        csat=csat,
        resolution_probability=p,
        resolution=resolution.decide(p),
        evidence=signs,
        category=tags.category(utterances),
        sentiment=tags.sentiment(utterances),
        redaction=Redaction(
            version=redact.VERSION, counts=redact.merge_counts([t.counts for t in ordered])
        ),
        ruleset_version=VERSION,
        code_version=deskwheel.__version__,
        batch_id=batch_id,
    )


def _utterance(turn: StoredTurn) -> Utterance:
    return Utterance(
        turn_id=turn.turn_id,
        role=turn.role or "system",  # type: ignore[arg-type]
        text=turn.text or "",
        sent_at=_time(turn.sent_us),
        authorship=turn.authorship,  # type: ignore[arg-type]
    )


def _last(values: Iterable[Any]) -> Any:
    """The last value that is known, or None."""
    known: Sequence[Any] = [v for v in values if v is not None]
    return known[-1] if known else None


def _time(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)
