"""Chat messages and the ends of chats, one JSON object a line, into events. Writes `raw.chat`."""

from collections.abc import Iterator

from deskwheel.records import Event
from ingest.envelope import Arrival, json_object, wrap
from ingest.sources.files import PathOptions
from ingest.sources.json_lines import read_lines
from ingest.sources.model import Context, Item, Source

CLOSED = "conversation.closed"


def read(options: PathOptions, context: Context) -> Iterator[Item]:
    """Yield one event a line of each `.jsonl` file; blank lines are skipped, bad ones are not."""
    return read_lines(options, context, to_event, dated_by=("sent_at", "closed_at"))


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


SOURCE = Source(
    channel="chat",
    about="Chat messages and ends of chats, one JSON object a line of .jsonl files, followed.",
    options=PathOptions,
    read=read,
)
