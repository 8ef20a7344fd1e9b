"""Events as the sources send them, and the labels that belong to them.

An event is a dict as in the recording (`channel`, `key`, `headers`, `value`, `value_encoding`,
`timestamp`); its time is that of the source, and its place in the file the order of arrival.
"""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from benchmarks.other_stream.stories import Story, Turn

Event = dict[str, Any]

EPOCH = datetime(2026, 4, 1, 6, 0, tzinfo=UTC)
SPREAD_S = 4 * 86400
"""Conversations begin within this many seconds."""


@dataclass(kw_only=True)
class Written:
    """A conversation's label and its events with the moments of arrival, in seconds."""

    gold: dict[str, Any]
    events: list[tuple[float, Event]] = field(default_factory=list)


def stamp(at_s: float) -> str:
    """Seconds after the beginning as a time in UTC with milliseconds."""
    moment = EPOCH + timedelta(seconds=at_s)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event(channel: str, key: str, value: str | bytes, at_s: float, **headers: str) -> Event:
    """One event; bytes travel as base64."""
    is_text = isinstance(value, str)
    return {
        "channel": channel,
        "key": key,
        "headers": headers,
        "value": value if isinstance(value, str) else base64.b64encode(value).decode(),
        "value_encoding": "utf-8" if is_text else "base64",
        "timestamp": stamp(at_s),
    }


def label_of(story: Story, name: str) -> dict[str, Any]:
    """What is known about a conversation; turns and pairs come with its channel."""
    is_decidable: bool | None = not (story.kind == "solved_silent" and story.status is None)
    ended = {"resolution": story.status, "csat": story.csat} if story.is_ended else None
    is_rude = story.kind == "rude"
    return {
        "conversation_id": name,
        "channel": story.channel,
        "kind": "dialog",
        "customer_id": story.who.id,
        "customer_email": story.who.email,
        "category": story.category,
        "intent": story.intent,
        "source": story.source,
        "source_id": story.source_id,
        "language": story.language,
        "resolved": story.is_resolved,
        "resolution_type": story.kind,
        "duplicate_group": story.group,
        "followup_of": None,
        "status_event": ended,
        "disposition": None,
        "flags": story.flags,
        "turns": [],
        "pairs": None,
        "train_ok": story.is_resolved and not is_rude,
        "decidable": is_decidable if story.source != "harper_valley" else None,
        "exclude_reason": "rude_agent" if is_rude else None if story.is_resolved else "unresolved",
        "event_lines": [],
    }


def turn_label(n: int, turn: Turn, text: str, marks: list[tuple[str, str]]) -> dict[str, Any]:
    """The label of one utterance with the places of its marked values."""
    spans = []
    for kind, value in dict.fromkeys(marks):
        start = text.find(value)
        while start >= 0:
            spans.append({"type": kind, "start": start, "end": start + len(value), "value": value})
            start = text.find(value, start + len(value))
    own = [s for s in spans if s["type"] in ("NOT_PII", "BUSINESS")]
    return {
        "i": n,
        "sender": turn.sender,
        "agent": None,
        "role": turn.role,
        "text": text,
        "message_ids": [],
        "pii": [s for s in spans if s not in own],
        "not_pii": own,
    }


def pairs_of(story: Story, turns: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """The labelled pairs over the texts that the channel made of the turns."""
    if story.pairs is None or not story.is_resolved:
        return None if story.pairs is None else []

    def joined(at: list[int], *, is_masked: bool = False) -> str:
        return " ".join(_masked(turns[n]) if is_masked else turns[n]["text"] for n in at)

    return [
        {
            "query": joined(asked),
            "response": joined(said),
            "response_any_of": [joined(other) for other in others],
            "query_masked": joined(asked, is_masked=True),
            "response_masked": joined(said, is_masked=True),
            "query_turns": asked,
            "response_turns": said,
            "category": story.category if n == 0 else None,
            "intent": story.intent if n == 0 else None,
        }
        for n, (asked, said, others) in enumerate(story.pairs)
    ]


def _masked(turn: dict[str, Any]) -> str:
    text: str = turn["text"]
    for span in sorted(turn["pii"], key=lambda s: -s["start"]):
        text = f"{text[: span['start']]}<{span['type']}>{text[span['end'] :]}"
    return text


def token(rng: Random, digits: int) -> str:
    """Hexadecimal digits for a name."""
    return f"{rng.getrandbits(4 * digits):0{digits}x}"


def write_chat(story: Story, at_s: float, rng: Random) -> Written:
    """A chat: one event an utterance, and its end where the desk says it."""
    name = f"ch-x{rng.randrange(10**5):05d}-{token(rng, 4)}"
    agent_id, version = f"a{rng.randrange(100, 999)}", rng.choice(("chat.v1", "chat.v2"))
    written = Written(gold=label_of(story, name))
    for n, turn in enumerate(story.turns):
        at_s += 3 + rng.random() * (10 + len(turn.text) / 12)
        text = turn.text
        if turn.role == "need" and rng.random() < 0.12:
            text += rng.choice((" 😕", " 🙈", "!!", " …"))
        message = f"m-{token(rng, 12)}"
        label = turn_label(n, turn, text, turn.marks)
        is_agent = turn.sender == "agent"
        label |= {"message_ids": [message], "sent_at": stamp(at_s)}
        label["agent"] = agent_id if is_agent else None
        written.gold["turns"].append(label)
        body: dict[str, Any] = {
            "message_id": message,
            "conversation_id": name,
            "customer_id": story.who.id,
            "sender": turn.sender,
            "agent_id": agent_id if is_agent else None,
            "text": text,
            "sent_at": stamp(at_s),
        }
        if version == "chat.v2":
            body["meta"] = {"client": rng.choice(("web", "ios", "android")), "locale": "en"}
        value = json.dumps(body, ensure_ascii=False, sort_keys=version == "chat.v2")
        written.events.append((at_s, _chat_event(name, value, at_s, version)))
    if story.is_ended:
        at_s += 20 + rng.random() * 200
        value = json.dumps(
            {
                "type": "conversation.closed",
                "event_id": f"x-{token(rng, 12)}",
                "conversation_id": name,
                "customer_id": story.who.id,
                "resolution": story.status,
                "csat": story.csat,
                "closed_at": stamp(at_s),
            }
        )
        written.events.append((at_s, _chat_event(name, value, at_s, "chat.v1")))
    written.gold["pairs"] = pairs_of(story, written.gold["turns"])
    return written


def _chat_event(name: str, value: str, at_s: float, version: str) -> Event:
    headers = {"content-type": "application/json", "schema": version, "producer": "chat-gw-1"}
    return event("chat", name, value, at_s, **headers)
