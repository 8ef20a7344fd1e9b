"""Files of JSON lines that may grow, each line into an event: chats and outcomes.

Reads files; writes no topic.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from deskwheel.records import Event
from ingest.envelope import Arrival, json_object, parsed_time
from ingest.sources.fields import json_fields
from ingest.sources.files import MAX_RECORD_BYTES, PathOptions
from ingest.sources.growing import Chunk, Growing, read_growing
from ingest.sources.model import Context, Item

_SKIP_BYTES = 65_536


def read_lines(
    options: PathOptions,
    context: Context,
    to_event: Callable[[Arrival], Event],
    *,
    dated_by: Iterable[str],
) -> Iterator[Item]:
    """Yield one event a line of each `.jsonl` file; blank lines are skipped, bad ones are not.

    Args:
        options: where the files are.
        context: the run that reads.
        to_event: the channel's way from a line to its event.
        dated_by: fields that may hold the line's time; the first that is filled decides.
    """
    for record in read_growing(options, context, LINES):
        body = json_object(record.data)
        stated = next((time for name in dated_by if (time := body.get(name))), None)
        moment = parsed_time(stated) or context.now()
        event = to_event(Arrival(data=record.data, received_at=moment, tenant=context.tenant))
        yield Item(
            event=event,
            origin=record.origin,
            position=record.position,
            fields=json_fields(body, event.dataschema) if context.is_sampling else (),
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
