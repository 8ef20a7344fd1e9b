"""Chat messages and the ends of chats, one JSON object a line, into events. Writes `raw.chat`."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from deskwheel.records import Event
from ingest.envelope import Arrival, json_object, parsed_time, wrap
from ingest.sources.files import files_under

CLOSED = "conversation.closed"


def read(path: Path, *, tenant: str, now: datetime) -> Iterator[Event]:
    """Yield one event a line of each `.jsonl` file; blank lines are skipped, bad ones are not."""
    for file in files_under(path, (".jsonl",)):
        for line in file.read_bytes().splitlines():
            if line.strip():
                body = json_object(line)
                moment = parsed_time(body.get("sent_at") or body.get("closed_at")) or now
                yield to_event(Arrival(data=line, received_at=moment, tenant=tenant))


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
