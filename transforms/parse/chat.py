"""Chat: one JSON object a message, and one for the end of the conversation."""

from typing import Any, cast

from deskwheel.records import Role
from transforms.parse.fields import choice_field, rating_field, read_json, text_field, time_field
from transforms.parse.model import Closing, Limits, ParsedEvent, RawEvent, Said

ROLES: frozenset[str] = frozenset({"customer", "agent", "bot", "system"})
CLOSED = "conversation.closed"


def parse(event: RawEvent, limits: Limits) -> ParsedEvent:
    """The message, or the closing, in a chat event of schema chat.v1 or chat.v2."""
    value = read_json(event.data, limits.max_depth)
    if value.get("type") == CLOSED:
        return _closing(value)
    role = choice_field(value, "sender", ROLES)
    said = Said(
        role=cast(Role, role),
        text=text_field(value, "text"),
        sent_at=time_field(value, "sent_at"),
        agent_id=text_field(value, "agent_id", required=False) or None,
        authorship="model" if role == "bot" else "human",
    )
    return ParsedEvent(
        event_id=text_field(value, "message_id"),
        conversation_id=text_field(value, "conversation_id"),
        customer_id=text_field(value, "customer_id", required=False) or None,
        utterances=(said,),
    )


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
