"""Calls: a transcript as JSON segments or as WebVTT with a voice tag for each speaker."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import webvtt

from deskwheel import reasons
from deskwheel.records import Role
from transforms.parse.fields import read_json, text_field, time_field
from transforms.parse.model import (
    Closing,
    Limits,
    ParsedEvent,
    RawEvent,
    Rejection,
    Said,
    parse_time,
)
from transforms.parse.speech import Segment, is_voicemail, spoken_turns

SPEAKERS: dict[str, Role] = {
    "agent": "agent", "representative": "agent", "rep": "agent", "operator": "agent",
    "customer": "customer", "caller": "customer", "client": "customer", "user": "customer",
    "ivr": "bot", "bot": "bot", "system": "system",
}  # fmt: skip
"""Roles by the labels that recognisers and telephone systems give; the schema lists the same."""

STATUS = {
    "resolved": "solved",
    "follow_up": "unsolved",
    "dropped": "abandoned",
    "transferred": "transferred",
    "voicemail": "abandoned",
}
"""A call's disposition in the words of a chat's resolution."""

_LONGEST_CALL_S = 7 * 86_400.0


@dataclass(frozen=True)
class _Call:
    id: str
    customer_id: str | None
    agent_id: str | None
    started_at: datetime
    disposition: str | None
    segments: Sequence[Segment]


def parse(event: RawEvent, limits: Limits) -> ParsedEvent:
    """The turns of a call (`transforms.parse.speech`); what was left on a recorder is none."""
    is_vtt = event.header("content-type").startswith("text/vtt")
    call = _from_vtt(event) if is_vtt else _from_json(read_json(event.data, limits.max_depth))
    limits.check_time(call.started_at, event.ingested_at)
    _check_order(call.segments)
    if is_voicemail(call.segments, call.disposition):
        raise Rejection(reasons.VOICEMAIL, "no agent spoke to the caller")
    said = tuple(_turns(call))
    if not any(u.text.strip() for u in said):
        raise Rejection(reasons.EMPTY, "a transcript without words")
    end_s = max(s.end_s for s in call.segments)
    status = STATUS.get(call.disposition or "", call.disposition)
    return ParsedEvent(
        event_id=call.id,
        conversation_id=call.id,
        customer_id=call.customer_id,
        utterances=said,
        closing=Closing(at=call.started_at + timedelta(seconds=end_s), status=status, csat=None),
    )


def _turns(call: _Call) -> Iterable[Said]:
    for turn in spoken_turns(call.segments):
        yield Said(
            role=turn.speaker,
            text=turn.text,
            sent_at=call.started_at + timedelta(seconds=turn.start_s),
            agent_id=call.agent_id if turn.speaker == "agent" else None,
            authorship="model" if turn.speaker == "bot" else "human",
            asr_confidence=turn.confidence,
            has_cross_talk=turn.has_cross_talk,
            speaker_note=turn.note,
        )


def _check_order(segments: Sequence[Segment]) -> None:
    if not segments:
        raise Rejection(reasons.EMPTY, "no segments")
    for i, segment in enumerate(segments):
        if segment.end_s < segment.start_s or segment.start_s < 0:
            raise Rejection(reasons.TRANSCRIPT_INVALID, f"segment {i} ends before it starts")
        if i and segment.start_s < segments[i - 1].start_s:
            raise Rejection(reasons.TRANSCRIPT_INVALID, f"segment {i} starts before the last")


def _from_json(value: dict[str, Any]) -> _Call:
    raw = value.get("segments")
    if raw is None:
        raise Rejection(reasons.FIELD_MISSING, "segments")
    if not isinstance(raw, list):
        raise Rejection(reasons.FIELD_INVALID, f"segments is a {type(raw).__name__}, not a list")
    return _Call(
        id=text_field(value, "call_id"),
        customer_id=text_field(value, "customer_id", required=False) or None,
        agent_id=text_field(value, "agent_id", required=False) or None,
        started_at=time_field(value, "started_at"),
        disposition=text_field(value, "disposition", required=False) or None,
        segments=[_segment(i, s) for i, s in enumerate(raw)],
    )


def _segment(index: int, value: Any) -> Segment:
    if not isinstance(value, dict):
        raise Rejection(reasons.FIELD_INVALID, f"segment {index} is not an object")
    speaker = SPEAKERS.get(text_field(value, "speaker"))
    if speaker is None:
        raise Rejection(reasons.FIELD_INVALID, f"segment {index} has an unknown speaker")
    start, end = (_seconds(value.get(name), index) for name in ("start_s", "end_s"))
    text = text_field(value, "text", required=False)
    return Segment(speaker, start, end, text, _confidence(value.get("confidence")))


def _confidence(value: Any) -> float | None:
    """A share of 1; recognisers that count in other ways are not understood."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= 1 else None


def _seconds(value: Any, index: int) -> float:
    if value is None or value == "":
        raise Rejection(reasons.FIELD_MISSING, f"segment {index} has no start_s or end_s")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not abs(value) < _LONGEST_CALL_S:
        raise Rejection(reasons.FIELD_INVALID, f"segment {index} has no start_s and end_s")
    return float(value)


def _from_vtt(event: RawEvent) -> _Call:
    call_id, started = event.header("call_id"), parse_time(event.header("started_at"))
    if not call_id or started is None:
        raise Rejection(reasons.FIELD_MISSING, "header call_id or started_at")
    try:
        text = event.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Rejection(reasons.UNDECODABLE, f"not UTF-8 at byte {error.start}") from None
    try:
        cues = list(webvtt.from_buffer(StringIO(text)))
    except (webvtt.errors.MalformedFileError, webvtt.errors.MalformedCaptionError) as error:
        raise Rejection(reasons.TRANSCRIPT_INVALID, f"not WebVTT: {type(error).__name__}") from None
    return _Call(
        id=call_id,
        customer_id=event.header("customer_id") or None,
        agent_id=event.header("agent_id") or None,
        started_at=started,
        disposition=event.header("disposition") or None,
        segments=[
            Segment(_voice(c.voice), c.start_in_seconds, c.end_in_seconds, c.text) for c in cues
        ],
    )


def _voice(voice: str | None) -> Role:
    """The role behind a voice tag: `agent Kim` and `Customer` are read by their first word."""
    first = (voice or "").lower().split(" ")[0].rstrip(":")
    return SPEAKERS.get(first, "customer")
