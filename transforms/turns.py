"""Rows of the table `turns` out of one event: parsed, cleaned, redacted, with their verdict."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import deskwheel
from deskwheel import ids, reasons
from deskwheel.errors import ConfigError
from deskwheel.records import Pointer, Redaction, Turn
from deskwheel.settings import Settings
from transforms import redact
from transforms.clean import author
from transforms.clean.cuts import settle as settle_cuts
from transforms.clean.disfluency import settle, spoken_language
from transforms.clean.emoji import find_emoji
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
from transforms.redact import presidio
from transforms.threads import thread_keys

VERSION = "turns-2"

Pass1 = Callable[[Sequence[redact.Spoken]], list[redact.Masked]]
"""Redacts texts of one event in the order in which they were said."""

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
    has_recogniser: bool = False
    """Whether redaction also asks a named-entity model (`transforms.redact_ner`)."""

    @staticmethod
    def of(settings: Settings, secret: bytes) -> "Rules":
        """The rules of a pipeline.

        Raises:
            ConfigError: `transforms.earliest_event_time` is not ISO 8601.
            SetupError: `transforms.redact_ner` is on and its libraries are missing.
        """
        if settings.transforms.redact_ner:
            presidio.check_installed()
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
        return Rules(settings.pipeline.tenant, secret, limits, settings.transforms.redact_ner)


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
    names = parsed.known_names
    language = None
    if event.channel == "call":
        language = spoken_language([u.text for u in parsed.utterances if u.role != "bot"])
    cleaned = [
        author.clean_marked(
            event.channel,
            said.text,
            names=names if said.role == "customer" else (),
            language=language,
        )
        for said in parsed.utterances
    ]
    pass_1 = _pass_1(event.channel, parsed, rules)
    masked_texts = pass_1(
        [
            redact.Spoken(said.role, kept.text)
            for said, kept in zip(parsed.utterances, cleaned, strict=True)
        ]
    )
    for position, (said, kept, masked) in enumerate(
        zip(parsed.utterances, cleaned, masked_texts, strict=True)
    ):
        if not masked.text and not said.replaces:
            continue
        is_customer = said.role == "customer"
        columns = {
            **_columns(event, parsed, pointer, rules, batch_id, position=position, said=said),
            "text": masked.text or None,
            "shadow_text": author.shadow(redact.bare(masked.text)) if is_customer else None,
            "redaction": Redaction(version=redact.VERSION, counts=masked.counts),
            **_beside(said, kept, masked, pass_1),
        }
        rows.append(Turn(**columns))
    if parsed.closing is not None:
        end = len(parsed.utterances)
        rows.append(Turn(**_columns(event, parsed, pointer, rules, batch_id, position=end)))
    if parsed.told is not None:
        row = Turn(**_columns(event, parsed, pointer, rules, batch_id, position=0))
        rows.append(_outcome(row, parsed, parsed.told, rules))
    return rows


def _beside(
    said: Said, kept: author.Cleaned, masked: redact.Masked, pass_1: Pass1
) -> dict[str, Any]:
    """The columns that say what was taken from a text or changed in it, by its redacted places."""

    def redactor(text: str) -> redact.Masked:
        return pass_1([redact.Spoken(said.role, text)])[0]

    marks, cuts = kept.disfluencies, kept.cuts
    notes = Counter(said.notes) + Counter(kept.notes) if said.notes or kept.notes else {}
    return {
        "disfluencies": None if marks is None else settle(marks, kept.text, masked.text),
        "cuts": None if cuts is None else settle_cuts(cuts, masked.place, redactor),
        "notes": dict(sorted(notes.items())) or None,
        "emoji": find_emoji(masked.text) or None,
    }


def _outcome(row: Turn, parsed: ParsedEvent, told: Told, rules: Rules) -> Turn:
    """The row of what came of a conversation, under the conversation's own id and channel.

    The texts of an edit stand beside `text`, because they are no further turns.
    """
    draft, final, counts = None, None, []
    if told.draft and told.final:
        texts = [author.clean(told.channel, text) for text in (told.draft, told.final)]
        spoken = [redact.Spoken("agent", text) for text in texts]
        drafted, sent = _pass_1(told.channel, parsed, rules)(spoken)
        draft, final, counts = drafted.text, sent.text, [drafted.counts, sent.counts]
    message = told.message_id
    return replace(
        row,
        channel=told.channel,
        conversation_id=_conversation_id(told.channel, parsed, rules),
        sent_at=min(told.at, row.ingested_at + rules.limits.future_slack),
        is_closing=told.is_closing,
        status=_status(told.status),
        csat=told.csat,
        outcome=told.kind,
        about_turn_id=_turn_id(told.channel, rules, message) if message else None,
        draft_text=draft or None,
        final_text=final or None,
        agent_key=_key(rules, told.agent_id),
        redaction=Redaction(version=redact.VERSION, counts=redact.merge_counts(counts)),
    )


def _pass_1(channel: str, parsed: ParsedEvent, rules: Rules) -> Pass1:
    """Pass 1 over texts of an event; only those of a call know what was asked before."""
    scope = redact.tag_scope(
        channel,
        _conversation_id(channel, parsed, rules),
        _key(rules, parsed.customer_id),
    )
    tagger = redact.Tagger(rules.secret, scope)
    base = redact.Context(
        known=redact.Known.of(parsed.known_names, parsed.customer_id),
        company_domains=rules.limits.company_domains,
        recognise=presidio.recogniser() if rules.has_recogniser else None,
    )

    def masked(spoken: Sequence[redact.Spoken]) -> list[redact.Masked]:
        return [
            redact.mask_turn(turn.text, base.of_turn(turn.role, asked), tagger)
            for turn, asked in zip(spoken, redact.questions(spoken), strict=True)
        ]

    return masked


def _conversation_id(channel: str, parsed: ParsedEvent, rules: Rules) -> str:
    # Two channels may number their conversations alike, and an id may be a phone number.
    return ids.record_id(channel, rules.tenant, parsed.conversation_id)


def _columns(
    event: RawEvent,
    parsed: ParsedEvent,
    pointer: Pointer,
    rules: Rules,
    batch_id: int,
    *,
    position: int,
    said: Said | None = None,
) -> dict[str, Any]:
    """An accepted row without its text: of an utterance, or without `said` of the closing."""
    closing = parsed.closing
    sent_at = said.sent_at if said else closing.at if closing else event.ingested_at
    status = said.status if said else closing.status if closing else None
    return dict(
        turn_id=_turn_id(event.channel, rules, parsed.event_id, position),
        tenant=rules.tenant,
        channel=event.channel,
        source=pointer,
        event_id=_bounded(parsed.event_id),
        position=position,
        verdict="accepted",
        reason=None,
        detail=None,
        conversation_id=_conversation_id(event.channel, parsed, rules),
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
        batch_id=batch_id,
        thread_keys=_thread_keys(parsed, rules),
        replaces_turn_id=_turn_id(event.channel, rules, said.replaces)
        if said and said.replaces
        else None,
        asr_confidence=said.asr_confidence if said else None,
        has_cross_talk=said.has_cross_talk if said else None,
        speaker_note=said.speaker_note if said else None,
    )


def _turn_id(channel: str, rules: Rules, event_id: str, position: int = 0) -> str:
    return ids.record_id("turn", rules.tenant, channel, event_id, str(position))


def _thread_keys(parsed: ParsedEvent, rules: Rules) -> tuple[str, ...] | None:
    if parsed.links is None:
        return None
    customer = parsed.customer_id or ""
    return thread_keys(parsed.links, customer, secret=rules.secret, tenant=rules.tenant)


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
    return _subject_key(rules.secret, rules.tenant, person) if person else None


_subject_key = lru_cache(maxsize=4_096)(ids.subject_key)
"""Kept: each row of an event asks for the same customer, and agents come again and again."""
