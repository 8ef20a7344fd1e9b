"""A micro-batch of Kafka records into the table `turns`: verdicts, duplicates, exactly once."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from deskwheel import lake, reasons
from deskwheel.settings import KafkaSettings, Settings
from deskwheel.tables import FEEDBACK, TURNS
from deskwheel.topics import RAW, dead_letter_topic
from ingest.brokers import reader
from ingest.offsets import offsets
from tests.places import served_by, settings_in
from tests.transforms import toys
from tests.transforms.toys import call, chat, mail, raw
from transforms.intake import write_batch
from transforms.intakes import FEEDBACK_INTAKE, TURNS_INTAKE, Intake
from transforms.parse.model import RawEvent

COLUMNS = (
    "topic string, partition int, offset long, timestamp timestamp, key binary, value binary,"
    " headers array<struct<key: string, value: binary>>, size int, small_value binary"
)


BIGGEST_BYTES = 18 * 1024 * 1024
"""What a publisher can bring through a raw topic's 16 MiB by compression."""


def record(
    event: RawEvent, offset: int, *, partition: int = 0, at: datetime = toys.NOW
) -> tuple[Any, ...]:
    """An event as a row of the Kafka source."""
    topic = "feedback" if event.channel == "feedback" else f"raw.{event.channel}"
    headers = [(name, value.encode()) for name, value in event.headers.items()] or None
    small = event.data if event.size <= toys.LIMITS.max_event_bytes else None
    return (topic, partition, offset, at, b"key", event.data, headers, event.size, small)


@dataclass
class Table:
    """A table under test and how batches get into it."""

    spark: SparkSession
    settings: Settings
    intake: Intake

    def write(self, records: Sequence[tuple[Any, ...]], batch_id: int, app: str = "t:1") -> None:
        write_batch(
            self.frame(records), batch_id, settings=self.settings, intake=self.intake,
            rules=toys.RULES, app_id=app,
        )  # fmt: skip

    def frame(self, records: Sequence[tuple[Any, ...]]) -> DataFrame:
        return self.spark.createDataFrame(list(records), COLUMNS)

    def rows(self) -> list[dict[str, Any]]:
        return list(lake.read(self.settings.pipeline.lake, self.intake.table).to_pylist())


@pytest.fixture(scope="module")
def table(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Table:
    """`turns` after two batches, the first of which was replayed. Needs no broker."""
    settings = settings_in(tmp_path_factory.mktemp("intake"))
    lake.ensure(settings.pipeline.lake, TURNS)
    found = Table(spark, settings, TURNS_INTAKE)
    first = [
        record(chat(), 0),
        record(chat(text="Where is my parcel?", colour="blue"), 1),
        record(chat(message_id="m-2"), 2),
        record(call(), 0),
        record(call(), 4, partition=2),
        record(mail(Precedence="bulk"), 0),
        record(mail(Precedence="bulk"), 1),
    ]
    found.write(first, 0)
    found.write(first, 0)
    later = toys.NOW + timedelta(hours=1)
    found.write(
        [record(chat(), 3, at=later), record(chat(message_id="m-3"), 4, at=later),
         record(mail(Message_ID="<m-2>"), 2, at=later)],
        1,
    )  # fmt: skip
    found.write([], 2)
    return found


def by_place(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        place = "{topic}/{partition}/{offset}".format(**row["source"])
        found.setdefault(place, []).append(row)
    return found


def test_every_offset_has_its_verdict_and_a_replayed_batch_adds_nothing(table: Table) -> None:
    rows = table.rows()
    verdicts = {place: {r["verdict"] for r in found} for place, found in by_place(rows).items()}
    assert verdicts == {
        "raw.chat/0/0": {"accepted"},
        "raw.chat/0/1": {"duplicate"},
        "raw.chat/0/2": {"accepted"},
        "raw.chat/0/3": {"duplicate"},
        "raw.chat/0/4": {"accepted"},
        "raw.call/0/0": {"accepted"},
        "raw.call/2/4": {"duplicate"},
        "raw.email/0/0": {"rejected"},
        "raw.email/0/1": {"rejected"},
        "raw.email/0/2": {"accepted"},
    }
    assert len(rows) == 9 + 3


def test_a_duplicate_is_one_row_without_text_however_many_utterances_it_had(table: Table) -> None:
    rows = by_place(table.rows())
    assert len(rows["raw.call/0/0"]) == 3
    (again,) = rows["raw.call/2/4"]
    assert (again["reason"], again["text"], again["shadow_text"]) == ("DUPLICATE_EVENT", None, None)
    (elsewhere,) = rows["raw.chat/0/3"]
    assert elsewhere["event_id"] == rows["raw.chat/0/0"][0]["event_id"]


def test_rejected_events_of_one_id_are_not_each_other_s_duplicates(table: Table) -> None:
    rows = by_place(table.rows())
    found = [rows[f"raw.email/0/{n}"][0] for n in (0, 1)]
    assert [r["reason"] for r in found] == ["MACHINE_MAIL", "MACHINE_MAIL"]


def test_a_batch_is_one_commit_that_says_which_offsets_it_holds(table: Table) -> None:
    commits = lake.commits(table.settings.pipeline.lake, TURNS)
    assert [(c["app"], c["batch"]) for c in commits] == [("t:1", 0), ("t:1", 1)]
    assert commits[0]["ranges"] == {
        "raw.chat/0": [0, 3],
        "raw.call/0": [0, 1],
        "raw.call/2": [4, 5],
        "raw.email/0": [0, 2],
    }
    assert commits[1]["ranges"] == {"raw.chat/0": [3, 5], "raw.email/0": [2, 3]}


def test_spark_s_files_are_read_without_a_jvm_and_no_value_is_lost(table: Table) -> None:
    path = lake.table_path(table.settings.pipeline.lake, TURNS)
    protocol = DeltaTable(path).protocol()
    settings = DeltaTable(path).metadata().configuration
    assert protocol.min_reader_version == 1
    assert not protocol.reader_features
    assert settings["delta.columnMapping.mode"] == "none"
    assert settings["delta.enableDeletionVectors"] == "false"
    (expected,) = toys.turns(chat(), batch_id=0)
    (row,) = by_place(table.rows())["raw.chat/0/0"]
    assert {name: row[name] for name in ("text", "role", "turn_id", "event_id", "subject_key",
            "tenant", "sent_at", "ingested_at", "ruleset_version", "batch_id")} == {
        name: getattr(expected, name) for name in ("text", "role", "turn_id", "event_id",
            "subject_key", "tenant", "sent_at", "ingested_at", "ruleset_version", "batch_id")
    }  # fmt: skip
    assert row["redaction"]["version"] == expected.redaction.version


def test_no_text_gets_into_the_log_of_the_table(table: Table) -> None:
    folder = lake.table_path(table.settings.pipeline.lake, TURNS) / "_delta_log"
    log = "".join(p.read_text(encoding="utf-8") for p in sorted(folder.glob("*.json")))
    stats = [json.loads(json.loads(line)["add"]["stats"]) for line in log.splitlines()
             if line.startswith('{"add"')]  # fmt: skip
    assert stats
    assert all(set(s["minValues"]) <= set(TURNS.skipping_columns) for s in stats)
    assert "parcel" not in log


def test_an_event_is_forgotten_after_the_horizon(spark: SparkSession, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, dedup_horizon_h=1.0)
    lake.ensure(settings.pipeline.lake, FEEDBACK)
    table = Table(spark, settings, FEEDBACK_INTAKE)
    outcome = {"feedback_id": "f-1", "kind": "outcome", "trace_id": "t", "occurred_at": toys.SENT}
    event = replace(raw("chat", json.dumps(outcome).encode()), channel="feedback")
    for batch, minutes in enumerate((0, 59, 121)):
        at = toys.NOW + timedelta(minutes=minutes)
        table.write([record(event, batch, at=at)], batch)
    rows = sorted(table.rows(), key=lambda r: r["source"]["offset"])
    assert [r["verdict"] for r in rows] == ["accepted", "duplicate", "accepted"]


def test_dead_letters_keep_their_bytes_and_say_why(
    spark: SparkSession, empty_topics: str, tmp_path: Path
) -> None:
    settings = served_by(settings_in(tmp_path), empty_topics)
    lake.ensure(settings.pipeline.lake, TURNS)
    poison = b"\x00\xff<not json>"
    old = replace(raw("chat", poison, ce_id="e-1"), headers={"ce_id": "e-1", "dlq.reason": "OLD"})
    records = [
        record(chat(), 0),
        record(old, 1),
        record(raw("chat", b"x" * BIGGEST_BYTES), 2),
        record(raw("call", b"[", ce_id="e-2"), 5, partition=1),
        record(mail(Precedence="bulk"), 0),
    ]
    Table(spark, settings, TURNS_INTAKE).write(records, 0)
    letters = {
        (topic, r["headers"]["dlq.offset"]): r
        for topic in (t.name for t in RAW)
        for r in dead_letters(settings.kafka, topic)
    }
    assert sorted(letters) == [("raw.call", "5"), ("raw.chat", "1"), ("raw.chat", "2")]
    assert letters["raw.chat", "1"] == {
        "key": b"key",
        "value": poison,
        "headers": {
            "ce_id": "e-1", "dlq.reason": reasons.UNDECODABLE, "dlq.rule_ids": reasons.UNDECODABLE,
            "dlq.stage": "transforms", "dlq.attempt": "0", "dlq.topic": "raw.chat",
            "dlq.partition": "0", "dlq.offset": "1", "dlq.origin": "raw.chat/0/1",
        },
    }  # fmt: skip
    assert len(letters["raw.chat", "2"]["value"]) == BIGGEST_BYTES
    assert Counter(r["headers"]["dlq.reason"] for r in letters.values()) == {
        reasons.UNDECODABLE: 1, reasons.TOO_LARGE: 1, reasons.NOT_JSON: 1,
    }  # fmt: skip


def dead_letters(kafka: KafkaSettings, topic: str) -> list[dict[str, Any]]:
    """Every record of a topic's dead-letter topic."""
    from kafka import TopicPartition  # noqa: PLC0415

    name = dead_letter_topic(topic)
    ends = {TopicPartition(name, p): end for p, (_, end) in offsets(kafka)[name].items()}
    with reader(kafka) as consumer:
        consumer.assign(list(ends))
        consumer.seek_to_beginning()
        found: list[Any] = []
        while any(consumer.position(p) < end for p, end in ends.items()):
            found += [r for records in consumer.poll(1000).values() for r in records]
    return [
        {"key": r.key, "value": r.value, "headers": {k: v.decode() for k, v in r.headers}}
        for r in found
    ]
