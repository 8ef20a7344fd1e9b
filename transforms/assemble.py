"""One closed conversation version out of its turns, in whatever order they arrived.

Pure: the stateful stream (`transforms.conversations`) keeps the turns, this module reads them.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import deskwheel
from deskwheel.records import Conversation, Redaction, Utterance
from deskwheel.times import from_us
from transforms import redact, tags
from transforms.noise import noise_reason
from transforms.pairs.edits import (
    Suggested,
    find_edits,
    find_suggested,
    find_thumbs,
    is_corrected,
    latest_edits,
    with_authorship,
)
from transforms.resolution import estimate
from transforms.stored import StoredTurn

VERSION = "conversations-2"
CloseReason = Literal["stated", "idle", "capped"]


class Closed(NamedTuple):
    """A conversation as it leaves the state."""

    conversation_id: str
    version: int
    close_reason: CloseReason
    turns: Sequence[str]
    """Lines of `StoredTurn`'s JSON."""

    def line(self) -> str:
        """The text that holds it: its first line says all but the turns."""
        return "\n".join([json.dumps(self[:3]), *self.turns])

    @staticmethod
    def of(line: str) -> "Closed":
        """What `line` has written."""
        head, *turns = line.split("\n")
        name, version, reason = json.loads(head)
        return Closed(name, version, reason, turns)


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
    suggested = find_suggested(ordered)
    texts, changes = _redacted(conversation_id, said, suggested, secret, company_domains)
    utterances = [_utterance(t, text) for t, text in zip(said, texts[: len(said)], strict=True)]
    replaced = {t.turn_id: t.replaces for t in ordered if t.replaces}
    edits = find_edits(suggested, texts[len(said) :], utterances, replaced)
    utterances = with_authorship(utterances, edits)
    status = _last(t.status for t in ordered)
    csat = _last(t.csat for t in ordered)
    signs = estimate.find_signs(utterances, status, csat)
    # Without words nobody can have been helped, whatever the source states.
    p = estimate.probability(signs) if utterances else 0.0
    first = ordered[0]
    return Conversation(
        conversation_id=conversation_id,
        version=version,
        tenant=first.tenant,
        channel=first.channel,
        subject_key=_last(t.subject_key for t in ordered),
        agent_key=_last(t.agent_key for t in ordered),
        opened_at=from_us(first.sent_us),
        closed_at=from_us(ordered[-1].sent_us),
        close_reason=close_reason,
        utterances=utterances,
        status=status,
        csat=csat,
        resolution_probability=p,
        resolution=estimate.decide(p),
        evidence=estimate.evidence(signs),
        category=tags.category(utterances, category_model),
        sentiment=tags.sentiment(utterances),
        redaction=Redaction(
            version=redact.VERSION,
            counts=redact.merge_counts([*(t.counts for t in ordered), changes]),
        ),
        ruleset_version=VERSION,
        code_version=deskwheel.__version__,
        batch_id=batch_id,
        edits=edits or None,
        thumbs=find_thumbs(ordered, utterances, replaced) or None,
        noise=noise_reason(utterances, is_answer_known=bool(edits)),
    )


def _edited(ordered: Sequence[StoredTurn]) -> list[StoredTurn]:
    """The turns with edits in the place of what they edit, and without what was deleted.

    Of several edits the last holds. An edit of a turn that is not there says its text itself.
    """
    latest = latest_edits(ordered)
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
            authorship = "model_edited" if is_corrected(turn, edit) else turn.authorship
            turns.append(replace(turn, text=edit.text, authorship=authorship, is_edited=True))
    return turns


def _redacted(
    conversation_id: str,
    said: Sequence[StoredTurn],
    suggested: Sequence[Suggested],
    secret: bytes,
    company_domains: tuple[str, ...],
) -> tuple[list[str], dict[str, int]]:
    """Pass 2 over the turns, and over suggestions after them: these must not number the masks."""
    channel = said[0].channel if said else ""
    subject_key = _last(t.subject_key for t in said)
    tagger = redact.Tagger(secret, redact.tag_scope(channel, conversation_id, subject_key))
    spoken = [redact.Spoken(t.role or "system", t.text or "") for t in said]
    spoken += [redact.Spoken("agent", text) for one in suggested for text in one.texts()]
    context = redact.Context(company_domains=company_domains)
    return redact.redact_conversation(spoken, tagger, context)


def _utterance(turn: StoredTurn, text: str) -> Utterance:
    return Utterance(
        turn_id=turn.turn_id,
        role=turn.role or "system",  # type: ignore[arg-type]
        text=text,
        sent_at=from_us(turn.sent_us),
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
