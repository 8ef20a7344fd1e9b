"""Dead letters out of a real broker, back into it, and what keeps one from going back twice."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from deskwheel.errors import ConfigError, SetupError
from deskwheel.records import Pointer
from deskwheel.settings import Settings
from deskwheel.state import State
from ingest import redrive as redrive_module
from ingest.__main__ import main
from ingest.commands.dlq import _write, chosen_letters, moment, printable
from ingest.dead_letters import Chosen, DeadLetter, Found, list_dead_letters, read_letters
from ingest.publish import Publisher
from ingest.redrive import Redriver, redrive
from tests.places import served_by

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
CHAT = "raw.chat"
KEY = b"ch-\xff"


def asked(**changes: Any) -> Any:
    nothing = ("topic", "channel", "reason", "since", "until", "place")
    return SimpleNamespace(**dict.fromkeys(nothing) | changes)


def test_filters_are_read_from_the_command_line() -> None:
    chosen = chosen_letters(
        asked(channel="chat", reason=["EMPTY"], since="2h", until="2026-04-01T11:00Z"), now=NOW
    )
    assert chosen.topics == ("raw.chat.dlq",)
    assert chosen.reasons == {"EMPTY"}
    assert chosen.since == NOW - timedelta(hours=2)
    assert chosen.until == NOW - timedelta(hours=1)
    assert chosen_letters(asked(topic="feedback.dlq"), now=NOW).topics == ("feedback.dlq",)
    assert chosen_letters(asked(channel="feedback"), now=NOW).topics == ("feedback.dlq",)
    place = chosen_letters(asked(place="raw.chat.dlq/1/12"), now=NOW).place
    assert place == Pointer(topic="raw.chat.dlq", partition=1, offset=12)


@pytest.mark.parametrize(
    "changes",
    [
        {"topic": "raw.fax"},
        {"channel": "fax"},
        {"reason": ["UNKNOWN"]},
        {"since": "yesterday"},
        {"place": "raw.chat.dlq/0"},
        {"topic": "raw.chat", "channel": "email"},
    ],
)
def test_a_filter_that_means_nothing_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        chosen_letters(asked(**changes), now=NOW)


@pytest.mark.parametrize(
    ("text", "minutes"), [("90s", 1.5), ("30m", 30), ("2h", 120), ("1d", 1440)]
)
def test_a_time_ago_is_read_in_its_unit(text: str, minutes: float) -> None:
    assert moment(text, "--since", now=NOW) == NOW - timedelta(minutes=minutes)


def test_what_is_printed_cannot_steer_a_terminal() -> None:
    assert printable("a\x1b[2J\nb é") == "a\\x1b[2J\\nb é"


# with a broker


@pytest.fixture
def place(settings: Settings, empty_topics: str) -> Iterator[Settings]:
    """Settings with empty topics and an empty state database."""
    yield served_by(settings, empty_topics)
    _empty(empty_topics)


def _empty(bootstrap: str) -> None:
    from kafka import TopicPartition  # noqa: PLC0415

    from ingest.brokers import administration  # noqa: PLC0415
    from ingest.offsets import offsets  # noqa: PLC0415

    kafka = Settings().kafka
    kafka = replace(kafka, bootstrap=bootstrap)
    ends = {
        TopicPartition(topic, p): end
        for topic, parts in offsets(kafka).items()
        for p, (begin, end) in parts.items()
        if end > begin
    }
    if ends:
        with administration(kafka) as admin:
            admin.delete_records(ends)


def letter(settings: Settings, number: int, *, topic: str = CHAT, reason: str = "SCHEMA_UNKNOWN",
           value: bytes = b"\x00 payload", **headers: str) -> None:  # fmt: skip
    """Put one dead letter where the stream would."""
    stated = {
        "ce_id": f"m-{number}", "ce_dataschema": "chat.v9", "dlq.reason": reason,
        "dlq.attempt": "0", "dlq.topic": topic, "dlq.partition": "0", "dlq.offset": str(number),
        "dlq.origin": f"{topic}/0/{number}",
    }  # fmt: skip
    stated |= {name.replace("_", "."): text for name, text in headers.items()}
    with Publisher(settings.kafka) as publisher:
        publisher.publish_bytes(
            f"{topic}.dlq", KEY, value, [(n, t.encode()) for n, t in stated.items()]
        )


def events(settings: Settings, topic: str = CHAT) -> list[Any]:
    """Every record of a topic."""
    from kafka import TopicPartition  # noqa: PLC0415

    from ingest.brokers import reader  # noqa: PLC0415
    from ingest.offsets import offsets  # noqa: PLC0415

    ends = {TopicPartition(topic, p): end for p, (_, end) in offsets(settings.kafka)[topic].items()}
    with reader(settings.kafka) as consumer:
        consumer.assign(list(ends))
        consumer.seek_to_beginning()
        found: list[Any] = []
        while any(consumer.position(p) < end for p, end in ends.items()):
            found += [r for records in consumer.poll(1000).values() for r in records]
    return found


def job(settings: Settings, **changes: Any) -> Redriver:
    return Redriver(**{"settings": settings, "actor": "ann", "now": lambda: NOW} | changes)


def test_a_letter_goes_home_as_it_came(place: Settings) -> None:
    letter(place, 4)
    letter(place, 5, topic="feedback")
    done = redrive(job(place), Chosen())
    assert done.counts == {"sent": 2}
    assert done.topics == {CHAT: 1, "feedback": 1}
    (event,) = events(place)
    assert (event.key, event.value) == (KEY, b"\x00 payload")
    assert event.headers == [
        ("ce_id", b"m-4"), ("ce_dataschema", b"chat.v9"),
        ("dlq.attempt", b"1"), ("dlq.origin", b"raw.chat/0/4"),
    ]  # fmt: skip
    (outcome,) = events(place, "feedback")
    assert dict(outcome.headers)["ce_id"] == b"m-5"
    state = State(place.pipeline.state_url)
    (entry,) = state.timeline(place.pipeline.name, kind="redriven")
    assert (entry["subject"], entry["detail"]["counts"]) == ("ann", {"sent": 2})
    noted = list(state.documents("redrive").values())
    assert {(n["phase"], n["actor"], n["at"]) for n in noted} == {
        ("sent", "ann", NOW.isoformat(timespec="seconds"))
    }
    state.close()


def test_a_letter_is_sent_once_however_often_and_by_however_many(place: Settings) -> None:
    for number in range(40):
        letter(place, number)
    letter(place, 7)  # the copy that a replayed batch leaves
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: redrive(job(place), Chosen()), range(2)))
    assert sum(done.counts.get("sent", 0) for done in both) == 40
    assert all(done.total == 41 for done in both)
    again = redrive(job(place), Chosen())
    assert again.counts == {"sent_before": 41}
    assert "by ann" in again.problems[0]
    assert sorted(dict(e.headers)["ce_id"] for e in events(place)) == sorted(
        f"m-{n}".encode() for n in range(40)
    )


def test_only_the_chosen_letters_are_sent_and_a_dry_run_sends_none(place: Settings) -> None:
    letter(place, 1, reason="TIME_PAST")
    letter(place, 2, reason="EMPTY")
    letter(place, 3, topic="raw.call", reason="TIME_PAST")
    chosen = Chosen(topics=("raw.chat.dlq",), reasons=frozenset({"TIME_PAST"}))
    dry = redrive(job(place, is_dry=True), chosen)
    assert (dry.counts, events(place)) == ({"would_send": 1}, [])
    assert redrive(job(place), chosen).counts == {"sent": 1}
    assert redrive(job(place, is_dry=True), chosen).counts == {"sent_before": 1}
    assert [dict(e.headers)["ce_id"] for e in events(place)] == [b"m-1"]
    assert redrive(job(place), Chosen(), limit=1).total == 1


def test_a_forged_header_sends_no_letter_elsewhere(place: Settings) -> None:
    letter(place, 1, dlq_topic="feedback")
    done = redrive(job(place), Chosen())
    assert done.topics == {CHAT: 1}
    assert [dict(e.headers)["ce_id"] for e in events(place)] == [b"m-1"]


def test_after_the_last_attempt_a_letter_stays(place: Settings) -> None:
    letter(place, 1, dlq_attempt="2")
    letter(place, 2, dlq_attempt="3")
    done = redrive(job(place), Chosen())
    assert done.counts == {"sent": 1, "refused": 1}
    assert "'m-2' was sent back 3 times" in done.problems[0]
    assert "ingest.max_redrives is 3" in done.problems[0]
    (event,) = events(place)
    assert dict(event.headers)["dlq.attempt"] == b"3"


def test_a_claim_of_a_dead_call_is_taken_over_when_it_is_old(place: Settings) -> None:
    letter(place, 1)
    (found,) = read_letters(place.kafka, Chosen())
    state = State(place.pipeline.state_url)
    body = {"phase": "claimed", "actor": "bob", "at": NOW.isoformat()}
    state.put("redrive", redrive_module._document(found.letter), body)  # noqa: SLF001
    state.close()
    soon = redrive(job(place, now=lambda: NOW + timedelta(minutes=5)), Chosen())
    assert (soon.counts, events(place)) == ({"claimed": 1}, [])
    later = redrive(job(place, now=lambda: NOW + timedelta(minutes=15)), Chosen())
    assert later.counts == {"sent": 1}


def test_time_and_place_choose_letters(place: Settings) -> None:
    letter(place, 1)
    letter(place, 2)
    first, second = sorted(read_letters(place.kafka, Chosen()), key=lambda f: f.letter.offset)
    only = Pointer(topic="raw.chat.dlq", partition=second.record.partition,
                   offset=second.record.offset)  # fmt: skip
    assert [f.letter for f in read_letters(place.kafka, Chosen(place=only))] == [second.letter]
    since = Chosen(since=second.letter.at)
    assert [f.letter.event_id for f in read_letters(place.kafka, since)][-1] == "m-2"
    assert list(read_letters(place.kafka, Chosen(until=first.letter.at))) == []
    far = Chosen(since=second.letter.at + timedelta(hours=1))
    assert list_dead_letters(place.kafka, far)[1].count == 0


def test_payloads_are_written_for_their_owner_alone_and_through_no_link(tmp_path: Path) -> None:
    letter = DeadLetter(
        topic="raw.chat.dlq", partition=0, offset=1, at=NOW, key="", value_bytes=3, event_id="m-1",
        headers={},
    )  # fmt: skip
    found = Found(letter, SimpleNamespace(value=b"new", headers=[]))
    old = tmp_path / "raw.chat.dlq-0-1.bin"
    old.write_bytes(b"older and longer")
    old.chmod(0o644)
    _write(tmp_path, found, {})
    assert (old.read_bytes(), old.stat().st_mode & 0o777) == (b"new", 0o600)
    other = tmp_path / "other"
    other.write_bytes(b"mine")
    old.unlink()
    old.symlink_to(other)
    with pytest.raises(SetupError, match="folder of your own"):
        _write(tmp_path, found, {})
    assert other.read_bytes() == b"mine"


def test_the_verb_shows_payloads_only_when_asked(
    place: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    letter(place, 1, value=b"secret words")
    base = ["dlq", "show", "--channel", "chat", "--set", f"kafka.bootstrap={place.kafka.bootstrap}"]
    assert main(base) == 0
    told = capsys.readouterr()
    assert "SCHEMA_UNKNOWN" in told.out
    assert "raw.chat/0/1" in told.out
    assert "secret" not in told.out
    assert main([*base, "--payload", "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr()
    assert "| secret words" in told.out
    assert "personal data" in told.err
    (file,) = (tmp_path / "out").glob("*.bin")
    assert file.read_bytes() == b"secret words"
    assert file.stat().st_mode & 0o077 == 0
    about = json.loads(file.with_suffix(".json").read_text())
    assert ["ce_id", "m-1"] in about["headers"]
    assert main([*base, "--reason", "EMPTY"]) == 1


def test_the_verb_replays_and_counts(place: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    letter(place, 1)
    letter(place, 2, dlq_attempt="3")
    where = [
        "--set", f"kafka.bootstrap={place.kafka.bootstrap}",
        "--set", f"pipeline.state_url={place.pipeline.state_url}", "--json",
    ]  # fmt: skip
    assert main(["dlq", "replay", "--channel", "chat", *where]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["counts"] == {"sent": 1, "refused": 1}
    assert (told["total"], told["reasons"]) == (2, {"SCHEMA_UNKNOWN": 1})


# through Spark and back


NINE = "chat.v9"
"""A version that no release knows; see below for the day on which one does."""


def test_a_mended_event_is_one_accepted_row_and_the_law_still_balances(
    spark: "SparkSession", place: Settings, secret: bytes
) -> None:
    from deskwheel import lake  # noqa: PLC0415
    from deskwheel.audit import conservation  # noqa: PLC0415
    from deskwheel.tables import FEEDBACK, TURNS  # noqa: PLC0415
    from ingest.offsets import offsets  # noqa: PLC0415

    publish_old_and_new(place)
    early = replace(
        place, transforms=replace(place.transforms, earliest_event_time="2026-01-01T00:00:00Z")
    )
    take_in(spark, early, secret)
    rejected = {r["event_id"]: r["reason"] for r in rows(place, TURNS) if r["reason"]}
    assert rejected == {"m-old": "TIME_PAST", "m-new": "SCHEMA_UNKNOWN"}
    assert [r["reason"] for r in rows(place, FEEDBACK)] == ["TIME_PAST"]

    # Nothing has changed yet: what is sent back comes back, with its history.
    assert redrive(job(place), Chosen()).counts == {"sent": 3}
    take_in(spark, early, secret)
    letters = sorted(read_letters(place.kafka, Chosen(topics=("raw.chat.dlq",))),
                     key=lambda f: (f.letter.event_id, f.letter.attempts))  # fmt: skip
    assert [(f.letter.event_id, f.letter.attempts) for f in letters] == [
        ("m-new", 0), ("m-new", 1), ("m-old", 0), ("m-old", 1),
    ]  # fmt: skip
    first, second = letters[:2]
    assert first.letter.origin == first.letter.source == second.letter.origin
    assert second.letter.source != second.letter.origin
    assert second.record.value == first.record.value

    # A settings change lets the old ones in; the unknown version stays out.
    again = redrive(job(place), Chosen())
    assert again.counts == {"sent": 3, "sent_before": 3}
    take_in(spark, place, secret)
    accepted = [r for r in rows(place, TURNS) if r["verdict"] == "accepted"]
    assert [(r["event_id"], r["text"]) for r in accepted] == [("m-old", "Where is my parcel?")]
    assert [r["verdict"] for r in rows(place, FEEDBACK)].count("accepted") == 1

    audit = conservation(place.pipeline.lake, offsets(place.kafka))
    assert audit.is_balanced, audit.problems
    chat = [p for p in audit.partitions if p.topic == CHAT]
    assert (sum(p.accepted for p in chat), sum(p.rejected for p in chat)) == (1, 5)
    assert lake.commits(place.pipeline.lake, TURNS)


def take_in(spark: "SparkSession", settings: Settings, secret: bytes) -> None:
    """Read what is in the topics into `turns` and `feedback`, as the job's two intakes do."""
    from transforms.intake import start_intake  # noqa: PLC0415
    from transforms.intakes import FEEDBACK_INTAKE, TURNS_INTAKE  # noqa: PLC0415

    for intake in (TURNS_INTAKE, FEEDBACK_INTAKE):
        start_intake(spark, settings, intake, secret, once=True).awaitTermination()


def rows(settings: Settings, table: Any) -> list[dict[str, Any]]:
    from deskwheel import lake  # noqa: PLC0415

    return list(lake.read(settings.pipeline.lake, table).to_pylist())


def publish_old_and_new(settings: Settings) -> None:
    """A message from before `earliest_event_time`, one of a version to come, an old outcome."""
    old = "2025-06-01T08:00:00Z"
    message = {
        "message_id": "m-old", "conversation_id": "c-1", "customer_id": "u-1",
        "sender": "customer", "agent_id": None, "text": "Where is my parcel?", "sent_at": old,
    }  # fmt: skip
    new = {**message, "message_id": "m-new"}
    told = {"feedback_id": "f-1", "kind": "outcome", "trace_id": "t-1", "csat": 5,
            "is_completed": True, "occurred_at": old}  # fmt: skip
    with Publisher(settings.kafka) as publisher:
        for topic, body, schema in (
            (CHAT, message, "chat.v1"), (CHAT, new, NINE), ("feedback", told, "feedback.v1"),
        ):  # fmt: skip
            name = body.get("message_id", "f-1")
            headers = [("ce_id", str(name).encode()), ("ce_dataschema", schema.encode()),
                       ("ce_time", old.encode())]  # fmt: skip
            publisher.publish_bytes(topic, "c-1", json.dumps(body).encode(), headers)
