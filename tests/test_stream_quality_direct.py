"""The streaming job's functions on a labelled folder, without the job."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.stream_quality import direct
from benchmarks.stream_quality.__main__ import main
from benchmarks.stream_quality.misses import misses
from benchmarks.stream_quality.outcome import Outcome

NOW = datetime(2026, 4, 20, tzinfo=UTC)
SAID = (
    ("customer", "My kettle does not boil. Where can I send it?"),
    ("agent", "You can send it to our workshop in Toytown, the label is printed under Returns."),
    ("customer", "Sorted, thank you!"),
)


def write(file: Path, rows: list[dict[str, Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def folder_of(folder: Path, *, is_resolved: bool = True) -> Path:
    """A chat of three messages, the second of them sent twice."""
    events = []
    for n, (sender, text) in enumerate((*SAID, SAID[1])):
        body = {
            "message_id": f"m-{n % 3 if n < 3 else 1}", "conversation_id": "ch-1", "sender": sender,
            "customer_id": "c1", "agent_id": "a1" if sender == "agent" else None, "text": text,
            "sent_at": f"2026-04-01T10:0{n if n < 3 else 1}:00.000Z",
        }  # fmt: skip
        events.append(
            {"channel": "chat", "key": "ch-1", "value": json.dumps(body), "value_encoding": "utf-8",
             "headers": {"content-type": "application/json", "schema": "chat.v1"},
             "timestamp": body["sent_at"]}
        )  # fmt: skip
    write(folder / "events.jsonl", events)
    turns = [{"sender": s, "text": t, "role": "need", "message_ids": [f"m-{n}"]}
             for n, (s, t) in enumerate(SAID)]  # fmt: skip
    pair = {"query": SAID[0][1], "response": SAID[1][1]}
    gold = {"conversation_id": "ch-1", "channel": "chat", "kind": "dialog", "turns": turns,
            "event_lines": [0, 1, 2, 3], "resolved": is_resolved, "source": "toy",
            "pairs": [pair] if is_resolved else []}  # fmt: skip
    write(folder / "gold" / "conversations.jsonl", [gold])
    write(folder / "gold" / "duplicates.jsonl", [{"line": 3}])
    write(folder / "gold" / "out_of_order.jsonl", [])
    write(folder / "gold" / "poison.jsonl", [])
    return folder


@pytest.fixture
def played(tmp_path: Path) -> Outcome:
    return direct.outcome(folder_of(tmp_path), NOW)


def test_what_was_said_once_is_there_once_and_resolved(played: Outcome) -> None:
    claims = {claim.id.removeprefix("stream_quality."): claim for claim in direct.scored(played)}
    assert claims["loss.turns"].value == claims["loss.repeats_kept"].value == 0
    assert claims["resolution.recall"].value == claims["pairs.f1"].value == 1
    assert not [name for name in claims if name.startswith(("gate.", "threading."))]


def test_nothing_is_a_miss_where_all_is_right(played: Outcome) -> None:
    assert list(misses(played)) == []


def test_a_conversation_that_wrongly_passes_is_a_miss(tmp_path: Path) -> None:
    found = direct.outcome(folder_of(tmp_path, is_resolved=False), NOW)
    assert [miss["miss"] for miss in misses(found)] == ["resolution"]


def test_the_command_writes_the_misses(tmp_path: Path) -> None:
    folder, file = folder_of(tmp_path / "in", is_resolved=False), tmp_path / "misses.jsonl"
    main([str(folder), "--in-process", "--misses", str(file)])
    assert json.loads(file.read_text(encoding="utf-8"))["miss"] == "resolution"
