"""What came of conversations, one JSON object a line, into events. Writes `raw.outcome`.

Statuses, ratings, reopened tickets, agents' edits of a suggested reply and thumbs, as a help desk
exports them; `python -m ingest schema show outcome.v1` describes the object.
"""

from collections.abc import Iterator

from deskwheel.records import Event
from ingest.envelope import Arrival, json_object, wrap
from ingest.sources.files import PathOptions
from ingest.sources.json_lines import read_lines
from ingest.sources.model import Context, Item, Source


def read(options: PathOptions, context: Context) -> Iterator[Item]:
    """Yield one event a line of each `.jsonl` file; blank lines are skipped, bad ones are not."""
    return read_lines(options, context, to_event, dated_by=("occurred_at",))


def to_event(arrival: Arrival) -> Event:
    """Return the event of an outcome, named by its outcome id, keyed by its conversation's."""
    body = json_object(arrival.data)
    conversation, kind = body.get("conversation_id"), body.get("kind")
    return wrap(
        arrival,
        "outcome",
        own_id=body.get("outcome_id"),
        kind=kind if isinstance(kind, str) and kind in KINDS else "unknown",
        dataschema="outcome.v1",
        content_type="application/json",
        key=arrival.key or (conversation if isinstance(conversation, str) else ""),
    )


KINDS = ("status", "csat", "reopened", "edit", "thumbs")

SOURCE = Source(
    channel="outcome",
    about="Statuses, ratings, edits and thumbs of conversations, one JSON object a line of .jsonl.",
    options=PathOptions,
    read=read,
)
