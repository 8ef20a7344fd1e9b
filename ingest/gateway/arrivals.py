"""Bodies and headers of requests into events: plain payloads, CloudEvents, and batches of both.

Reads HTTP, writes nothing. Sources: CloudEvents 1.0.2, HTTP Protocol Binding §3; JSON Event Format;
Partitioning extension.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from deskwheel import reasons
from deskwheel.records import Event
from ingest.envelope import Arrival, parsed_time
from ingest.gateway.refusal import Refusal, too_large, unacceptable, unknown_media
from ingest.sources import CHANNELS

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
MEDIA: dict[str, tuple[str, ...]] = {
    **{channel: ("application/json",) for channel in CHANNELS},
    "email": ("message/rfc822",),
    "call": ("application/json", "text/vtt"),
}
"""Channel → media types of its payloads."""

OWN_HEADER = "x-deskwheel-"
"""Headers of plain payloads that travel with the event: `x-deskwheel-call-id` as `call_id`."""

RESERVED = ("ce_", "dlq.", "refused")
"""Headers that deskwheel itself gives a meaning to, as that a dead letter was sent back before."""

_REQUIRED = ("id", "source", "type")
_TYPE = re.compile(r"deskwheel\.([a-z]+)\.[a-z_]+")
_ID = re.compile(r"[\x21-\x7e]{1,250}")
_LINE = re.compile(rb"\S[^\n]*")
_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()
_OWN_ATTRIBUTES = frozenset(
    {"specversion", "id", "source", "type", "time", "subject", "dataschema", "datacontenttype",
     "partitionkey", "tenant", "data", "data_base64"}
)  # fmt: skip


def media_type(content_type: str) -> str:
    """The media type of a Content-Type, without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def single(
    channel: str, headers: Mapping[str, str], body: bytes, *, tenant: str, now: datetime
) -> Event:
    """The event of a request to one channel, in whichever of the three forms it comes.

    Raises:
        Refusal: 415 or 422.
    """
    media = media_type(headers.get("content-type", ""))
    if media == STRUCTURED:
        return structured(_json(body), channel=channel, tenant=tenant, now=now)
    if "ce-specversion" in headers:
        return binary(channel, headers, body, tenant=tenant, now=now)
    _check_media(channel, media)
    own = {
        name.removeprefix(OWN_HEADER).replace("-", "_"): value
        for name, value in headers.items()
        if name.startswith(OWN_HEADER)
    }
    key = own.pop("key", "")
    return plain(channel, body, key=key, headers={**own, "content-type": media}, tenant=tenant,
                 now=now)  # fmt: skip


def plain(
    channel: str, data: bytes, *, key: str, headers: Mapping[str, str], tenant: str, now: datetime
) -> Event:
    """The event of a payload as its source would make it.

    Raises:
        Refusal: 422, there is no payload.
    """
    if not data:
        raise unacceptable(reasons.EMPTY, "the event has no payload; send one")
    if any(name.lower().startswith(RESERVED) for name in headers):
        raise unacceptable(
            reasons.HEADER_INVALID, f"a header begins with {', '.join(RESERVED)}; rename it"
        )
    named = {"producer": "gateway", **headers}
    arrival = Arrival(data=data, received_at=now, key=key, headers=named, tenant=tenant)
    return CHANNELS[channel](arrival)


def binary(
    channel: str, headers: Mapping[str, str], body: bytes, *, tenant: str, now: datetime
) -> Event:
    """The event whose attributes are `ce-` headers, percent-decoded, and whose data is the body.

    Raises:
        Refusal: 415 or 422.
    """
    attributes: dict[str, Any] = {
        name.removeprefix("ce-"): unquote(value, errors="replace")
        for name, value in headers.items()
        if name.startswith("ce-")
    }
    attributes["datacontenttype"] = headers.get("content-type", "")
    return _cloud_event(attributes, body, channel=channel, tenant=tenant, now=now)


def structured(value: Any, *, channel: str | None, tenant: str, now: datetime) -> Event:
    """The event of one JSON object of a CloudEvent.

    Args:
        value: the parsed JSON.
        channel: None takes it from the event's type.
        tenant: who sends.
        now: time of an event that has none.

    Raises:
        Refusal: 415 or 422.
    """
    if not isinstance(value, dict):
        raise unacceptable(reasons.FIELD_INVALID, "a CloudEvent is a JSON object")
    if "data_base64" in value:
        data = _from_base64(value["data_base64"])
    else:
        data = _data(value.get("data"))
    named = {"datacontenttype": "application/json", **value}
    return _cloud_event(named, data, channel=channel, tenant=tenant, now=now)


def batch(
    media: str, body: bytes, *, tenant: str, now: datetime, max_events: int
) -> Iterator[Event | Refusal]:
    """Yield each event of a batch or why it is none, in the order of the batch.

    Each is parsed when it is asked for, so that a batch of too many costs no more than the limit.

    Raises:
        Refusal: 413, 415 or 422, the batch as a whole cannot be read.
    """
    rows: Iterator[Any]
    if media == BATCH:
        rows = _elements(body)
    elif media in NDJSON:
        rows = (found[0] for found in _LINE.finditer(body))
    else:
        known = ", ".join((BATCH, NDJSON[0]))
        raise unknown_media(f"the Content-Type is none of {known}", "content-type")
    for index, row in enumerate(rows):
        if index == max_events:
            raise too_large(f"the batch has more than {max_events} events; send several")
        yield _row(row, tenant=tenant, now=now)


def _elements(body: bytes) -> Iterator[Any]:
    """Yield the elements of a JSON array."""
    with _as_refusal():
        text = body.decode(json.detect_encoding(body), "surrogatepass")
    at = _behind_space(text, 0)
    if not text.startswith("[", at):
        raise unacceptable(reasons.FIELD_INVALID, "a batch of CloudEvents is a JSON array")
    at = _behind_space(text, at + 1)
    is_last = text.startswith("]", at)
    while not is_last:
        with _as_refusal():
            value, at = _DECODER.raw_decode(text, at)
        yield value
        at = _behind_space(text, at)
        is_last = text.startswith("]", at)
        if not is_last:
            if not text.startswith(",", at):
                raise _no_json()
            at = _behind_space(text, at + 1)
    if _behind_space(text, at + 1) < len(text):
        raise _no_json()


def _behind_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _row(row: Any, *, tenant: str, now: datetime) -> Event | Refusal:
    try:
        if isinstance(row, bytes):
            return _line(_json(row), tenant=tenant, now=now)
        return structured(row, channel=None, tenant=tenant, now=now)
    except Refusal as refusal:
        return refusal


def _line(value: Any, *, tenant: str, now: datetime) -> Event:
    if not isinstance(value, dict):
        raise unacceptable(reasons.FIELD_INVALID, "a line is a JSON object")
    channel = value.get("channel")
    if channel not in CHANNELS:
        known = ", ".join(CHANNELS)
        raise unacceptable(
            reasons.FIELD_INVALID, f"the channel is none of {known}", field="channel"
        )
    is_packed = "data_base64" in value
    data = _from_base64(value["data_base64"]) if is_packed else _data(value.get("data"))
    key, headers = value.get("key", ""), value.get("headers", {})
    if not isinstance(key, str):
        raise unacceptable(reasons.FIELD_INVALID, "the key is no string", field="key")
    if not isinstance(headers, dict) or not all(isinstance(v, str) for v in headers.values()):
        raise unacceptable(reasons.FIELD_INVALID, "headers are strings by name", field="headers")
    named = {name.lower(): text for name, text in headers.items()}
    media = media_type(named.setdefault("content-type", MEDIA[channel][0]))
    _check_media(channel, media)
    return plain(channel, data, key=key, headers=named, tenant=tenant, now=now)


def _cloud_event(
    attributes: Mapping[str, Any],
    data: bytes,
    *,
    channel: str | None,
    tenant: str,
    now: datetime,
) -> Event:
    texts = {name: _attribute(name, value) for name, value in attributes.items()
             if name not in {"data", "data_base64"} and value is not None}  # fmt: skip
    _check_attributes(texts, tenant)
    channel = _channel(texts["type"], channel)
    media = media_type(texts.get("datacontenttype", ""))
    _check_media(channel, media)
    moment = _time(texts.get("time"), now)
    own = {name: text for name, text in texts.items() if name not in _OWN_ATTRIBUTES}
    headers = {**own, "producer": texts["source"], "content-type": media}
    if "dataschema" in texts:
        headers["schema"] = texts["dataschema"]
    key = texts.get("partitionkey") or texts.get("subject", "")
    event = plain(channel, data, key=key, headers=headers, tenant=tenant, now=moment)
    return replace(event, id=texts["id"], type=texts["type"], time=moment)


def _attribute(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int):
        return str(value)
    raise unacceptable(
        reasons.FIELD_INVALID, "an attribute is a string, integer or boolean", field=name[:64]
    )


def _check_attributes(texts: Mapping[str, str], tenant: str) -> None:
    if texts.get("specversion") != "1.0":
        raise unacceptable(
            reasons.FIELD_INVALID, "only CloudEvents 1.0 are taken", field="specversion"
        )
    for name in _REQUIRED:
        if not texts.get(name):
            raise unacceptable(
                reasons.FIELD_MISSING, "a CloudEvent needs this attribute", field=name
            )
    if not _ID.fullmatch(texts["id"]):
        raise unacceptable(
            reasons.FIELD_INVALID, "an id is 1 to 250 visible ASCII characters", field="id"
        )
    if texts.get("tenant", tenant) != tenant:
        raise unacceptable(
            reasons.FIELD_INVALID, "the token belongs to another tenant", field="tenant"
        )


def _channel(kind: str, wanted: str | None) -> str:
    """The channel of an event by address and type, which must not contradict each other."""
    found = _TYPE.fullmatch(kind)
    named = found[1] if found else None
    channel = wanted or named
    if channel not in CHANNELS or (wanted and found and named != wanted):
        known = ", ".join(f"deskwheel.{name}.…" for name in CHANNELS)
        raise unacceptable(
            reasons.FIELD_INVALID, f"the type names no channel, or another one; {known}",
            field="type",
        )  # fmt: skip
    return channel


def _time(text: str | None, now: datetime) -> datetime:
    if text is None:
        return now
    moment = parsed_time(text)
    if moment is None:
        raise unacceptable(reasons.FIELD_INVALID, "not RFC 3339 with a zone", field="time")
    return moment


def _check_media(channel: str, media: str) -> None:
    if media not in MEDIA[channel]:
        known = ", ".join((*MEDIA[channel], STRUCTURED))
        raise unknown_media(f"channel {channel} takes {known}", "content-type")


def _data(value: Any) -> bytes:
    """The bytes of a member `data`: a string as it is, JSON as compact JSON."""
    if value is None:
        return b""
    try:
        text = value if isinstance(value, str) else json.dumps(
            value, ensure_ascii=False, separators=(",", ":")
        )  # fmt: skip
        return text.encode()
    except UnicodeEncodeError:
        raise unacceptable(
            reasons.UNDECODABLE, "holds half of a surrogate pair; send data_base64", field="data"
        ) from None
    except RecursionError:
        raise unacceptable(reasons.TOO_DEEP, "nested too deeply; flatten it") from None


def _from_base64(value: Any) -> bytes:
    try:
        return base64.b64decode(value if isinstance(value, str) else "*", validate=True)
    except (binascii.Error, ValueError):
        raise unacceptable(reasons.FIELD_INVALID, "not base64", field="data_base64") from None


def _json(body: bytes) -> Any:
    with _as_refusal():
        return json.loads(body)


@contextmanager
def _as_refusal() -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError:
        raise unacceptable(reasons.UNDECODABLE, "not UTF-8") from None
    except RecursionError:
        raise unacceptable(reasons.TOO_DEEP, "nested too deeply; flatten it") from None
    except ValueError:
        raise _no_json() from None


def _no_json() -> Refusal:
    return unacceptable(reasons.NOT_JSON, "not JSON; check it with a parser")
