"""Rows of the table `turns` out of one event: parsed, cleaned, redacted, with their verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import deskwheel
from deskwheel import ids, reasons
from deskwheel.errors import ConfigError
from deskwheel.records import Pointer, Redaction, Turn
from deskwheel.settings import Settings
from transforms import clean, redact
from transforms.parse import parse_event
from transforms.parse.model import (
    Limits,
    ParsedEvent,
    RawEvent,
    Rejection,
    Said,
    Told,
    parse_time,
)

VERSION = "turns-1"

STATUSES = frozenset(
    {"solved", "unsolved", "abandoned", "transferred", "escalated", "open", "pending", "closed"}
)
"""Outcomes that a source may state; any other text is kept as `other`."""

_ID_CHARS = 250


@dataclass(frozen=True)
class Rules:
    """Everything that decides what becomes of an event; travels to the Spark workers."""

    tenant: str
    secret: bytes
    limits: Limits

    @staticmethod
    def of(settings: Settings, secret: bytes) -> "Rules":
        """The rules of a pipeline.

        Raises:
            ConfigError: `transforms.earliest_event_time` is not ISO 8601.
        """
        earliest = parse_time(settings.transforms.earliest_event_time)
        if earliest is None:
            raise ConfigError(
                "transforms.earliest_event_time must be an ISO 8601 time such as"
                f" 2000-01-01T00:00:00Z, got {settings.transforms.earliest_event_time!r}"
            )
        limits = Limits(
            max_event_bytes=settings.transforms.max_event_bytes,
            future_slack=timedelta(seconds=settings.transforms.future_slack_s),
            earliest=earliest,
            company_domains=settings.transforms.company_domains,
        )
        return Rules(settings.pipeline.tenant, secret, limits)


def turn_rows(event: RawEvent, pointer: Pointer, rules: Rules, *, batch_id: int) -> list[Turn]:
    """At least one row for an event: its utterances and closing, or its rejection."""
    parsed = parse_event(event, rules.limits)
    if isinstance(parsed, ParsedEvent):
        rows = _accepted(event, parsed, pointer, rules, batch_id)
        if rows:
            return rows
        parsed = Rejection(reasons.EMPTY, "nothing was left after cleaning")
    return [_rejected(event, parsed, pointer, rules, batch_id)]


def _accepted(
    event: RawEvent, parsed: ParsedEvent, pointer: Pointer, rules: Rules, batch_id: int
) -> list[Turn]:
    rows = []
    for position, said in enumerate(parsed.utterances):
        text = clean.clean(event.channel, said.text)
        if not text:
            continue
        masked, counts = _redacted(text, parsed, rules)
        rows.append(
            replace(
                _row(event, parsed, pointer, rules, position=position, said=said),
                text=masked,
                shadow_text=clean.shadow(masked) if said.role == "customer" else None,
                redaction=Redaction(version=redact.VERSION, counts=counts),
                batch_id=batch_id,
            )
        )
    if parsed.closing is not None:
        closing = _row(event, parsed, pointer, rules, position=len(parsed.utterances))
        rows.append(replace(closing, batch_id=batch_id))
    if parsed.told is not None:
        row = _row(event, parsed, pointer, rules, position=0)
        rows.append(replace(_outcome(row, parsed, parsed.told, rules), batch_id=batch_id))
    return rows


def _outcome(row: Turn, parsed: ParsedEvent, told: Told, rules: Rules) -> Turn:
    """The row of what came of a conversation, under the conversation's own id and channel.

    The texts of an edit stand beside `text`, because they are no further turns.
    """
    draft, final, counts = None, None, []
    if told.draft and told.final:
        (draft, drafted), (final, sent) = (
            _redacted(clean.clean(told.channel, t), parsed, rules) for t in (told.draft, told.final)
        )
        counts = [drafted, sent]
    message = told.message_id
    return replace(
        row,
        channel=told.channel,
        conversation_id=ids.record_id(told.channel, rules.tenant, parsed.conversation_id),
        sent_at=min(told.at, row.ingested_at + rules.limits.future_slack),
        is_closing=told.is_closing,
        status=_status(told.status),
        csat=told.csat,
        outcome=told.kind,
        about_turn_id=(
            ids.record_id("turn", rules.tenant, told.channel, message, "0") if message else None
        ),
        draft_text=draft or None,
        final_text=final or None,
        agent_key=_key(rules, told.agent_id),
        redaction=Redaction(version=redact.VERSION, counts=redact.merge_counts(counts)),
    )


def _redacted(text: str, parsed: ParsedEvent, rules: Rules) -> tuple[str, Mapping[str, int]]:
    return redact.redact(
        text, known_names=parsed.known_names, company_domains=rules.limits.company_domains
    )


def _row(
    event: RawEvent,
    parsed: ParsedEvent,
    pointer: Pointer,
    rules: Rules,
    *,
    position: int,
    said: Said | None = None,
) -> Turn:
    """An accepted row without text: of an utterance, or without `said` of the closing."""
    closing = parsed.closing
    sent_at = said.sent_at if said else closing.at if closing else event.ingested_at
    status = said.status if said else closing.status if closing else None
    return Turn(
        turn_id=ids.record_id("turn", rules.tenant, event.channel, parsed.event_id, str(position)),
        tenant=rules.tenant,
        channel=event.channel,  # type: ignore[arg-type]
        source=pointer,
        event_id=_bounded(parsed.event_id),
        position=position,
        verdict="accepted",
        reason=None,
        detail=None,
        # Two channels may number their conversations alike, and an id may be a phone number.
        conversation_id=ids.record_id(event.channel, rules.tenant, parsed.conversation_id),
        role=said.role if said else None,
        text=None,
        shadow_text=None,
        sent_at=min(sent_at, event.ingested_at + rules.limits.future_slack),
        ingested_at=event.ingested_at,
        is_closing=said is None,
        status=_status(status),
        csat=closing.csat if closing and said is None else None,
        subject_key=_key(rules, parsed.customer_id),
        agent_key=_key(rules, said.agent_id) if said else None,
        authorship=said.authorship if said else "human",
        redaction=Redaction(version=redact.VERSION, counts={}),
        ruleset_version=VERSION,
        code_version=deskwheel.__version__,
        batch_id=0,
    )


def _rejected(
    event: RawEvent, rejection: Rejection, pointer: Pointer, rules: Rules, batch_id: int
) -> Turn:
    place = f"{pointer.topic}/{pointer.partition}/{pointer.offset}"
    return Turn(
        turn_id=ids.record_id("turn", rules.tenant, place),
        tenant=rules.tenant,
        channel=event.channel,  # type: ignore[arg-type]
        source=pointer,
        event_id=_bounded(event.header("ce_id")) or place,
        position=0,
        verdict="rejected",
        reason=rejection.reason,
        detail=rejection.detail,
        conversation_id=None,
        role=None,
        text=None,
        shadow_text=None,
        sent_at=_clamped(event, rules),
        ingested_at=event.ingested_at,
        is_closing=False,
        status=None,
        csat=None,
        subject_key=None,
        agent_key=None,
        authorship="human",
        redaction=Redaction(version=redact.VERSION, counts={}),
        ruleset_version=VERSION,
        code_version=deskwheel.__version__,
        batch_id=batch_id,
    )


def _clamped(event: RawEvent, rules: Rules) -> datetime:
    """The envelope's time, held within what the table may carry."""
    upper = event.ingested_at + rules.limits.future_slack
    return max(datetime(1970, 1, 1, tzinfo=UTC), min(event.envelope_time(), upper))


def _status(stated: str | None) -> str | None:
    """A status in our words; what a source writes freely may hold anything, even a name."""
    if stated is None:
        return None
    return stated if stated in STATUSES else "other"


def _bounded(event_id: str) -> str:
    """An id of the envelope, or its hash where it is too long to be one."""
    return event_id if len(event_id) <= _ID_CHARS else ids.record_id("evt", event_id)


def _key(rules: Rules, person: str | None) -> str | None:
    return ids.subject_key(rules.secret, rules.tenant, person) if person else None
