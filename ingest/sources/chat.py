"""Chat messages and the ends of chats, one JSON object a line, into events. Writes `raw.chat`."""

import json
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from deskwheel.records import Event
from ingest.envelope import Arrival, json_object, parsed_time, wrap
from ingest.sources.fields import json_fields
from ingest.sources.files import MAX_RECORD_BYTES, PathOptions
from ingest.sources.growing import Chunk, Growing, read_growing
from ingest.sources.model import Context, Item, Source

CLOSED = "conversation.closed"

_SKIP_BYTES = 65_536


def read(options: PathOptions, context: Context) -> Iterator[Item]:
    """Yield one event a line of each `.jsonl` file; blank lines are skipped, bad ones are not."""
    for record in read_growing(options, context, LINES):
        body = json_object(record.data)
        moment = parsed_time(body.get("sent_at") or body.get("closed_at")) or context.now()
        event = to_event(Arrival(data=record.data, received_at=moment, tenant=context.tenant))
        yield Item(
            event=event,
            origin=record.origin,
            position=record.position,
            fields=json_fields(body, event.dataschema) if context.is_sampling else (),
        )


def to_event(arrival: Arrival) -> Event:
    """Return the event of a chat message, named by its message id (a chat's end: event id)."""
    body = json_object(arrival.data)
    is_closed = body.get("type") == CLOSED
    conversation = body.get("conversation_id")
    return wrap(
        arrival,
        "chat",
        own_id=body.get("event_id" if is_closed else "message_id"),
        kind="closed" if is_closed else "message",
        dataschema="chat.v2" if "meta" in body else "chat.v1",
        content_type="application/json",
        key=arrival.key or (conversation if isinstance(conversation, str) else ""),
    )


def split_lines(content: BinaryIO) -> Iterable[Chunk]:
    """Yield the lines of a file from where it stands, without their ends; cut where too long."""
    while line := content.readline(MAX_RECORD_BYTES):
        rest = line
        while not rest.endswith(b"\n") and len(line) == MAX_RECORD_BYTES:
            if not (rest := content.readline(_SKIP_BYTES)):
                break
        data = line.rstrip(b"\r\n")
        yield Chunk(data if data.strip() else b"", content.tell(), rest.endswith(b"\n"))


def is_json(data: bytes) -> bool:
    """Whether a line without an end is complete all the same."""
    try:
        return isinstance(json.loads(data), dict)
    except (ValueError, RecursionError):
        return False


LINES = Growing(suffix=".jsonl", split=split_lines, is_whole=is_json, quiet_s=600.0)
"""A line without an end that is no JSON waits for its rest, for ten minutes at most."""

SOURCE = Source(
    channel="chat",
    about="Chat messages and ends of chats, one JSON object a line of .jsonl files, followed.",
    options=PathOptions,
    read=read,
)
