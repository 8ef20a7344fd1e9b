"""Transcripts of Genesys Cloud Speech and Text Analytics into events of `call.v1`.

Writes `raw.call`. A file is what the API's transcript URL gives: a communication of a
conversation with `transcripts[].phrases[]`.

Source: Genesys Cloud Developer Center, Speech and Text Analytics, "Transcript URL".
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.envelope import json_object
from ingest.sources.files import FileRecord, PathOptions, read_files
from ingest.sources.model import Context, FieldMap, Item, Source
from ingest.sources.transcripts import (
    Transcript,
    at,
    first_map,
    not_carried,
    number_of,
    objects_of,
    segment_maps,
    text_of,
    time_of,
    transcript_item,
    with_confidence,
)

ROLES = {
    "internal": "agent",
    "agent": "agent",
    "user": "agent",
    "external": "customer",
    "customer": "customer",
    "ivr": "ivr",
    "acd": "ivr",
    "bot": "ivr",
}
"""participantPurpose → speaker; any other stays as it is and the stream rejects the call."""

TAKEN = frozenset({"conversationId", "communicationId", "transcripts", "participants"}) | {
    "conversationStartTime", "startTime",
}  # fmt: skip

_EPOCH_MS = 100_000_000_000.0
"""Times above are milliseconds since 1970, below since the start of the conversation."""


def read(options: PathOptions, context: Context) -> Iterator[Item]:
    """Yield one event a `.json` file."""
    for file in read_files(options, context, (".json",)):
        yield transcript_item(map_transcript(file), file, context)


def map_transcript(file: FileRecord) -> Transcript:
    """The call of an export; without phrases it cannot be mapped."""
    body = json_object(file.data)
    started = body.get("conversationStartTime") or body.get("startTime")
    phrases = [
        phrase
        for transcript in objects_of(body.get("transcripts"))
        for phrase in objects_of(transcript.get("phrases"))
    ]
    maps = [
        first_map(
            "call_id", (("conversationId, communicationId", _call_id(body)),), is_needed=True
        ),
        first_map(
            "started_at",
            (
                ("conversationStartTime", time_of(started)),
                ("phrases[].startTimeMs", _first(phrases)),
            ),
            is_needed=True,
        ),
        _person("customer_id", body, "customer", ("ani", "participantId")),
        _person("agent_id", body, "agent", ("userId", "participantId")),
    ]
    fields = {m.canonical: m.value for m in maps if m.canonical}
    base_ms = number_of(started) or _least_epoch(phrases) or 0.0
    segments = sorted((_segment(p, base_ms) for p in phrases), key=lambda s: s["start_s"])
    return Transcript(
        body={**fields, "segments": segments} if segments else {},
        maps=(*maps, *_phrase_maps(phrases), *not_carried(body, TAKEN)),
    )


def _call_id(body: Mapping[str, Any]) -> str | None:
    """A conversation that was transferred has a communication for each leg, so both are in it."""
    parts = [text_of(body.get(name)) for name in ("conversationId", "communicationId")]
    return ":".join(p for p in parts if p) or None


def _person(canonical: str, body: Mapping[str, Any], role: str, names: tuple[str, ...]) -> FieldMap:
    for participant in objects_of(body.get("participants")):
        if ROLES.get(str(participant.get("participantPurpose")).lower()) == role:
            places = [(f"participants[].{n}", text_of(participant.get(n))) for n in names]
            return first_map(canonical, places)
    return FieldMap(canonical=canonical, source=None)


def _least_epoch(phrases: list[Mapping[str, Any]]) -> float | None:
    times = [t for p in phrases if (t := number_of(p.get("startTimeMs"))) and t > _EPOCH_MS]
    return min(times, default=None)


def _first(phrases: list[Mapping[str, Any]]) -> str | None:
    """Time of the first phrase, where phrases are dated absolutely."""
    return time_of(_least_epoch(phrases))


def _segment(phrase: Mapping[str, Any], base_ms: float) -> dict[str, Any]:
    start_ms = number_of(phrase.get("startTimeMs")) or 0.0
    start_ms = max(0.0, start_ms - base_ms) if start_ms > _EPOCH_MS else start_ms
    length_ms = number_of(phrase.get("duration")) or number_of(
        at(phrase, "duration", "milliseconds")
    )
    purpose = str(phrase.get("participantPurpose")).lower()
    segment: dict[str, Any] = {
        "speaker": ROLES.get(purpose, purpose),
        "start_s": start_ms / 1000,
        "end_s": (start_ms + max(0.0, length_ms or 0.0)) / 1000,
        "text": phrase.get("decoratedText") or phrase.get("text") or "",
    }
    return with_confidence(segment, number_of(phrase.get("confidence")))


def _phrase_maps(phrases: list[Mapping[str, Any]]) -> list[FieldMap]:
    first = phrases[0] if phrases else {}
    unknown = {str(p.get("participantPurpose")) for p in phrases} - set(ROLES)
    problem = f"unknown participantPurpose {', '.join(sorted(unknown))}" if unknown else None
    missing = None if phrases else "no transcripts[].phrases[]: the record cannot be mapped"
    text = "decoratedText" if first.get("decoratedText") else "text"
    rows = (
        ("segments[].speaker", "participantPurpose", problem),
        ("segments[].start_s", "startTimeMs", None),
        ("segments[].end_s", "duration", None),
        ("segments[].text", text, missing),
        ("segments[].confidence", "confidence", None),
    )
    return segment_maps(first, "phrases[]", rows)


SOURCE = Source(
    channel="call",
    about="Transcripts of Genesys Cloud, one .json file a communication.",
    options=PathOptions,
    read=read,
    facts={"format": "what the API's transcript URL gives: transcripts[].phrases[]"},
)
