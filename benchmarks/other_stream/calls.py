"""Calls as a recogniser writes them: fillers, repeated and misheard words, spoken digits."""

import json
from collections.abc import Mapping
from random import Random
from typing import Any

from benchmarks.other_stream.details import spoken
from benchmarks.other_stream.events import (
    Written,
    event,
    label_of,
    pairs_of,
    stamp,
    token,
    turn_label,
)
from benchmarks.other_stream.sources import Row
from benchmarks.other_stream.stories import Story, Turn

DISPOSITIONS = {"solved": "resolved", "unsolved": "follow_up", "abandoned": "dropped"}
FILLERS = ("uh", "um", "er", "hmm", "like", "you know", "i mean", "well", "so", "basically")
MISHEARD = {
    "to": "too", "two": "to", "for": "four", "your": "you're", "there": "their", "buy": "by",
    "write": "right", "here": "hear", "account": "a count", "would": "wood", "know": "no",
    "mail": "male", "check": "cheque", "an": "and", "are": "our", "then": "than",
}  # fmt: skip
_PAUSE_S = 0.4


def heard(turn: Turn, rng: Random, *, is_plain: bool) -> tuple[str, list[tuple[str, str]]]:
    """An utterance with a recogniser's errors, and its marked values as they stand in it."""
    text, marks = " ".join(turn.text.split()), []
    slots: dict[str, str] = {}
    for n, (kind, value) in enumerate(sorted(set(turn.marks), key=lambda m: -len(m[1]))):
        said = spoken(kind, value) if rng.random() < 0.6 else value
        said = said.lower() if is_plain else said
        slot = f"\x00{n}\x00"
        text = text.replace(" ".join(value.split()), slot)
        slots[slot] = said
        marks.append((kind, said))
    out: list[str] = []
    for word in text.split():
        if "\x00" not in word:
            out.extend(_noisy(word, rng, is_plain=is_plain))
            continue
        out.append(word.rstrip(".,!?;:") if is_plain else word)
    heard_text = " ".join(out)
    for slot, said in slots.items():
        heard_text = heard_text.replace(slot, said)
    return heard_text, marks


def _noisy(word: str, rng: Random, *, is_plain: bool) -> list[str]:
    if is_plain:
        word = "".join(c for c in word.lower() if c.isalnum() or c in "'-/%$€£#@._").strip(".-_")
    if not word:
        return []
    out = [word]
    draw = rng.random()
    if draw < 0.02:
        out = [rng.choice(FILLERS), word]
    elif draw < 0.035:
        out = [word, word]
    elif draw < 0.06:
        out = [MISHEARD.get(word.lower(), word)]
    return out


def write_call(story: Story, at_s: float, rng: Random, words: Row) -> Written:
    """A call: one event when it has ended, as segments or as WebVTT."""
    name, agent_id = (
        f"ca-x{rng.randrange(10**5):05d}-{token(rng, 4)}",
        f"a{rng.randrange(100, 999)}",
    )
    written = Written(gold=label_of(story, name))
    disposition = DISPOSITIONS.get(story.status or "") if story.is_ended else None
    written.gold["disposition"] = disposition
    is_vtt, is_plain = rng.random() < 0.15, rng.random() < 0.6
    segments: list[dict[str, Any]] = []
    clock = 0.0
    if not is_vtt and rng.random() < 0.4:
        clock = _ivr(segments, rng.choice(words["ivr"]), clock)
    for n, turn in enumerate(story.turns):
        text, marks = heard(turn, rng, is_plain=is_plain and not is_vtt)
        first, sent_s = len(segments), clock
        for part in _parts(text, [value for _, value in marks], rng):
            lasts = round(0.5 + 0.35 * len(part.split()), 2)
            segments.append(_segment(turn.sender, clock, lasts, part, rng))
            clock = round(clock + lasts + rng.random() * _PAUSE_S, 2)
        label = turn_label(n, turn, text, marks)
        label |= {"reference_text": turn.text, "segments": [first, len(segments)]}
        label |= {
            "sent_at": stamp(at_s + sent_s),
            "agent": agent_id if turn.sender == "agent" else None,
        }
        written.gold["turns"].append(label)
        if turn.role == "filler" and not is_vtt:
            clock = _ivr(segments, rng.choice(words["ivr"]), clock)
    written.gold["pairs"] = pairs_of(story, written.gold["turns"])
    facts: dict[str, Any] = {
        "call_id": name, "customer_id": story.who.id, "agent_id": agent_id,
        "started_at": stamp(at_s),
    }  # fmt: skip
    end_s = at_s + clock + 5
    if is_vtt:
        facts |= {"disposition": disposition or ""}
        headers = {"content-type": "text/vtt", "producer": "asr-2", **facts}
        if not disposition:
            del headers["disposition"]
        made = event("call", name, _vtt(segments, name), end_s, **headers)
    else:
        body = {**facts, "segments": segments, "disposition": disposition}
        headers = {"content-type": "application/json", "producer": "asr-2", "call_id": name}
        made = event("call", name, json.dumps(body, ensure_ascii=False), end_s, **headers)
    written.events.append((end_s, made))
    return written


def _segment(speaker: str, start: float, lasts: float, text: str, rng: Random) -> dict[str, Any]:
    return {
        "speaker": speaker,
        "start_s": round(start, 2),
        "end_s": round(start + lasts, 2),
        "text": text,
        "confidence": round(0.7 + rng.random() * 0.29, 3),
    }


def _ivr(segments: list[dict[str, Any]], text: str, clock: float) -> float:
    segments.append(
        {"speaker": "ivr", "start_s": clock, "end_s": clock + 4, "text": text, "confidence": 0.96}
    )
    return clock + 4.5


def _parts(text: str, whole: list[str], rng: Random) -> list[str]:
    """A turn cut into segments, never inside a marked value."""
    tokens, out, line = text.split(" "), [], ""
    width = rng.randrange(7, 16)
    for n, word in enumerate(tokens):
        line = f"{line} {word}" if line else word
        rest = " ".join(tokens[n + 1 :])
        at = len(text) - len(rest)
        is_inside = any(text.find(v) < at < text.find(v) + len(v) for v in whole if v in text)
        if len(line.split()) >= width and not is_inside:
            out.append(line)
            line = ""
    return [*out, line] if line else out


def _vtt(segments: list[Mapping[str, Any]] | list[dict[str, Any]], name: str) -> str:
    blocks = [f"WEBVTT\n\nNOTE call {name}"]
    for n, part in enumerate(segments, start=1):
        cue = f"{_clock(part['start_s'])} --> {_clock(part['end_s'])}"
        blocks.append(f"{n}\n{cue}\n<v {part['speaker'].title()}>{part['text']}")
    return "\n\n".join(blocks) + "\n"


def _clock(at_s: float) -> str:
    minutes, seconds = divmod(at_s, 60)
    return f"00:{int(minutes):02d}:{seconds:06.3f}"
