"""Call transcripts (JSON, or WebVTT and SRT with speaker labels) into events.

Writes `raw.call`. JSON of `call.v1` and WebVTT whose voice tags name the roles travel untouched,
the latter with the call's fields beside it. SRT, which has no schema, and WebVTT whose speakers
are labels in the text or names become JSON of `call.v1`; the original stays where it is and is
named by its digest in the header `original-sha256`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deskwheel.records import Event
from deskwheel.settings import described
from ingest.envelope import Arrival, json_object, parsed_time
from ingest.sources.captions import UNKNOWN, Captions, read_captions
from ingest.sources.fields import json_fields
from ingest.sources.files import FileRecord, PathOptions, read_files
from ingest.sources.model import Context, FieldMap, Item, Source
from ingest.sources.transcripts import VTT, Transcript, call_event, transcript_item

FIELDS = ("call_id", "customer_id", "agent_id", "started_at", "disposition")
"""Fields of a call that captions have no place for."""

BESIDE = ".fields.json"
"""End of the name of a file with those fields, `call-7.fields.json` beside `call-7.srt`."""

_NOTE = re.compile(rf"^NOTE\s+({'|'.join(FIELDS)})=([^\s]{{1,250}})\s*$", re.MULTILINE)
_SPOKEN_AS_IT_IS = frozenset({"agent", "customer", "ivr"})
"""First words of voice tags that the stream reads as roles."""


@dataclass(frozen=True)
class CallOptions(PathOptions):
    """Options of files with call transcripts."""

    agents: tuple[str, ...] = described(
        ("agent", "rep", "representative", "advisor", "operator", "support"),
        "Labels of agents in captions, in lower case: a label's first word, or all of it.",
    )
    customers: tuple[str, ...] = described(
        ("customer", "caller", "client", "user", "member"), "Labels of customers."
    )
    machines: tuple[str, ...] = described(
        ("ivr", "system", "bot", "assistant"), "Labels of machines."
    )
    undated: str = described(
        "reject",
        "A call without started_at: left for the stream to reject, or dated by its file.",
        ("reject", "file"),
    )


def read(options: CallOptions, context: Context) -> Iterator[Item]:
    """Yield one event a `.json`, `.vtt` or `.srt` file.

    The fields of captions are read from the file beside them and from `NOTE name=value` lines;
    without a `call_id` there the name of the file stands in.
    """
    for file in read_files(options, context, (".json", ".vtt", ".srt")):
        if file.name.endswith(BESIDE):
            continue
        is_json = file.path.suffix.lower() == ".json"
        yield _from_json(file, context) if is_json else _from_captions(file, options, context)


def to_event(arrival: Arrival) -> Event:
    """Return the event of a transcript, named and keyed by its call id."""
    call_id = arrival.headers.get("call_id") or json_object(arrival.data).get("call_id")
    return call_event(arrival, call_id=call_id)


def _from_json(file: FileRecord, context: Context) -> Item:
    body = json_object(file.data)
    moment = parsed_time(body.get("started_at")) or context.now()
    return Item(
        event=to_event(Arrival(data=file.data, received_at=moment, tenant=context.tenant)),
        origin=file.name,
        position=file.position,
        fields=json_fields(body, "call.v1") if context.is_sampling else (),
    )


def _from_captions(file: FileRecord, options: CallOptions, context: Context) -> Item:
    text = file.data.decode("utf-8-sig", "replace")
    fields = _fields(file, text, options)
    captions = read_captions(text, _roles(options))
    is_vtt = file.path.suffix.lower() == ".vtt"
    if not captions.segments or is_vtt and _is_readable_as_it_is(captions):
        return _untouched(file, fields, captions, context)
    body = {**fields, "segments": list(captions.segments)}
    return transcript_item(Transcript(body=body, maps=_maps(fields, captions)), file, context)


def _is_readable_as_it_is(captions: Captions) -> bool:
    """Whether the stream finds the same speakers; without any label it takes a customer's."""
    names = {label.lower().split(" ")[0] for label in captions.labels}
    return not captions.has_labels_in_text and names <= _SPOKEN_AS_IT_IS


def _untouched(
    file: FileRecord, fields: Mapping[str, str], captions: Captions, context: Context
) -> Item:
    """The captions as they are; what has no cue is rejected as such."""
    arrival = Arrival(
        data=file.data,
        received_at=parsed_time(fields.get("started_at")) or context.now(),
        tenant=context.tenant,
        headers={**fields, "content-type": VTT},
    )
    return Item(
        event=to_event(arrival),
        origin=file.name,
        position=file.position,
        fields=_maps(fields, captions) if context.is_sampling else (),
    )


def _fields(file: FileRecord, text: str, options: CallOptions) -> dict[str, str]:
    """The call's fields: the name of its file, what lies beside it, what its notes say."""
    beside = file.path.with_name(file.path.stem + BESIDE)
    found: Mapping[str, Any] = json_object(_bytes_of(beside)) if beside.is_file() else {}
    fields = {
        "call_id": file.path.stem,
        **{name: found[name] for name in FIELDS if isinstance(found.get(name), str)},
        **dict(_NOTE.findall(text)),
    }
    if "started_at" not in fields and options.undated == "file":
        moment = datetime.fromtimestamp(file.path.stat().st_mtime, UTC)
        fields["started_at"] = moment.isoformat(timespec="seconds")
    return fields


def _bytes_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(65_536)


def _roles(options: CallOptions) -> dict[str, str]:
    return {
        **dict.fromkeys(options.machines, "ivr"),
        **dict.fromkeys(options.customers, "customer"),
        **dict.fromkeys(options.agents, "agent"),
    }


def _maps(fields: Mapping[str, str], captions: Captions) -> tuple[FieldMap, ...]:
    heads = [
        FieldMap(
            canonical=name,
            source=name if name in fields else None,
            value=fields.get(name),
            problem="no NOTE and no file beside it has one"
            if name == "started_at" and name not in fields
            else None,
        )
        for name in FIELDS
    ]
    first: Mapping[str, Any] = captions.segments[0] if captions.segments else {}
    names = ", ".join(captions.unknown)
    problem = f"nobody knows the role of {names}; see options" if names else None
    if any(s["speaker"] == UNKNOWN for s in captions.segments) and not names:
        problem = "words before the first speaker label"
    return (
        *heads,
        FieldMap(
            canonical="segments[].speaker",
            source="speaker labels" if captions.labels else None,
            value=list(captions.labels),
            problem=problem,
        ),
        FieldMap(canonical="segments[].start_s", source="cue times", value=first.get("start_s")),
        FieldMap(canonical="segments[].end_s", source="cue times", value=first.get("end_s")),
        FieldMap(canonical="segments[].text", source="cue text", value=first.get("text")),
    )


SOURCE = Source(
    channel="call",
    about="Call transcripts, one .json, .vtt or .srt file a call, speakers labelled.",
    options=CallOptions,
    read=read,
)
