"""Call transcripts (JSON, or WebVTT with the call's fields beside it) into events.

Writes `raw.call`.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from deskwheel.records import Event
from ingest.envelope import Arrival, json_object, parsed_time, wrap
from ingest.sources.files import files_under

VTT = "text/vtt"
FIELDS = ("call_id", "customer_id", "agent_id", "started_at", "disposition")
"""Fields that travel as headers when the transcript has no place for them."""

_NOTE = re.compile(rf"^NOTE\s+({'|'.join(FIELDS)})=([^\s]{{1,250}})\s*$", re.MULTILINE)


def read(path: Path, *, tenant: str, now: datetime) -> Iterator[Event]:
    """Yield one event a `.json` or `.vtt` file.

    The fields of a WebVTT transcript are read from its `NOTE name=value` lines; without a
    `call_id` there the name of the file stands in.
    """
    for file in files_under(path, (".json", ".vtt")):
        data = file.read_bytes()
        headers: dict[str, str] = {}
        if file.suffix == ".vtt":
            notes = dict(_NOTE.findall(data.decode("utf-8", "replace")))
            headers = {"call_id": file.stem, **notes, "content-type": VTT}
        started = headers.get("started_at") or json_object(data).get("started_at")
        moment = parsed_time(started) or now
        yield to_event(Arrival(data=data, received_at=moment, tenant=tenant, headers=headers))


def to_event(arrival: Arrival) -> Event:
    """Return the event of a transcript, named and keyed by its call id."""
    call_id = arrival.headers.get("call_id") or json_object(arrival.data).get("call_id")
    return wrap(
        arrival,
        "call",
        own_id=call_id,
        kind="transcript",
        dataschema="call.v1",
        content_type="application/json",
        key=arrival.key or (call_id if isinstance(call_id, str) else ""),
    )
