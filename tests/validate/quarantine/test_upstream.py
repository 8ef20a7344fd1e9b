"""What a summary says of the stages before the gate, over toy tables."""

import json
from datetime import timedelta
from typing import Any

import pytest

from deskwheel import lake
from deskwheel.settings import Settings
from deskwheel.tables import CONVERSATIONS, EXAMPLES, TURNS
from tests.deskwheel.rows import rows_of
from tests.validate.quarantine.test_commands import parsed
from tests.validate.rows import NOON
from validate.quarantine.commands import quarantine


def turn(offset: int, reason: str | None = None, **changes: Any) -> dict[str, Any]:
    """An accepted turn, or one that was turned away, of `raw.email` unless another is named."""
    topic = changes.pop("topic", "raw.email")
    verdict = "accepted" if reason is None else "rejected"
    if reason == "DUPLICATE_EVENT":
        verdict = "duplicate"
    return {
        "source": {"topic": topic, "partition": 0, "offset": offset}, "verdict": verdict,
        "reason": reason, "channel": topic.removeprefix("raw."), "ingested_at": NOON, **changes,
    }  # fmt: skip


def closed(name: str, *, version: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "conversation_id": name, "version": version, "channel": "email", "closed_at": NOON,
        "resolution": "resolved", "category": "ORDER", **changes,
    }  # fmt: skip


@pytest.fixture
def filled(settings: Settings) -> Settings:
    later = NOON + timedelta(days=1)
    turns = [
        turn(0, "MACHINE_MAIL"), turn(1, "MACHINE_MAIL"), turn(1, "MACHINE_MAIL", position=1),
        turn(2, "MACHINE_MAIL", ingested_at=later), turn(3, "DUPLICATE_EVENT"),
        turn(0, "NO_WORDS", topic="raw.chat"),
        turn(4, conversation_id="paired"), turn(5, conversation_id="begun"),
        turn(6, conversation_id="begun"), turn(7, conversation_id="rated", outcome="csat"),
        turn(8), turn(9, conversation_id="begun-later", ingested_at=later),
    ]  # fmt: skip
    conversations = [
        closed("paired"), closed("went-on"), closed("went-on", version=2),
        closed("unsolved", resolution="unresolved", category="SETUP"),
        closed("ad", noise="advertisement"), closed("chat", channel="chat", closed_at=later),
    ]  # fmt: skip
    examples = [
        {"conversation_id": "paired", "conversation_version": 1},
        {"conversation_id": "went-on", "conversation_version": 1},
    ]
    tables = ((TURNS, turns), (CONVERSATIONS, conversations), (EXAMPLES, examples))
    for table, rows in tables:
        lake.append(settings.pipeline.lake, table, rows_of(table, rows))
    return settings


def summed(
    settings: Settings, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[dict[tuple[str, ...], int], dict[tuple[str, ...], int]]:
    assert quarantine(settings, parsed("--json", "summary", *words)) == 0
    found = json.loads(capsys.readouterr().out)
    away = {(t["reason"], t["topic"], t["day"]): t["events"] for t in found["turned_away"]}
    bare = {(u["why"], u["channel"]): u["conversations"] for u in found["unpaired"]}
    return away, bare


def test_events_are_counted_once_by_reason_topic_and_day(
    filled: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    away, _ = summed(filled, capsys)
    assert away == {
        ("MACHINE_MAIL", "raw.email", "2026-03-03"): 1,
        ("MACHINE_MAIL", "raw.email", "2026-03-02"): 2,
        ("DUPLICATE_EVENT", "raw.email", "2026-03-02"): 1,
        ("NO_WORDS", "raw.chat", "2026-03-02"): 1,
    }
    assert next(iter(away))[2] == "2026-03-03"


def test_conversations_whose_newest_version_has_no_pair_are_counted_by_cause(
    filled: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    _, bare = summed(filled, capsys)
    assert bare == {
        ("open", "email"): 2, ("resolved", "email"): 1, ("unresolved", "email"): 1,
        ("advertisement", "email"): 1, ("resolved", "chat"): 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "events", "conversations"),
    [
        (("--source", "raw.chat"), 1, 1),
        (("--channel", "email"), 4, 5),
        (("--since", "2026-03-03"), 1, 2),
        (("--day", "2026-03-02"), 4, 4),
        (("--reason", "MACHINE_MAIL"), 3, 0),
        (("--category", "SETUP"), 0, 1),
        (("--verdict", "valid"), 0, 0),
    ],
)
def test_filters_mean_the_same_before_the_gate(
    filled: Settings,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    events: int,
    conversations: int,
) -> None:
    away, bare = summed(filled, capsys, *words)
    assert (sum(away.values()), sum(bare.values())) == (events, conversations)


def test_people_read_where_to_look_next(
    filled: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    quarantine(filled, parsed("summary", "--limit", "1"))
    told = capsys.readouterr().out
    assert "MACHINE_MAIL" in told
    assert "3 more lines" in told
    assert "python -m ingest dlq list" in told
    assert "python -m transforms backfill" in told
