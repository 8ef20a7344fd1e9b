"""Transcripts of Twilio Conversational Intelligence into events of `call.v1`. Writes `raw.call`.

A file holds a Transcript resource with its Sentences: the answer of
`/v2/Transcripts/SID/Sentences`, with the Transcript's own fields beside `sentences` or in an
object `transcript`.

Source: Twilio's API reference, Transcript resource and Transcript Sentence subresource.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deskwheel.settings import bounded
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

TAKEN = frozenset({"sid", "transcript_sid", "media_start_time", "date_created", "channel"}) | {
    "customer_key", "sentences", "transcript",
}  # fmt: skip

_ROLES = {"agent": "agent", "customer": "customer", "human_agent": "agent", "ai_agent": "ivr"}


@dataclass(frozen=True)
class TwilioOptions(PathOptions):
    """Options of transcripts of Twilio."""

    agent_channel: int = bounded(
        1, 0, 16, "Media channel of the agent where the transcript names no participants."
    )


def read(options: TwilioOptions, context: Context) -> Iterator[Item]:
    """Yield one event a `.json` file."""
    for file in read_files(options, context, (".json",)):
        yield transcript_item(map_transcript(file, options), file, context)


def map_transcript(file: FileRecord, options: TwilioOptions) -> Transcript:
    """The call of an export; without sentences it cannot be mapped."""
    body = json_object(file.data)
    inner = body.get("transcript")
    resource: Mapping[str, Any] = inner if isinstance(inner, Mapping) else body
    sentences = objects_of(body.get("sentences"))
    participants = objects_of(at(resource, "channel", "participants"))
    roles = {
        text_of(p.get("channel_participant")): _ROLES.get(str(p.get("role")).lower(), "customer")
        for p in participants
    }
    who = {
        role: p
        for p in reversed(participants)
        if (role := roles[text_of(p.get("channel_participant"))])
    }
    maps = [
        first_map(
            "call_id",
            (
                ("sid", text_of(resource.get("sid"))),
                ("transcript_sid", text_of(resource.get("transcript_sid"))),
                ("file name", file.path.stem),
            ),
        ),
        first_map(
            "started_at",
            (
                ("media_start_time", time_of(resource.get("media_start_time"))),
                ("date_created", time_of(resource.get("date_created"))),
            ),
            is_needed=True,
        ),
        _person("customer_id", who.get("customer", {}), resource.get("customer_key")),
        _person("agent_id", who.get("agent", {}), None),
    ]
    fields = {m.canonical: m.value for m in maps if m.canonical}
    segments, more = _segments(sentences, roles, options.agent_channel)
    return Transcript(
        body={**fields, "segments": segments} if segments else {},
        maps=(*maps, *more, *not_carried(resource, TAKEN)),
    )


def _person(canonical: str, participant: Mapping[str, Any], further: Any) -> FieldMap:
    names = ("user_id", "media_participant_id", "email")
    places = [(f"channel.participants[].{n}", text_of(participant.get(n))) for n in names]
    return first_map(canonical, (*places, ("customer_key", text_of(further))))


def _segments(
    sentences: list[Mapping[str, Any]], roles: Mapping[Any, str], agent_channel: int
) -> tuple[list[dict[str, Any]], list[FieldMap]]:
    """The sentences in their order; one without times is put at the end of the one before."""
    segments: list[dict[str, Any]] = []
    end_s = 0.0
    ordered = sorted(sentences, key=lambda s: number_of(s.get("sentence_index")) or 0.0)
    timed = [s for s in ordered if number_of(s.get("start_time")) is not None]
    if len(timed) == len(ordered):
        ordered.sort(key=lambda s: number_of(s.get("start_time")) or 0.0)
    for sentence in ordered:
        channel = text_of(sentence.get("media_channel"))
        start_s = number_of(sentence.get("start_time"))
        start_s = end_s if start_s is None else start_s
        end_s = max(start_s, number_of(sentence.get("end_time")) or start_s)
        default = "agent" if channel == str(agent_channel) else "customer"
        segment: dict[str, Any] = {
            "speaker": roles.get(channel, default),
            "start_s": start_s,
            "end_s": end_s,
            "text": sentence.get("transcript"),
        }
        segments.append(with_confidence(segment, number_of(sentence.get("confidence"))))
    return segments, _sentence_maps(ordered, roles, len(ordered) - len(timed))


def _sentence_maps(
    sentences: list[Mapping[str, Any]], roles: Mapping[Any, str], untimed: int
) -> list[FieldMap]:
    first = sentences[0] if sentences else {}
    missing = None if sentences else "no sentences: the record cannot be mapped"
    guessed = None if roles else "no channel.participants: the role follows agent_channel"
    times = f"{untimed} sentences without times follow the one before" if untimed else None
    rows = (
        ("segments[].speaker", "media_channel", guessed),
        ("segments[].start_s", "start_time", times),
        ("segments[].end_s", "end_time", None),
        ("segments[].text", "transcript", missing),
        ("segments[].confidence", "confidence", None),
    )
    return segment_maps(first, "sentences[]", rows)


SOURCE = Source(
    channel="call",
    about="Transcripts of Twilio Conversational Intelligence, one .json file a transcript.",
    options=TwilioOptions,
    read=read,
    facts={"format": "Transcript resource and its Sentences, as Twilio's API answers"},
)
