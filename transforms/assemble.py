"""One closed conversation version out of its turns, in whatever order they arrived.

Pure: the stateful stream (`transforms.conversations`) keeps the turns, this module reads them.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
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
    replaces: str | None = None
    """Turn whose text this one takes the place of; without text it was deleted."""
    is_edited: bool | None = None
    """Known only when the conversation is assembled."""
    asr_confidence: float | None = None
    has_cross_talk: bool | None = None
    speaker_note: str | None = None

    def to_json(self) -> str:
        """One line of state; fields may be added, so that old state stays readable."""
        return json.dumps(self.__dict__, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> "StoredTurn":
        """The turn that `to_json` wrote."""
        return StoredTurn(**json.loads(text))


STORED_COLUMNS = tuple(f.name for f in fields(StoredTurn) if f.name != "is_edited")
"""What is kept of a row of `turns`, by the names of `StoredTurn`."""


def assemble(
    conversation_id: str,
    turns: Iterable[StoredTurn],
    *,
    version: int,
    close_reason: CloseReason,
    batch_id: int,
    secret: bytes = b"",
    company_domains: tuple[str, ...] = (),
    category_model: str = "",
) -> Conversation:
    """The conversation in order of event time, closings apart, each turn once, redacted as a whole.

    `secret` is the pipeline's key under which the turns' masks were tagged: without it a name that
    an earlier turn masked is not found again.
    """
    unique = {t.turn_id: t for t in turns}
    ordered = sorted(unique.values(), key=lambda t: (t.sent_us, t.turn_id))
    said = [t for t in _edited(ordered) if not t.is_closing and t.text]
    texts, changes = _redacted(conversation_id, said, secret, company_domains)
    utterances = [_utterance(t, text) for t, text in zip(said, texts, strict=True)]
    status = _last(t.status for t in ordered)
    csat = _last(t.csat for t in ordered)
    signs = resolution.find_signs(utterances, status, csat)
    # Without words nobody can have been helped, whatever the source states.
    p = resolution.probability(signs) if utterances else 0.0
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
        category=tags.category(utterances, category_model),
        sentiment=tags.sentiment(utterances),
        redaction=Redaction(
            version=redact.VERSION,
            counts=redact.merge_counts([*(t.counts for t in ordered), changes]),
        ),
        ruleset_version=VERSION,
        code_version=deskwheel.__version__,
        batch_id=batch_id,
    )


def _edited(ordered: Sequence[StoredTurn]) -> list[StoredTurn]:
    """The turns with edits in the place of what they edit, and without what was deleted.

    Of several edits the last holds. An edit of a turn that is not there says its text itself.
    """
    latest = {t.replaces: t for t in ordered if t.replaces}
    there = {t.turn_id for t in ordered if not t.replaces}
    turns = []
    for turn in ordered:
        edit = latest.get(turn.turn_id)
        if turn.replaces:
            if turn.replaces not in there and latest[turn.replaces] is turn:
                turns.append(replace(turn, is_edited=True))
        elif edit is None:
            turns.append(turn)
        else:
            is_by_human = turn.authorship == "model" and edit.role == "agent"
            turns.append(
                replace(
                    turn,
                    text=edit.text,
                    authorship="model_edited" if is_by_human else turn.authorship,
                    is_edited=True,
                )
            )
    return turns


def _redacted(
    conversation_id: str,
    said: Sequence[StoredTurn],
    secret: bytes,
    company_domains: tuple[str, ...],
) -> tuple[list[str], dict[str, int]]:
    """Pass 2 over the turns."""
    channel = said[0].channel if said else ""
    subject_key = _last(t.subject_key for t in said)
    tagger = redact.Tagger(secret, redact.tag_scope(channel, conversation_id, subject_key))
    spoken = [redact.Spoken(t.role or "system", t.text or "") for t in said]
    context = redact.Context(company_domains=company_domains)
    return redact.redact_conversation(spoken, tagger, context)


def _utterance(turn: StoredTurn, text: str) -> Utterance:
    return Utterance(
        turn_id=turn.turn_id,
        role=turn.role or "system",  # type: ignore[arg-type]
        text=text,
        sent_at=_time(turn.sent_us),
        authorship=turn.authorship,  # type: ignore[arg-type]
        is_edited=turn.is_edited,
        asr_confidence=turn.asr_confidence,
        has_cross_talk=turn.has_cross_talk,
        speaker_note=turn.speaker_note,  # type: ignore[arg-type]
    )


def _last(values: Iterable[Any]) -> Any:
    """The last value that is known, or None."""
    known: Sequence[Any] = [v for v in values if v is not None]
    return known[-1] if known else None


def _time(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)
