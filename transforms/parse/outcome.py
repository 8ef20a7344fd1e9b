"""Outcomes: one JSON object for what came of a conversation after or beside its words."""

from collections.abc import Sequence
from typing import Any, cast

from deskwheel.records import Channel, OutcomeKind
from transforms.parse.fields import choice_field, rating_field, read_json, text_field, time_field
from transforms.parse.model import Limits, ParsedEvent, RawEvent, Told
from transforms.parse.thread import MESSAGE_ID, Links

CHANNELS = ("email", "chat", "call")
KINDS = ("status", "csat", "reopened", "edit", "thumbs")
THUMBS = ("up", "down")

_ENDED = frozenset({"solved", "unsolved", "abandoned", "transferred", "closed"})
"""Statuses after which nobody is expected to say more."""

REOPENED = "open"
"""Status of a conversation that was reopened."""


def parse(event: RawEvent, limits: Limits) -> ParsedEvent:
    """What an event of schema outcome.v1 tells of the conversation it names."""
    value = read_json(event.data, limits.max_depth)
    # All fields are read, so that one of a wrong type is found whatever the kind is.
    kind = choice_field(value, "kind", KINDS)
    texts = {name: _optional(value, name, kind) for name in ("status", "draft", "final")}
    csat = rating_field(value, "csat", required=kind == "csat")
    thumbs = _thumbs(value, is_required=kind == "thumbs")
    about = [text_field(value, name, required=False) for name in ("turn_id", "message_id")]
    ticket = text_field(value, "ticket_id", required=False)
    conversation = text_field(value, "conversation_id")
    is_edit = kind == "edit"
    channel = choice_field(value, "channel", CHANNELS)
    if channel == "email":
        about = [_mail_id(name) for name in about]
    told = Told(
        kind=cast(OutcomeKind, f"thumbs_{thumbs}" if kind == "thumbs" else kind),
        channel=cast(Channel, channel),
        at=time_field(value, "occurred_at"),
        is_closing=kind == "csat" or (kind == "status" and texts["status"] in _ENDED),
        status=REOPENED if kind == "reopened" else texts["status"] if kind == "status" else None,
        csat=csat if kind == "csat" else None,
        agent_id=text_field(value, "agent_id", required=False) or None,
        message_id=next(filter(None, about), None),
        draft=texts["draft"] if is_edit else None,
        final=texts["final"] if is_edit else None,
    )
    return ParsedEvent(
        event_id=text_field(value, "outcome_id"),
        conversation_id=conversation,
        customer_id=text_field(value, "customer_id", required=False) or None,
        utterances=(),
        told=told,
        links=_links([*about, conversation], ticket) if channel == "email" else None,
    )


def _mail_id(name: str) -> str:
    """A Message-ID in its angle brackets, which many systems leave out."""
    name = name.strip()
    return f"<{name}>" if "@" in name and not name.startswith("<") else name


def _links(mails: Sequence[str], ticket: str) -> Links:
    """What the outcome of a mail says of its thread; an id may be a mail's or a ticket's."""
    ids = [_mail_id(name) for name in mails]
    references = [name for name in ids if MESSAGE_ID.fullmatch(name)]
    others = [name for name in (ticket.strip(), *ids) if name not in references]
    tickets = [name.lstrip("# ").casefold() for name in others]
    return Links(
        own="",
        references=tuple(dict.fromkeys(references)),
        tickets=tuple(filter(None, dict.fromkeys(tickets))),
    )


def _optional(value: dict[str, Any], name: str, kind: str) -> str | None:
    """A text that only one kind of outcome requires."""
    is_required = kind == ("status" if name == "status" else "edit")
    return text_field(value, name, required=is_required) or None


def _thumbs(value: dict[str, Any], *, is_required: bool) -> str | None:
    if value.get("thumbs") is None and not is_required:
        return None
    return choice_field(value, "thumbs", THUMBS)
