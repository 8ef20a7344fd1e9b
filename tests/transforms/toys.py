"""Toy events of each channel as they lie in Kafka, and the rules they are read by."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from deskwheel.records import Pointer, Turn
from transforms.parse.model import Limits, RawEvent
from transforms.turns import Rules, turn_rows

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""When the broker receives every toy event."""

SENT = "2026-03-02T11:00:00Z"

LIMITS = Limits(
    max_event_bytes=100_000,
    future_slack=timedelta(minutes=5),
    earliest=datetime(2000, 1, 1, tzinfo=UTC),
    company_domains=("acme.example",),
)
RULES = Rules(tenant="acme", secret=b"toy-secret", limits=LIMITS)
PLACE = Pointer(topic="raw.chat", partition=1, offset=7)

MESSAGE: dict[str, Any] = {
    "message_id": "m-1",
    "conversation_id": "ch-1",
    "customer_id": "c-1",
    "sender": "customer",
    "agent_id": None,
    "text": "Where is my parcel?",
    "sent_at": SENT,
}
CLOSED: dict[str, Any] = {
    "type": "conversation.closed",
    "event_id": "x-1",
    "conversation_id": "ch-1",
    "customer_id": "c-1",
    "resolution": "solved",
    "csat": 5,
    "closed_at": SENT,
}
CALL: dict[str, Any] = {
    "call_id": "call-1",
    "customer_id": "c-1",
    "agent_id": "a-1",
    "started_at": SENT,
    "disposition": "resolved",
    "segments": [
        {"speaker": "agent", "start_s": 0.0, "end_s": 2.0, "text": "Acme support, hello."},
        {"speaker": "customer", "start_s": 2.5, "end_s": 4.0, "text": "My order is late."},
        {"speaker": "customer", "start_s": 4.0, "end_s": 6.0, "text": "Where is it?"},
    ],
}
OUTCOME: dict[str, Any] = {
    "outcome_id": "o-1",
    "kind": "csat",
    "channel": "chat",
    "conversation_id": "ch-1",
    "customer_id": "c-1",
    "occurred_at": SENT,
    "csat": 2,
}
VTT = """WEBVTT

00:00:00.000 --> 00:00:02.000
<v Agent>Acme support, hello.

00:00:02.500 --> 00:00:04.000
<v Customer>My order is late.
"""
VTT_HEADERS = {"content-type": "text/vtt", "call_id": "call-1", "started_at": SENT}


def raw(
    channel: str, data: bytes, *, size: int | None = None, at: datetime = NOW, **headers: str
) -> RawEvent:
    """An event of a channel; header names are given with `_` for `-` where they have one."""
    named = {k.replace("content_type", "content-type"): v for k, v in headers.items()}
    return RawEvent(channel, data, len(data) if size is None else size, named, at)


def chat(**changes: Any) -> RawEvent:
    """A chat message with fields changed; a field set to `...` is left out."""
    return raw("chat", _json(MESSAGE, changes), ce_dataschema="chat.v1")


def closing(**changes: Any) -> RawEvent:
    """The end of a chat with fields changed."""
    return raw("chat", _json(CLOSED, changes), ce_dataschema="chat.v1")


def call(**changes: Any) -> RawEvent:
    """A JSON transcript with fields changed."""
    return raw("call", _json(CALL, changes), ce_dataschema="call.v1")


def outcome(**changes: Any) -> RawEvent:
    """A late rating of the toy chat with fields changed."""
    return raw("outcome", _json(OUTCOME, changes), ce_dataschema="outcome.v1")


def vtt(text: str = VTT, **changes: str) -> RawEvent:
    """A WebVTT transcript with its fields in the headers."""
    headers = {k: v for k, v in {**VTT_HEADERS, **changes}.items() if v}
    return RawEvent("call", text.encode(), len(text.encode()), headers, NOW)


def mail(body: str = "Where is my parcel?", **headers: str) -> RawEvent:
    """A plain mail of a customer; `_` in header names stands for `-`, an empty one is left out."""
    lines = {
        "From": "Robin Toy <robin@example.com>",
        "To": "Acme Support <support@acme.example>",
        "Message-ID": "<1@example.com>",
        "Date": "Mon, 02 Mar 2026 11:00:00 +0000",
        "Subject": "A question",
        "Content-Type": "text/plain; charset=utf-8",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return raw("email", f"{head}\r\n{body}\r\n".encode(), ce_dataschema="email.v1")


def turns(event: RawEvent, **changes: Any) -> list[Turn]:
    """The rows of an event under the toy rules."""
    return turn_rows(event, PLACE, RULES, batch_id=changes.get("batch_id", 3))


def _json(value: dict[str, Any], changes: dict[str, Any]) -> bytes:
    return json.dumps({k: v for k, v in {**value, **changes}.items() if v is not ...}).encode()
