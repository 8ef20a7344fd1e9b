"""The segments of a caption file (SRT or WebVTT) with who spoke them.

Speakers are read from voice tags (`<v Agent Kim>`) and from labels in front of the words:
`Agent:`, `[Customer]`, `>> IVR:`. A cue without any goes on with the speaker before it.

Source: WebVTT of W3C for cues, times and voice tags; SRT has no standard and is read as what
WebVTT grew out of: a number, two times with a comma, the words.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

UNKNOWN = "unknown"
"""Speaker of words that nobody is named for; no schema knows it, so the call is rejected."""

_TIME = r"(?:([0-9]{1,4}):)?([0-9]{1,2}):([0-9]{2})[.,]([0-9]{3})"
_TIMES = re.compile(rf"\s*{_TIME}\s+-->\s+{_TIME}")
_VOICE = re.compile(r"<v(?:\.[^\s>]{1,60})?\s+([^<>]{1,80})>")
_LABEL = re.compile(
    r"\s*(?:>>\s*([^:\[\]<>]{1,60}):|\[([^\[\]]{1,60})\]\s*:?|([^\s:\[\]<>][^:\[\]<>]{0,59}):(?=\s|$))"
)
_TAG = re.compile(r"</?[A-Za-z0-9][^<>]{0,100}>|<[0-9:.]{1,20}>")


@dataclass(frozen=True)
class Captions:
    """What a caption file says, and whether the stream understands its speakers as they are."""

    segments: tuple[Mapping[str, Any], ...] = ()
    """As in `call.v1`."""
    labels: tuple[str, ...] = ()
    """Names that stood for speakers, known or not."""
    unknown: tuple[str, ...] = ()
    """Those that no option says the role of."""
    has_labels_in_text: bool = False


@dataclass(frozen=True)
class _Spoken:
    label: str | None
    text: str
    is_tag: bool = False


def read_captions(text: str, roles: Mapping[str, str]) -> Captions:
    """Return the segments of a caption file in its order; none where it has no cues.

    Args:
        text: the file.
        roles: label or first word of one, in lower case → `agent`, `customer` or `ivr`.
    """
    segments: list[Mapping[str, Any]] = []
    labels: dict[str, str] = {}
    has_labels_in_text = False
    speaker = UNKNOWN
    for start_s, end_s, lines in _cues(text):
        for spoken in _spoken(lines, roles):
            if spoken.label is not None:
                speaker = _role(spoken.label, roles) or UNKNOWN
                labels[spoken.label] = speaker
                has_labels_in_text = has_labels_in_text or not spoken.is_tag
            if spoken.text:
                segments.append(
                    {"speaker": speaker, "start_s": start_s, "end_s": end_s, "text": spoken.text}
                )
    return Captions(
        segments=tuple(segments),
        labels=tuple(labels),
        unknown=tuple(name for name, role in labels.items() if role == UNKNOWN),
        has_labels_in_text=has_labels_in_text,
    )


def _cues(text: str) -> Iterator[tuple[float, float, list[str]]]:
    """(start, end, lines) of each cue; a cue ends with an empty line."""
    times: tuple[float, float] | None = None
    lines: list[str] = []
    for line in (*text.splitlines(), ""):
        if found := _TIMES.match(line):
            if times:
                yield *times, lines
            times, lines = (_seconds(found.groups()[:4]), _seconds(found.groups()[4:])), []
        elif times and line.strip():
            lines.append(line)
        elif times:
            yield *times, lines
            times = None


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, thousandths = (int(p or 0) for p in parts)
    return hours * 3600 + minutes * 60 + seconds + thousandths / 1000


def _spoken(lines: list[str], roles: Mapping[str, str]) -> Iterator[_Spoken]:
    """What each speaker of a cue says; lines without a label belong to the one before."""
    label: str | None = None
    is_tag = False
    words: list[str] = []
    for line in lines:
        voice = _VOICE.search(line)
        found = None if voice else _labelled(line, roles)
        if voice or found:
            yield _Spoken(label, _joined(words), is_tag)
            label = voice[1].strip() if voice else found[0] if found else None
            is_tag = voice is not None
            words = [line if voice else found[1] if found else ""]
        else:
            words.append(line)
    yield _Spoken(label, _joined(words), is_tag)


def _labelled(line: str, roles: Mapping[str, str]) -> tuple[str, str] | None:
    """(label, rest) of a line; what stands before a colon is one only where it is known."""
    found = _LABEL.match(line)
    if not found:
        return None
    label = next(g for g in found.groups() if g is not None).strip()
    is_marked = found[1] is not None
    return (label, line[found.end() :]) if is_marked or _role(label, roles) else None


def _role(label: str, roles: Mapping[str, str]) -> str | None:
    whole = label.lower().strip()
    first = re.split(r"[\s_\-.#(]+|(?<=[a-z])(?=[0-9])", whole, maxsplit=1)[0]
    return roles.get(whole) or roles.get(first)


def _joined(words: list[str]) -> str:
    return " ".join(_TAG.sub("", " ".join(words)).split())
