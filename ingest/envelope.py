"""CloudEvents 1.0 headers out of an Event, and the identity of raw material read totally.

Reads and writes no topic. Nothing here raises on what a source sends: bad input gets an id of
its content and travels on, because the stream owes it a reason code.

Source: CloudEvents 1.0.2, Kafka Protocol Binding §3.2 (binary content mode).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from deskwheel.errors import PublishError
from deskwheel.ids import record_id
from deskwheel.records import Event, EventChannel

SPEC_VERSION = "1.0"
MAX_ID_CHARS = 250
"""Longer ids of a source are replaced by a digest: an id is a header, not a payload."""

_CONTENT_TYPE = "content-type"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ID = re.compile(rf"[\x21-\x7e]{{1,{MAX_ID_CHARS}}}")


class RefusedError(PublishError):
    """An event cannot be published as it is; sending it again changes nothing."""

    retriable = False


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """Raw material as a source received it, before anybody looked inside."""

    data: bytes
    received_at: datetime
    key: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    tenant: str = "default"


def headers_of(event: Event) -> list[tuple[str, bytes]]:
    """Return the Kafka headers of an event: the envelope, then the source's own.

    A header of the source that bears a name of the envelope is left out; the envelope holds.

    Raises:
        RefusedError: a name is not made of letters, digits and `_.-`, or a value holds a
            control character such as a line break or NUL (header injection).
    """
    envelope = {
        "ce_specversion": SPEC_VERSION,
        "ce_id": event.id,
        "ce_source": event.source,
        "ce_type": event.type,
        "ce_time": rfc3339(event.time),
        "ce_subject": event.key or event.id,
        "ce_dataschema": event.dataschema,
        "ce_tenant": event.tenant,
        _CONTENT_TYPE: event.content_type,
    }
    for name, value in event.attributes.items():
        lower = name.lower()
        if lower != _CONTENT_TYPE and not lower.startswith(("ce_", "dlq.")):
            if not _NAME.fullmatch(name):
                raise RefusedError(
                    f"event {event.id!r}: header name {name!r} is not made of letters, digits and"
                    " _.-; rename it at the source"
                )
            envelope[name] = value
    # One look at all values, because this runs for every event; no control character is printable.
    values = "".join(envelope.values())
    if not values.isprintable() and _CONTROL.search(values):
        raise _controlled(event, envelope)
    return [(name, value.encode("utf-8", "replace")) for name, value in envelope.items()]


def _controlled(event: Event, headers: Mapping[str, str]) -> RefusedError:
    name, value = next((n, v) for n, v in headers.items() if _CONTROL.search(v))
    return RefusedError(
        f"event {event.id!r}: header {name} holds a control character: {value[:80]!r};"
        " remove it at the source"
    )


def able_to_travel(event: Event) -> Event:
    """Return the event with whatever its headers could not carry made harmless.

    Control characters of values are percent-encoded and other signs of names become `_`, so
    that nothing is injected and nothing is lost: the stream then judges the event by what is
    left, as a start time that is none any more. An event without such signs is returned itself.
    """
    changed: dict[str, Any] = {
        name: _harmless(value)
        for name in ("source", "type", "dataschema", "tenant", "content_type", "id", "key")
        if _CONTROL.search(value := getattr(event, name))
    }
    if any(not _NAME.fullmatch(n) or _CONTROL.search(v) for n, v in event.attributes.items()):
        changed["attributes"] = {
            re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:100] or "_": _harmless(value)
            for name, value in event.attributes.items()
        }
    return replace(event, **changed) if changed else event


def _harmless(value: str) -> str:
    return _CONTROL.sub(lambda found: f"%{ord(found[0]):02X}", value)


def rfc3339(moment: datetime) -> str:
    """Return a time as RFC 3339 in UTC with milliseconds, as in `2026-04-01T08:00:00.000Z`."""
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat(timespec="milliseconds")[:-6] + "Z"


def parsed_time(text: object) -> datetime | None:
    """Return the time of an ISO 8601 text in UTC; None for anything else or without a zone."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def json_object(data: bytes) -> Mapping[str, Any]:
    """Return the JSON object of a payload; an empty one for whatever else it is."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def wrap(
    arrival: Arrival,
    channel: EventChannel,
    *,
    own_id: object,
    kind: str,
    dataschema: str,
    content_type: str,
    key: str | None = None,
    time: datetime | None = None,
) -> Event:
    """Return the event of an arrival, with the source's id where it is usable as one.

    The headers `producer` and `schema` become `ce_source` and `ce_dataschema`; the rest goes
    along. Without a usable id the event is named by a digest of channel, key and bytes, so
    that the same bytes are the same event; an unusable key becomes its digest.
    """
    key = arrival.key if key is None else key
    key = key if not key or _ID.fullmatch(key) else record_id("key", key)
    headers = {name.lower(): value for name, value in arrival.headers.items()}
    known = isinstance(own_id, str) and _ID.fullmatch(own_id)
    fallback = record_id("evt", channel, key, arrival.data)
    return Event(
        id=str(own_id) if known else fallback,
        source=headers.pop("producer", f"{channel}-file"),
        type=f"deskwheel.{channel}.{kind}",
        dataschema=headers.pop("schema", dataschema),
        time=time or arrival.received_at,
        tenant=arrival.tenant,
        channel=channel,
        key=key,
        content_type=headers.pop(_CONTENT_TYPE, content_type),
        data=arrival.data,
        attributes=headers,
    )
