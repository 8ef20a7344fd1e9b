"""Dialogues as chat messages and call transcripts, in the formats the sources send.

Chat: JSON of schema chat.v1 or chat.v2 and a closing event. Call: JSON segments, or WebVTT with
the call's fields in the headers.
"""

import json
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from deskwheel.records import Event
from ingest.envelope import Arrival, rfc3339
from ingest.simulate.chance import happens
from ingest.simulate.dialogue import Dialogue, Line
from ingest.simulate.mess import heard
from ingest.sources import SOURCES

VTT_SHARE = 0.15
RAW_ASR_SHARE = 0.5
"""Of calls whose recogniser writes neither capitals nor punctuation."""

DISPOSITIONS = {
    "solved": "resolved",
    "unsolved": "follow_up",
    "transferred": "transferred",
    "abandoned": "dropped",
}
WORD_S = 0.36
"""Seconds a word takes when spoken: about 165 words a minute."""


def gap_s(rng: random.Random, role: str) -> float:
    """Return the seconds until the next chat message of a role comes."""
    return rng.uniform(0.5, 3) if role in {"bot", "system"} else rng.uniform(8, 75)


def render_chat(
    dialogue: Dialogue, rng: random.Random, *, start: datetime, tenant: str
) -> list[Event]:
    """Return the events of a chat in order of their time, its end included where there is one."""
    is_v2, moment, events = happens(rng, 0.5), start, []
    for line in dialogue.lines:
        moment += timedelta(seconds=gap_s(rng, line.role))
        body = _chat_message(dialogue, line, rng, moment)
        if is_v2:
            body["meta"] = {"client": rng.choice(("ios", "android", "web")), "locale": "en"}
        events.append(chat_event(body, rng, moment, tenant, key=dialogue.conversation_id))
    if dialogue.status is not None or dialogue.csat is not None:
        moment += timedelta(seconds=rng.uniform(20, 240))
        body = _chat_end(dialogue, rng, moment)
        events.append(chat_event(body, rng, moment, tenant, key=dialogue.conversation_id))
    return events


def chat_event(
    body: Mapping[str, Any], rng: random.Random, moment: datetime, tenant: str, *, key: str
) -> Event:
    """Return the event of a chat payload, as one of the two chat gateways sends it."""
    is_v2 = "meta" in body
    headers = {
        "producer": rng.choice(("chat-gw-1", "chat-gw-2")),
        "schema": "chat.v2" if is_v2 else "chat.v1",
    }
    data = json.dumps(body, ensure_ascii=False, sort_keys=is_v2).encode()
    arrival = Arrival(data=data, received_at=moment, key=key, headers=headers, tenant=tenant)
    return SOURCES["chat"].to_event(arrival)


def _chat_message(
    dialogue: Dialogue, line: Line, rng: random.Random, moment: datetime
) -> dict[str, Any]:
    return {
        "message_id": f"m-{rng.getrandbits(48):012x}",
        "conversation_id": dialogue.conversation_id,
        "customer_id": dialogue.customer.id,
        "sender": line.role,
        "agent_id": dialogue.agent_id if line.role == "agent" else None,
        "text": line.text,
        "sent_at": rfc3339(moment),
    }


def _chat_end(dialogue: Dialogue, rng: random.Random, moment: datetime) -> dict[str, Any]:
    return {
        "type": "conversation.closed",
        "event_id": f"x-{rng.getrandbits(48):012x}",
        "conversation_id": dialogue.conversation_id,
        "customer_id": dialogue.customer.id,
        "resolution": dialogue.status,
        "csat": dialogue.csat,
        "closed_at": rfc3339(moment),
    }


def render_call(
    dialogue: Dialogue, rng: random.Random, *, start: datetime, tenant: str, messiness: float
) -> list[Event]:
    """Return the one event of a call, dated at its end."""
    is_formatted = not happens(rng, RAW_ASR_SHARE)
    segments: list[dict[str, Any]] = []
    clock = 0.0
    for line in dialogue.lines:
        text = heard(line.text, rng, rate=messiness, is_formatted=is_formatted)
        for piece in _pieces(text, rng):
            clock += rng.uniform(0.1, 0.9)
            end = clock + WORD_S * len(piece.split())
            speaker = "ivr" if line.role == "bot" else line.role
            segments.append(_segment(speaker, clock, end, piece, rng))
            clock = end
    fields = {
        "call_id": dialogue.conversation_id,
        "customer_id": dialogue.customer.id,
        "agent_id": dialogue.agent_id,
        "started_at": rfc3339(start),
        "disposition": DISPOSITIONS.get(dialogue.status or ""),
    }
    return [_call_event(fields, segments, rng, start + timedelta(seconds=clock), tenant)]


def _call_event(
    fields: Mapping[str, str | None],
    segments: list[dict[str, Any]],
    rng: random.Random,
    moment: datetime,
    tenant: str,
) -> Event:
    headers = {"producer": "asr-1", "call_id": str(fields["call_id"])}
    if happens(rng, VTT_SHARE):
        headers |= {name: value or "" for name, value in fields.items()}
        headers["content-type"] = "text/vtt"
        data = _vtt(str(fields["call_id"]), segments)
    else:
        body = {**fields, "segments": segments}
        data = json.dumps(body, ensure_ascii=False).encode()
    return SOURCES["call"].to_event(
        Arrival(
            data=data,
            received_at=moment,
            key=str(fields["call_id"]),
            headers=headers,
            tenant=tenant,
        )
    )


def _pieces(text: str, rng: random.Random) -> list[str]:
    words, pieces = text.split(), []
    while words:
        size = rng.randint(5, 12)
        pieces.append(" ".join(words[:size]))
        words = words[size:]
    return pieces


def _segment(
    speaker: str, start: float, end: float, text: str, rng: random.Random
) -> dict[str, Any]:
    return {
        "speaker": speaker,
        "start_s": round(start, 2),
        "end_s": round(end, 2),
        "text": text,
        "confidence": round(rng.uniform(0.78, 0.97), 3),
    }


def _vtt(call_id: str, segments: list[dict[str, Any]]) -> bytes:
    blocks = ["WEBVTT", f"NOTE call_id={call_id}"]
    for number, segment in enumerate(segments, start=1):
        times = f"{_stamp(segment['start_s'])} --> {_stamp(segment['end_s'])}"
        voice = str(segment["speaker"]).capitalize()
        blocks.append(f"{number}\n{times}\n<v {voice}>{segment['text']}")
    return ("\n\n".join(blocks) + "\n").encode()


def _stamp(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"
