"""Chat: one JSON object a message, an edit, a deletion, and the end of the conversation."""

import re
from typing import Any

from deskwheel import reasons
from deskwheel.records import Role
from transforms.parse.fields import rating_field, read_json, text_field, time_field
from transforms.parse.model import Closing, Limits, ParsedEvent, RawEvent, Rejection, Said

ROLES: dict[str, Role] = {
    "customer": "customer", "user": "customer", "visitor": "customer", "client": "customer",
    "end_user": "customer", "enduser": "customer", "contact": "customer", "lead": "customer",
    "agent": "agent", "operator": "agent", "admin": "agent", "staff": "agent",
    "representative": "agent", "bot": "bot", "assistant": "bot", "chatbot": "bot",
    "system": "system", "event": "system", "notification": "system",
}  # fmt: skip
"""Roles by the words that chat systems have for them; the schemas of chats list the same."""

CLOSED = "conversation.closed"
EDITED = "message.edited"
DELETED = "message.deleted"
PRESENCE = frozenset(
    {
        "participant.joined",
        "participant.left",
        "agent.joined",
        "agent.left",
        "conversation.assigned",
    }
)
"""Types of messages that tell who is there; their text, if any, is the system's."""

WORDLESS = PRESENCE | {
    "sticker", "attachment", "image", "photo", "gif", "video", "audio", "voice", "file", "location",
    "reaction", "typing", "read", "delivered",
}  # fmt: skip
"""Types of messages that may lack a text."""

_MEDIA_FIELDS = ("attachments", "attachment", "sticker", "media", "reaction")
_STAND_IN = re.compile(
    r"\s*[\[<(](?:sticker|image|photo|picture|gif|video|audio|voice (?:message|note)|file|"
    r"attachment|document|location|media)\b[^\[\]<>()\n]{0,200}[\])>]\s*",
    re.IGNORECASE,
)
"""What a client writes where an attachment was: `[image: cat.png]`, `<Media omitted>`."""


def parse(event: RawEvent, limits: Limits) -> ParsedEvent:
    """The message, edit, deletion or closing in a chat event of schema chat.v1 or chat.v2."""
    value = read_json(event.data, limits.max_depth)
    kind = value.get("type")
    if kind == CLOSED:
        return _closing(value)
    said = _deletion(value) if kind == DELETED else _said(value, str(kind))
    return ParsedEvent(
        event_id=text_field(value, "message_id"),
        conversation_id=text_field(value, "conversation_id"),
        customer_id=text_field(value, "customer_id", required=False) or None,
        utterances=(said,),
    )


def _said(value: dict[str, Any], kind: str) -> Said:
    if value.get("text") in (None, "") and (
        kind in WORDLESS or any(value.get(name) for name in _MEDIA_FIELDS)
    ):
        raise Rejection(reasons.NO_WORDS, "a message without text")
    role = _role(value)
    text = text_field(value, "text")
    if kind in PRESENCE or _STAND_IN.fullmatch(text):
        role = "system"
    return Said(
        role=role,
        text=text,
        sent_at=time_field(value, "sent_at"),
        agent_id=text_field(value, "agent_id", required=False) or None,
        authorship="model" if role == "bot" else "human",
        replaces=text_field(value, "edits") if kind == EDITED else None,
    )


def _deletion(value: dict[str, Any]) -> Said:
    """A message's end: who deleted it need not be told, and what it said is not."""
    return Said(
        role=_role(value) if value.get("sender") else "system",
        text="",
        sent_at=time_field(value, "sent_at"),
        replaces=text_field(value, "edits"),
    )


def _role(value: dict[str, Any]) -> Role:
    role = ROLES.get(text_field(value, "sender"))
    if role is None:
        raise Rejection(reasons.FIELD_INVALID, "sender must be one of agent, bot, customer, system")
    return role


def _closing(value: dict[str, Any]) -> ParsedEvent:
    closing = Closing(
        at=time_field(value, "closed_at"),
        status=text_field(value, "resolution", required=False) or None,
        csat=rating_field(value, "csat"),
    )
    return ParsedEvent(
        event_id=text_field(value, "event_id"),
        conversation_id=text_field(value, "conversation_id"),
        customer_id=text_field(value, "customer_id", required=False) or None,
        utterances=(),
        closing=closing,
    )
