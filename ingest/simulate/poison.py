"""Events that no parser can use, one of each kind, and the reason each should be rejected for.

A poison event belongs to no conversation and must harm none.
"""

import json
import random
from datetime import UTC, datetime
from typing import Any

from deskwheel import reasons
from deskwheel.records import Event
from ingest.envelope import Arrival, rfc3339
from ingest.sources import SOURCES

POISON: dict[str, str] = {
    "not_json": reasons.NOT_JSON,
    "truncated_json": reasons.NOT_JSON,
    "undecodable": reasons.UNDECODABLE,
    "empty_value": reasons.EMPTY,
    "deep_nesting": reasons.TOO_DEEP,
    "huge": reasons.TOO_LARGE,
    "schema_unknown": reasons.SCHEMA_UNKNOWN,
    "missing_fields": reasons.FIELD_MISSING,
    "wrong_types": reasons.FIELD_INVALID,
    "year_2099": reasons.TIME_FUTURE,
    "year_1970": reasons.TIME_PAST,
    "mail_without_headers": reasons.NO_HEADERS,
    "segments_backwards": reasons.TRANSCRIPT_INVALID,
}
"""Every kind of poison and the reason code it has earned."""

HUGE_CHARS = 10_000_000
NESTING = 5_000

_FUTURE = datetime(2099, 1, 1, tzinfo=UTC)
_PAST = datetime(1970, 1, 1, tzinfo=UTC)


def render_poison(kind: str, rng: random.Random, *, moment: datetime, tenant: str) -> Event:
    """Return one event of a kind in `POISON`; its time lies far off for the two year kinds."""
    moment = {"year_2099": _FUTURE, "year_1970": _PAST}.get(kind, moment)
    key = f"poison-{rng.getrandbits(48):012x}"
    channel, data = _payload(kind, key, rng, moment)
    schema = {"chat": "chat.v99" if kind == "schema_unknown" else "chat.v1"}
    headers = {"producer": f"{channel}-gw-1", "schema": schema.get(channel, f"{channel}.v1")}
    return SOURCES[channel].to_event(
        Arrival(
            data=data,
            received_at=moment,
            key="" if channel == "email" else key,
            headers=headers,
            tenant=tenant,
        )
    )


def _payload(kind: str, key: str, rng: random.Random, moment: datetime) -> tuple[str, bytes]:
    if kind == "mail_without_headers":
        return "email", b"just some words and no header block at all\r\n"
    if kind == "segments_backwards":
        return "call", json.dumps(_backwards(key, moment)).encode()
    body = _message(key, rng, moment)
    whole = json.dumps(body).encode()
    raw = {
        "not_json": b"<message>hello</message>",
        "truncated_json": whole[: len(whole) * 2 // 3],
        "undecodable": whole.replace(b"parcel", b"par\xff\xfecel"),
        "empty_value": b"",
        "deep_nesting": b'{"a":' * NESTING + b"1" + b"}" * NESTING,
    }
    return "chat", raw[kind] if kind in raw else json.dumps(_spoilt(kind, body)).encode()


def _spoilt(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    if kind == "huge":
        return {**body, "text": "A" * HUGE_CHARS}
    if kind == "missing_fields":
        return {k: v for k, v in body.items() if k not in {"message_id", "sender"}}
    if kind == "wrong_types":
        return {**body, "sender": 3, "text": {"a": [1]}, "sent_at": 12}
    return body


def _message(key: str, rng: random.Random, moment: datetime) -> dict[str, Any]:
    return {
        "message_id": f"m-{rng.getrandbits(48):012x}",
        "conversation_id": key,
        "customer_id": f"c{rng.getrandbits(40):010x}",
        "sender": "customer",
        "agent_id": None,
        "text": "Hello, where is my parcel?",
        "sent_at": rfc3339(moment),
    }


def _backwards(key: str, moment: datetime) -> dict[str, Any]:
    segment = {"speaker": "agent", "start_s": 9.0, "end_s": -4.0, "text": "x", "confidence": 0.9}
    return {
        "call_id": key,
        "customer_id": "c0",
        "agent_id": "a0",
        "started_at": rfc3339(moment),
        "segments": [segment, {**segment, "start_s": 3.0, "end_s": 1.0}],
        "disposition": None,
    }
