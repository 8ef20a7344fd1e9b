"""The problems of one payload: its bytes, its schema, and what no schema can say.

Reads and writes no topic.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import webvtt

from deskwheel import reasons
from deskwheel.strict_json import MAX_DEPTH, Flaw, read_object
from deskwheel.times import parse_time
from ingest.contract.model import Problem
from ingest.contract.schemas import compiled, kind_of

Times = tuple[tuple[str, datetime], ...]
"""(field, time) of every time that must be neither in the future nor before all events."""

_VTT = "text/vtt"


@dataclass(frozen=True)
class Checked:
    """What was found in a payload; the times are read where nothing else is wrong."""

    problems: tuple[Problem, ...] = ()
    times: Times = ()


def check_payload(
    schema: str,
    data: bytes,
    *,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
    max_depth: int = MAX_DEPTH,
) -> Checked:
    """What is wrong with a payload of a schema such as `chat.v2`; a mail's is not looked into.

    Args:
        schema: a name of `ingest.contract.schemas`.
        data: the payload, not empty.
        content_type: of a transcript, which is JSON or WebVTT.
        headers: the fields of a WebVTT transcript, names in lower case.
        max_depth: how deep JSON may be nested.
    """
    kind = kind_of(schema)
    if kind == "email":
        return Checked()
    if kind == "call" and content_type.startswith(_VTT):
        return _vtt(data, headers or {})
    value = read_object(data, max_depth)
    if isinstance(value, Flaw):
        return Checked((Problem(value.reason, "", value.detail),))
    problems: list[Problem] = []
    compiled(schema)(value, "", problems)
    return Checked(tuple(problems)) if problems else _FURTHER[kind](value)


def _chat(value: Mapping[str, Any]) -> Checked:
    return _dated(value, "closed_at" if value.get("type") == "conversation.closed" else "sent_at")


def _occurred(value: Mapping[str, Any]) -> Checked:
    return _dated(value, "occurred_at")


def _dated(value: Mapping[str, Any], field: str) -> Checked:
    moment = parse_time(value[field])
    return Checked(times=((field, moment),) if moment else ())


def _call(value: Mapping[str, Any]) -> Checked:
    started = parse_time(value["started_at"])
    spoken = [(s["start_s"], s["end_s"], s.get("text") or "") for s in value["segments"]]
    return _transcript(spoken, started)


def _vtt(data: bytes, headers: Mapping[str, str]) -> Checked:
    started = parse_time(headers.get("started_at", ""))
    if not headers.get("call_id") or started is None:
        missing = "started_at" if headers.get("call_id") else "call_id"
        return _one(reasons.FIELD_MISSING, missing, "header of a WebVTT transcript")
    try:
        cues = list(webvtt.from_buffer(StringIO(data.decode("utf-8-sig"))))
    except UnicodeDecodeError as error:
        return _one(reasons.UNDECODABLE, "", f"not UTF-8 at byte {error.start}")
    except (webvtt.errors.MalformedFileError, webvtt.errors.MalformedCaptionError) as error:
        return _one(reasons.TRANSCRIPT_INVALID, "", f"not WebVTT: {type(error).__name__}")
    return _transcript([(c.start_in_seconds, c.end_in_seconds, c.text) for c in cues], started)


def _transcript(spoken: Sequence[tuple[float, float, str]], started: datetime | None) -> Checked:
    """The order of a call's segments, whether a word is said, and when the call ends."""
    if not spoken:
        return _one(reasons.EMPTY, "segments", "no segments")
    problems = tuple(_disorder(spoken))
    if problems:
        return Checked(problems)
    if not any(text.strip() for _, _, text in spoken):
        return _one(reasons.EMPTY, "segments", "a transcript without words")
    if started is None:
        return Checked()
    return Checked(times=tuple(_call_times(spoken, started)))


def _disorder(spoken: Sequence[tuple[float, float, str]]) -> Iterator[Problem]:
    last = 0.0
    for index, (start, end, _) in enumerate(spoken):
        if end < start or start < 0:
            said = "ends before it starts"
        elif start < last:
            said = "starts before the last"
        else:
            last = start
            continue
        yield Problem(reasons.TRANSCRIPT_INVALID, f"segments[{index}]", said)
        return


def _call_times(
    spoken: Sequence[tuple[float, float, str]], started: datetime
) -> Iterator[tuple[str, datetime]]:
    yield "started_at", started
    try:
        yield "segments", started + timedelta(seconds=max(end for _, end, _ in spoken))
    except OverflowError:  # on the last day of time, which `started_at` is refused for
        return


def _one(reason: str, field: str, detail: str) -> Checked:
    return Checked((Problem(reason, field, detail),))


_FURTHER: Mapping[str, Callable[[Mapping[str, Any]], Checked]] = {
    "chat": _chat,
    "call": _call,
    "outcome": _occurred,
    "feedback": _occurred,
    "envelope": lambda _value: Checked(),
}
