"""Transcripts of other forms as events of `call.v1`. Writes `raw.call`.

What cannot be mapped at all travels with its original bytes and the schema it should have had,
so that the stream rejects it with a reason and keeps it as a dead letter.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from deskwheel.records import Event
from ingest.envelope import Arrival, parsed_time, wrap
from ingest.sources.files import FileRecord
from ingest.sources.model import Context, FieldMap, Item

SCHEMA = "call.v1"
JSON = "application/json"
VTT = "text/vtt"


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """A call as our schema has it, and where each field came from."""

    body: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `call.v1`; empty where the record cannot be mapped."""
    maps: Sequence[FieldMap] = ()


def call_event(arrival: Arrival, *, call_id: object, content_type: str = JSON) -> Event:
    """The event of a call, named and keyed by its id."""
    return wrap(
        arrival,
        "call",
        own_id=call_id,
        kind="transcript",
        dataschema=SCHEMA,
        content_type=content_type,
        key=arrival.key or (call_id if isinstance(call_id, str) else ""),
    )


def transcript_item(transcript: Transcript, file: FileRecord, context: Context) -> Item:
    """Return a mapped transcript as a record; its original is named by its digest."""
    body = {name: value for name, value in transcript.body.items() if value is not None}
    started = parsed_time(body.get("started_at"))
    data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace") if body else file.data
    headers = {"original-sha256": hashlib.sha256(file.data).hexdigest()} if body else {}
    arrival = Arrival(
        data=data,
        received_at=started or context.now(),
        tenant=context.tenant,
        headers=headers,
    )
    return Item(
        event=call_event(arrival, call_id=body.get("call_id")),
        origin=file.name,
        position=file.position,
        fields=tuple(transcript.maps) if context.is_sampling else (),
    )


def text_of(value: object) -> str | None:
    """A text, or a whole number as one; None for anything else and for nothing."""
    if isinstance(value, str):
        return value.strip() or None
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number else None


def number_of(value: object) -> float | None:
    """A number, also one that is written as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


def time_of(value: object) -> str | None:
    """A time as ISO 8601: texts with a zone as they are, numbers as milliseconds since 1970."""
    if isinstance(value, str) and parsed_time(value):
        return value
    number = number_of(value)
    if number is None:
        return None
    try:
        return datetime.fromtimestamp(number / 1000, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return None


def at(value: object, *path: str) -> Any:
    """What stands at a path of nested objects; None where there is nothing."""
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def objects_of(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; none where it is no list."""
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []


def first_map(
    canonical: str, candidates: Sequence[tuple[str, Any]], *, is_needed: bool = False
) -> FieldMap:
    """The first of several places that has a value; a needed field without one has a problem."""
    for source, value in candidates:
        if value is not None:
            return FieldMap(canonical=canonical, source=source, value=value)
    places = " or ".join(source for source, _ in candidates)
    return FieldMap(
        canonical=canonical,
        source=None,
        problem=f"nothing usable in {places}" if is_needed else None,
    )


def not_carried(body: Mapping[str, Any], taken: frozenset[str]) -> list[FieldMap]:
    """The fields of a record that our schema has no place for."""
    return [
        FieldMap(canonical=None, source=name, value=value)
        for name, value in body.items()
        if name not in taken
    ]


def segment_maps(
    first: Mapping[str, Any], within: str, rows: Sequence[tuple[str, str, str | None]]
) -> list[FieldMap]:
    """How the fields of segments map, shown by the first of them.

    Args:
        first: the source's own segment; empty where there is none.
        within: its list in the source, as `phrases[]`.
        rows: our field, the source's field and a problem with it each.
    """
    return [
        FieldMap(canonical=c, source=f"{within}.{s}", value=first.get(s), problem=p)
        for c, s, p in rows
    ]


def with_confidence(segment: dict[str, Any], confidence: float | None) -> dict[str, Any]:
    """The segment with the recogniser's confidence, where it states one."""
    return segment if confidence is None else {**segment, "confidence": confidence}
