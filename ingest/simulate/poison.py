"""Events that no parser can use, one of each kind, and the reason each should be rejected for.

A poison event belongs to no conversation and must harm none.
"""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from deskwheel import reasons
from deskwheel.records import Channel, Event
from ingest.envelope import rfc3339
from ingest.simulate.names import Namer
from ingest.simulate.wire import to_event

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
    "nul_in_text": reasons.FIELD_INVALID,
    "lone_surrogate": reasons.FIELD_INVALID,
    "surrogate_bytes": reasons.UNDECODABLE,
    "gzipped": reasons.UNDECODABLE,
    "integer_beyond_64_bits": reasons.NUMBER_TOO_LARGE,
    "number_beyond_double": reasons.NUMBER_TOO_LARGE,
    "nested_1100": reasons.TOO_DEEP,
    "not_a_number": reasons.NOT_JSON,
    "not_an_object": reasons.NOT_JSON,
    "name_twice": reasons.FIELD_INVALID,
    "rating_of_nine": reasons.FIELD_INVALID,
    "call_schema_unknown": reasons.SCHEMA_UNKNOWN,
    "call_without_segments": reasons.FIELD_MISSING,
    "call_without_words": reasons.EMPTY,
    "not_webvtt": reasons.TRANSCRIPT_INVALID,
    "mail_dated_2099": reasons.TIME_FUTURE,
    "mail_without_words": reasons.EMPTY,
}
"""Every kind of poison and the reason code it has earned."""

HUGE_CHARS = 10_000_000
NESTING = 5_000
META_NESTING = 1_100
"""The standard parser's stack ends near 1,000."""

_FUTURE = datetime(2099, 1, 1, tzinfo=UTC)
_PAST = datetime(1970, 1, 1, tzinfo=UTC)
_FAR = {"year_2099": _FUTURE, "year_1970": _PAST}


def render_poison(
    kind: str,
    *,
    moment: datetime,
    tenant: str,
    name: Namer,
    huge_chars: int = HUGE_CHARS,
) -> Event:
    """Return one event of a kind in `POISON`; its time lies far off for the two year kinds."""
    moment = _FAR.get(kind, moment)
    key = name("poison-", 48)
    channel, data = _payload(kind, key, moment, name, huge_chars)
    headers = {"producer": f"{channel}-gw-1", "schema": f"{channel}.v1"}
    if kind in ("schema_unknown", "call_schema_unknown"):
        headers["schema"] = f"{channel}.v99"
    if kind == "not_webvtt":
        headers |= {
            "content-type": "text/vtt", "call_id": key, "started_at": rfc3339(moment),
        }  # fmt: skip
    key = "" if channel == "email" else key
    return to_event(channel, data, moment, tenant, headers=headers, key=key)


def channel_of(kind: str) -> Channel:
    """Return the channel on which a kind of poison comes."""
    return "email" if kind in _MAILS else "call" if kind in _CALLS else "chat"


def _payload(
    kind: str, key: str, moment: datetime, name: Namer, huge_chars: int
) -> tuple[Channel, bytes]:
    if kind in _MAILS:
        return "email", _MAILS[kind](key, moment)
    if kind in _CALLS:
        return "call", _CALLS[kind](key, moment)
    body = _message(key, moment, name)
    if kind == "huge":
        return "chat", json.dumps({**body, "text": "A" * huge_chars}).encode()
    if kind in _SPOILT:
        return "chat", json.dumps(_SPOILT[kind](body)).encode()
    whole = json.dumps(body).encode()
    return "chat", _BROKEN[kind](whole) if kind in _BROKEN else whole


Body = dict[str, Any]

_SPOILT: dict[str, Callable[[Body], Any]] = {
    "missing_fields": lambda b: {k: v for k, v in b.items() if k not in {"message_id", "sender"}},
    "wrong_types": lambda b: {**b, "sender": 3, "text": {"a": [1]}, "sent_at": 12},
    "nul_in_text": lambda b: {**b, "text": "Hello\x00, where is my parcel?"},
    "lone_surrogate": lambda b: {**b, "text": "Hello \ud83d, where is my parcel?"},
    "integer_beyond_64_bits": lambda b: {**b, "meta": {"session": 2**64}},
    "not_a_number": lambda b: {**b, "meta": {"score": float("nan")}},
    "not_an_object": lambda b: [b],
    "rating_of_nine": lambda b: {
        "type": "conversation.closed", "event_id": b["message_id"], "csat": 9,
        "conversation_id": b["conversation_id"], "customer_id": b["customer_id"],
        "resolution": "solved", "closed_at": b["sent_at"],
    },
}  # fmt: skip
"""Kinds that are valid JSON but for a value, made of a good message."""

_BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "not_json": lambda _: b"<message>hello</message>",
    "truncated_json": lambda whole: whole[: len(whole) * 2 // 3],
    "undecodable": lambda whole: whole.replace(b"parcel", b"par\xff\xfecel"),
    "surrogate_bytes": lambda whole: whole.replace(b"parcel", b"par\xed\xa0\x80cel"),
    "gzipped": lambda whole: gzip.compress(whole, mtime=0),
    "empty_value": lambda _: b"",
    "deep_nesting": lambda _: b'{"a":' * NESTING + b"1" + b"}" * NESTING,
    "nested_1100": lambda whole: (
        whole[:-1] + b', "meta": ' + b"[" * META_NESTING + b"]" * META_NESTING + b"}"
    ),
    "number_beyond_double": lambda whole: whole[:-1] + b', "meta": {"score": 1e999}}',
    "name_twice": lambda whole: whole[:-1] + b', "sender": "agent"}',
}
"""Kinds that are broken in their bytes."""


def _call(key: str, moment: datetime, segments: list[Body] | None) -> bytes:
    body: Body = {
        "call_id": key, "customer_id": "c0", "agent_id": "a0", "started_at": rfc3339(moment),
    }  # fmt: skip
    if segments is not None:
        body["segments"] = segments
    return json.dumps({**body, "disposition": None}).encode()


def _backwards() -> list[Body]:
    segment = {"speaker": "agent", "start_s": 9.0, "end_s": -4.0, "text": "x", "confidence": 0.9}
    return [segment, {**segment, "start_s": 3.0, "end_s": 1.0}]


def _silent() -> list[Body]:
    return [{"speaker": "agent", "start_s": 0.0, "end_s": 1.0, "text": " ", "confidence": 0.1}]


def _mail(key: str, date: str, text: str) -> bytes:
    head = f"From: kim@example.com\r\nTo: support@acme.example\r\nMessage-ID: <{key}@example.com>"
    return f"{head}\r\nSubject: Parcel\r\nDate: {date}\r\n\r\n{text}\r\n".encode()


_CALLS: dict[str, Callable[[str, datetime], bytes]] = {
    "segments_backwards": lambda key, moment: _call(key, moment, _backwards()),
    "call_schema_unknown": lambda key, moment: _call(key, moment, _silent()),
    "call_without_segments": lambda key, moment: _call(key, moment, None),
    "call_without_words": lambda key, moment: _call(key, moment, _silent()),
    "not_webvtt": lambda key, _moment: f"no transcript {key}\n".encode(),
}
_MAILS: dict[str, Callable[[str, datetime], bytes]] = {
    "mail_without_headers": lambda key, _moment: (
        f"just some words and no header block at all, {key}\r\n".encode()
    ),
    "mail_dated_2099": lambda key, _moment: _mail(
        key, "Thu, 01 Jan 2099 00:00:00 +0000", "Hello, where is my parcel?"
    ),
    "mail_without_words": lambda key, moment: _mail(
        key, f"{moment:%d %b %Y %H:%M:%S +0000}", "  \r\n"
    ),
}


def _message(key: str, moment: datetime, name: Namer) -> Body:
    return {
        "message_id": name("m-", 48),
        "conversation_id": key,
        "customer_id": name("c", 40),
        "sender": "customer",
        "agent_id": None,
        "text": "Hello, where is my parcel?",
        "sent_at": rfc3339(moment),
    }
