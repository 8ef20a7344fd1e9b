"""The reference itself, on events whose outcome is known by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ingest.simulate import simulate, span
from tests.flow.reference import content, current, reference
from tests.transforms.toys import RULES

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CLEAN = simulate(3, 6, start=NOW - span(6), messiness=0)


def test_clean_traffic_becomes_one_conversation_a_story() -> None:
    found = reference(CLEAN.events, RULES, now=NOW)
    assert len(found.conversations) == len(CLEAN.dialogues)
    assert {t.verdict for t in found.turns} == {"accepted"}
    said = sum(len(c.utterances) for c in found.conversations.values())
    assert said == sum(1 for t in found.turns if not t.is_closing)


def test_an_event_that_comes_twice_changes_no_conversation() -> None:
    once = reference(CLEAN.events, RULES, now=NOW)
    twice = reference([*CLEAN.events, *CLEAN.events], RULES, now=NOW)
    assert twice.conversations == once.conversations
    for topic in {t.source.topic for t in once.turns}:
        assert twice.count("duplicate", topic) == once.count("accepted", topic)


def test_the_order_of_arrival_changes_no_conversation() -> None:
    found = reference(CLEAN.events[::-1], RULES, now=NOW).conversations
    assert found == reference(CLEAN.events, RULES, now=NOW).conversations


def test_the_way_a_record_came_about_is_not_compared() -> None:
    (first, *_) = reference(CLEAN.events, RULES, now=NOW).conversations.values()
    later = replace(first, version=2, close_reason="stated", batch_id=9)
    assert content(first) == content(later)
    assert content(first) != content(replace(first, closed_at=NOW + timedelta(days=1)))


def test_the_newest_version_is_current() -> None:
    rows = [{"conversation_id": "a", "version": v} for v in (1, 3, 2)]
    assert current(rows) == {"a": {"conversation_id": "a", "version": 3}}
