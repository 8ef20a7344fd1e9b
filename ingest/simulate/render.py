"""Dialogues as chat messages and call transcripts, in the formats the sources send.

Chat: JSON of schema chat.v1 or chat.v2 and a closing event. Call: JSON segments, or WebVTT with
the call's fields in the headers.
"""

import json
import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from deskwheel.records import Event
from ingest.envelope import rfc3339
from ingest.simulate.chance import happens
from ingest.simulate.dialogue import Dialogue, Line
from ingest.simulate.mess import heard, stumbled
from ingest.simulate.names import Namer
from ingest.simulate.wire import Step, to_event

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


def chat_steps(
    dialogue: Dialogue, rng: random.Random, *, tenant: str, name: Namer
) -> Iterator[Step]:
    """Yield the messages of a chat, and its end where the source states one."""
    is_v2 = happens(rng, 0.5)

    def message(line: Line, moment: datetime) -> Event:
        body = _chat_message(dialogue, line, name, moment)
        if is_v2:
            body["meta"] = {"client": rng.choice(("ios", "android", "web")), "locale": "en"}
        return chat_event(body, rng, moment, tenant, key=dialogue.conversation_id)

    def end(moment: datetime) -> Event:
        body = _chat_end(dialogue, name, moment)
        return chat_event(body, rng, moment, tenant, key=dialogue.conversation_id)

    for line in dialogue.lines:
        yield Step(gap_s(rng, line.role), partial(message, line))
    if dialogue.status is not None or dialogue.csat is not None:
        yield Step(rng.uniform(20, 240), end)


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
    return to_event("chat", data, moment, tenant, headers=headers, key=key)


def _chat_message(dialogue: Dialogue, line: Line, name: Namer, moment: datetime) -> dict[str, Any]:
    return {
        "message_id": name("m-", 48),
        "conversation_id": dialogue.conversation_id,
        "customer_id": dialogue.customer.id,
        "sender": line.role,
        "agent_id": dialogue.agent_id if line.role == "agent" else None,
        "text": line.text,
        "sent_at": rfc3339(moment),
    }


def _chat_end(dialogue: Dialogue, name: Namer, moment: datetime) -> dict[str, Any]:
    return {
        "type": "conversation.closed",
        "event_id": name("x-", 48),
        "conversation_id": dialogue.conversation_id,
        "customer_id": dialogue.customer.id,
        "resolution": dialogue.status,
        "csat": dialogue.csat,
        "closed_at": rfc3339(moment),
    }


def call_steps(
    dialogue: Dialogue,
    rng: random.Random,
    *,
    tenant: str,
    messiness: float,
    stumbles: bool = False,
) -> Iterator[Step]:
    """Yield the one event of a call, dated at its end.

    Args:
        dialogue: the story.
        rng: decides.
        tenant: written into the event.
        messiness: how badly the recogniser hears.
        stumbles: people also break off, start again and talk over each other.
    """
    is_formatted = not happens(rng, RAW_ASR_SHARE)
    segments: list[dict[str, Any]] = []
    clock = 0.0
    for line in dialogue.lines:
        said = _muddled(line, rng, messiness) if stumbles else line.text
        text = heard(said, rng, rate=messiness, is_formatted=is_formatted)
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
        "disposition": DISPOSITIONS.get(dialogue.status or ""),
    }
    took = timedelta(seconds=clock)
    yield Step(
        clock, lambda moment: call_event(fields, segments, rng, moment - took, moment, tenant)
    )


def _muddled(line: Line, rng: random.Random, rate: float) -> str:
    # A machine's announcement is the same each time.
    return line.text if line.role == "bot" else stumbled(line.text, rng, rate=rate)


def call_event(
    fields: Mapping[str, str | None],
    segments: list[dict[str, Any]],
    rng: random.Random,
    started: datetime,
    ended: datetime,
    tenant: str,
) -> Event:
    """Return the event of a transcript: JSON, sometimes WebVTT with the fields in the headers."""
    whole = {
        "call_id": fields["call_id"],
        "customer_id": fields["customer_id"],
        "agent_id": fields["agent_id"],
        "started_at": rfc3339(started),
        "disposition": fields["disposition"],
    }
    call_id = str(fields["call_id"])
    headers = {"producer": "asr-1", "call_id": call_id}
    if happens(rng, VTT_SHARE):
        headers |= {name: value or "" for name, value in whole.items()}
        headers["content-type"] = "text/vtt"
        data = _vtt(call_id, segments)
    else:
        data = json.dumps({**whole, "segments": segments}, ensure_ascii=False).encode()
    return to_event("call", data, ended, tenant, headers=headers, key=call_id)


def spoken(speaker: str, text: str, start_s: float, rng: random.Random) -> dict[str, Any]:
    """Return one segment of a transcript."""
    return _segment(speaker, start_s, start_s + WORD_S * len(text.split()), text, rng)


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
