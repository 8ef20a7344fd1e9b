"""The whole job on the real broker: what is published comes out once, or says why it did not."""

import json
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from deskwheel import lake, reasons
from deskwheel.errors import ServiceError, SetupError
from deskwheel.records import Event, Pointer
from deskwheel.settings import Settings
from deskwheel.stage import EXIT_RETRY, run_stage
from deskwheel.tables import CONVERSATIONS, EXAMPLES, FEEDBACK, TURNS
from deskwheel.topics import RAW
from ingest.envelope import headers_of
from ingest.offsets import offsets
from ingest.publish import Publisher
from ingest.simulate import simulate, span
from ingest.simulate.noise import NOISE, render_noise
from tests.flow.reference import Reference, content, current, reference
from tests.places import served_by, settings_in
from tests.transforms.test_intake import dead_letters
from transforms.__main__ import VERBS
from transforms.stream import check_broker, read_secret, run_once
from transforms.turns import Rules

pytestmark = pytest.mark.timeout(600)

NOBODY = "127.0.0.1:1"
"""Port 1 is reserved and nothing listens on it."""

SEED = 3
CONVERSATIONS_TOLD = 8
REDELIVERED = 4


@dataclass
class Played:
    """Events that were published in two halves, the tables that came out, and the reference."""

    settings: Settings
    places: dict[Pointer, Event]
    poison: dict[str, str]
    expected: Reference

    def rows(self, table: Any) -> list[dict[str, Any]]:
        return list(lake.read(self.settings.pipeline.lake, table).to_pylist())

    def turns_by_place(self) -> dict[Pointer, list[dict[str, Any]]]:
        found: dict[Pointer, list[dict[str, Any]]] = defaultdict(list)
        for row in self.rows(TURNS):
            found[Pointer(**row["source"])].append(row)
        return found

    def current(self) -> dict[str, Any]:
        return dict(current(self.rows(CONVERSATIONS)))


def traffic(now: datetime) -> tuple[list[Event], dict[str, str]]:
    """Eight stories, every kind of poison and of noise, in order of arrival."""
    simulation = simulate(SEED, CONVERSATIONS_TOLD, start=now - span(CONVERSATIONS_TOLD))
    rng = random.Random(SEED)
    moment = now - timedelta(hours=1)
    noise = [render_noise(kind, rng, moment=moment, tenant="default") for kind in NOISE]
    return [*simulation.events, *noise], dict(simulation.poison_reasons)


def publish(settings: Settings, events: Iterable[Event]) -> dict[Pointer, Event]:
    with Publisher(settings.kafka) as publisher:
        handed_over = [(publisher.publish(event), event) for event in events]
        publisher.flush()
        return {delivery.wait(): event for delivery, event in handed_over}


def publish_feedback(settings: Settings, now: datetime) -> None:
    outcome = {
        "feedback_id": "f-1", "kind": "outcome", "trace_id": "t-1", "csat": 5,
        "is_completed": True, "occurred_at": now.isoformat(),
    }  # fmt: skip
    data = json.dumps(outcome).encode()
    with Publisher(settings.kafka) as publisher:
        for value in (data, data, b"<not json>"):
            publisher.publish_bytes("feedback", "t-1", value, [("ce_dataschema", b"feedback.v1")])


@pytest.fixture(scope="module")
def played(
    spark: SparkSession, empty_topics: str, secret: bytes, tmp_path_factory: pytest.TempPathFactory
) -> Played:
    """Everything played in two halves; the job starts anew for each and closes what it has."""
    folder = tmp_path_factory.mktemp("stream")
    settings = served_by(settings_in(folder, idle_close_s=0.0, close_grace_s=0.0), empty_topics)
    now = datetime.now(UTC)
    events, poison = traffic(now)
    half = len(events) // 2
    again = [e for e in events[:half] if e.id not in poison][:REDELIVERED]
    first, second = events[:half], [*events[half:], *again]
    rules = Rules.of(settings, secret)
    places = publish(settings, first)
    run_once(spark, settings, secret)
    places |= publish(settings, second)
    publish_feedback(settings, now)
    run_once(spark, settings, secret)
    expected = reference([*first, *second], rules, now=now)
    return Played(settings, places, poison, expected)


def test_offsets_are_accepted_or_rejected_or_duplicate(played: Played) -> None:
    found = played.turns_by_place()
    verdicts = {place: {r["verdict"] for r in rows} for place, rows in found.items()}
    assert set(verdicts) == set(played.places)
    assert all(len(of_offset) == 1 for of_offset in verdicts.values())
    for topic in (t.name for t in RAW):
        counted = sum(end - begin for begin, end in offsets(played.settings.kafka)[topic].values())
        assert counted == sum(1 for place in verdicts if place.topic == topic)
        for verdict in ("accepted", "rejected", "duplicate"):
            count = sum(1 for p, v in verdicts.items() if p.topic == topic and v == {verdict})
            assert count == played.expected.count(verdict, topic), (topic, verdict)
    assert sum(v == {"duplicate"} for v in verdicts.values()) >= REDELIVERED


def test_poison_is_rejected_for_its_reason_and_nothing_else_is(played: Played) -> None:
    rejected = {r["event_id"]: r["reason"] for r in played.rows(TURNS) if r["reason"]}
    bad = {k: v for k, v in rejected.items() if v in reasons.DEAD_LETTER}
    assert bad == played.poison
    machine = [v for v in rejected.values() if v == reasons.MACHINE_MAIL]
    assert len(machine) == len(NOISE) - 1, "all but the spam that came by chat"


def test_dead_letter_topics_hold_the_original_bytes_of_poison(played: Played) -> None:
    letters = {
        Pointer(topic=h["dlq.topic"], partition=int(h["dlq.partition"]),
                offset=int(h["dlq.offset"])): (h, r["value"])
        for topic in (t.name for t in RAW)
        for r in dead_letters(played.settings.kafka, topic)
        for h in [r["headers"]]
    }  # fmt: skip
    originals = {p: e for p, e in played.places.items() if e.id in played.poison}
    assert set(letters) == set(originals)
    for place, (headers, value) in letters.items():
        event = originals[place]
        assert value == event.data
        assert headers["dlq.reason"] == played.poison[event.id]
        sent = {k: v.decode() for k, v in headers_of(event)}
        assert {k: v for k, v in headers.items() if not k.startswith("dlq.")} == sent


def test_current_conversations_are_those_of_the_reference(played: Played) -> None:
    found = {name: content(row) for name, row in played.current().items()}
    assert found == {name: content(c) for name, c in played.expected.conversations.items()}


def test_a_conversation_that_went_on_after_it_was_closed_has_a_version_for_each(
    played: Played,
) -> None:
    versions: dict[str, list[int]] = defaultdict(list)
    for row in played.rows(CONVERSATIONS):
        versions[row["conversation_id"]].append(row["version"])
    assert all(sorted(v) == list(range(1, len(v) + 1)) for v in versions.values())
    assert any(len(v) > 1 for v in versions.values()), "the halves cut no conversation in two"


def test_examples_of_current_conversations_are_those_of_the_reference(played: Played) -> None:
    versions = {name: row["version"] for name, row in played.current().items()}
    found = [
        content(r) for r in played.rows(EXAMPLES)
        if r["conversation_version"] == versions[r["conversation_id"]]
    ]  # fmt: skip
    expected = [content(e) for e in played.expected.examples]
    assert len(expected) > 1
    assert sorted(found, key=_by_id) == sorted(expected, key=_by_id)


def test_each_example_was_mined_once(played: Played) -> None:
    ids = [r["example_id"] for r in played.rows(EXAMPLES)]
    assert len(ids) == len(set(ids))


def test_feedback_is_counted_like_events(played: Played) -> None:
    rows = sorted(played.rows(FEEDBACK), key=lambda r: r["source"]["offset"])
    assert [(r["verdict"], r["reason"]) for r in rows] == [
        ("accepted", None), ("duplicate", reasons.DUPLICATE_EVENT), ("rejected", reasons.NOT_JSON),
    ]  # fmt: skip
    (letter,) = dead_letters(played.settings.kafka, "feedback")
    assert letter["value"] == b"<not json>"


def test_commits_hold_every_offset_once(played: Played) -> None:
    held: dict[str, list[int]] = defaultdict(list)
    for commit in lake.commits(played.settings.pipeline.lake, TURNS):
        for partition, (low, high) in commit["ranges"].items():
            held[partition] += range(low, high)
    assert sum(map(len, held.values())) == len(played.places)
    assert {f"{p.topic}/{p.partition}" for p in played.places} == set(held)
    assert all(sorted(o) == sorted(set(o)) for o in held.values())


def _by_id(row: dict[str, Any]) -> str:
    return str(row["conversation_id"])


def test_without_a_broker_the_job_says_so_and_may_be_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ServiceError, match=rf"{NOBODY}.*kafka\.bootstrap"):
        check_broker(NOBODY)
    config = tmp_path / "deskwheel.toml"
    config.write_text(f'[kafka]\nbootstrap = "{NOBODY}"\n')
    status = run_stage("transforms", "", VERBS, ["stream", "--once", "--config", str(config)])
    assert status == EXIT_RETRY
    assert NOBODY in capsys.readouterr().err


def test_one_broker_that_answers_is_enough(broker: str) -> None:
    check_broker(f"{NOBODY},{broker}")


def test_without_a_key_nothing_is_hashed(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with pytest.raises(SetupError, match="subject_key: no such file"):
        read_secret(settings)
    key = Path(settings.pipeline.secrets_dir) / "subject_key"
    key.parent.mkdir()
    key.write_bytes(b"ab12\n")
    assert read_secret(settings) == b"ab12"
