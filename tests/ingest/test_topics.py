from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from deskwheel.settings import KafkaSettings
from deskwheel.topics import DAY_MS, DEAD_LETTERS, TOPICS, Topic
from ingest import topics
from ingest.brokers import administration
from ingest.topics import broker_settings, compare

TOPIC = TOPICS[0]
OTHERS_SETTING = "min.cleanable.dirty.ratio"


def test_missing_topic_is_planned_as_listed() -> None:
    planned = compare(TOPIC, partitions=None, stated={})
    assert planned.is_missing
    assert planned.differences == ()
    assert planned.partitions == TOPIC.partitions


def test_topic_as_listed_has_no_difference() -> None:
    stated = {**broker_settings(TOPIC), "segment.bytes": "1"}
    planned = compare(TOPIC, partitions=TOPIC.partitions, stated=stated)
    assert not planned.is_pending
    assert planned.differences == ()


def test_topic_with_other_settings_says_which() -> None:
    stated = {**broker_settings(TOPIC), "message.timestamp.type": "CreateTime"}
    planned = compare(replace(TOPIC, partitions=6), partitions=3, stated=stated)
    assert planned.differences == (
        "partitions: is 3, should be 6",
        "message.timestamp.type: is CreateTime, should be LogAppendTime",
    )


@pytest.mark.parametrize(
    ("setting", "current", "is_harmless"),
    [
        ("retention.ms", str(TOPIC.retention_ms - 1), True),
        ("retention.ms", str(TOPIC.retention_ms + 1), False),
        ("retention.ms", "-1", False),
        ("max.message.bytes", "1000", True),
        ("max.message.bytes", str(TOPIC.max_message_bytes + 1), False),
        ("cleanup.policy", "compact", False),
        ("compression.type", "gzip", True),
        ("message.timestamp.type", "CreateTime", True),
    ],
)
def test_what_may_lose_events_has_a_risk(setting: str, current: str, is_harmless: bool) -> None:
    planned = compare(TOPIC, partitions=3, stated={**broker_settings(TOPIC), setting: current})
    (change,) = planned.changes
    assert change.setting == setting
    assert (change.risk is None) == is_harmless
    assert change.is_possible


def test_keeping_everything_from_now_on_is_harmless() -> None:
    topic = replace(TOPIC, retention_ms=-1)
    stated = {**broker_settings(topic), "retention.ms": "1000"}
    (change,) = compare(topic, partitions=3, stated=stated).changes
    assert change.risk is None


def test_more_partitions_cost_order_and_fewer_are_impossible() -> None:
    (more,) = compare(TOPIC, partitions=2, stated={}).changes
    (fewer,) = compare(TOPIC, partitions=4, stated={}).changes
    assert "order" in (more.risk or "")
    assert more.is_possible
    assert not fewer.is_possible


def test_every_topic_is_dated_by_the_broker() -> None:
    assert {broker_settings(t)["message.timestamp.type"] for t in TOPICS} == {"LogAppendTime"}


def test_topics_take_larger_events_than_the_parsers() -> None:
    assert all(int(broker_settings(t)["max.message.bytes"]) >= 16 * 1024**2 for t in TOPICS)


def test_the_brokers_compress_what_spark_sends_uncompressed() -> None:
    assert {broker_settings(t)["compression.type"] for t in DEAD_LETTERS} == {"zstd"}


def stated(bootstrap: str, topic: str) -> tuple[int, dict[str, str]]:
    """Partitions and settings of a topic as the broker tells them."""
    with administration(KafkaSettings(bootstrap=bootstrap)) as admin:
        (described,) = admin.describe_topics([topic])
        return len(described["partitions"]), topics._stated(admin, [topic])[topic]  # noqa: SLF001


def test_apply_creates_changes_what_is_harmless_and_refuses_the_rest(broker: str) -> None:
    from kafka.admin import ConfigResource  # noqa: PLC0415

    kafka = KafkaSettings(bootstrap=broker)
    first = Topic("raw.administered", "ingest", DAY_MS, partitions=2)
    assert [str(d.topic) for d in topics.apply(kafka, [first])] == ["raw.administered"]
    assert topics.apply(kafka, [first]) == []
    with administration(kafka) as admin:
        by_hand = ConfigResource("topic", first.name, {OTHERS_SETTING: "0.9"})
        admin.alter_configs([by_hand], incremental=True)

    wanted = replace(
        first,
        partitions=4,
        retention_ms=2 * DAY_MS,
        max_message_bytes=1024 * 1024,
        compression="zstd",
    )
    done = topics.apply(kafka, [wanted])
    assert [d.change.setting for d in done if d.change] == ["retention.ms", "compression.type"]
    count, settings = stated(broker, first.name)
    assert count == 2
    assert settings["retention.ms"] == str(2 * DAY_MS)
    assert settings["max.message.bytes"] == str(first.max_message_bytes)
    assert settings["compression.type"] == "zstd"
    assert settings[OTHERS_SETTING] == "0.9"
    (left,) = topics.plan(kafka, [wanted])
    assert [c.setting for c in left.changes] == ["partitions", "max.message.bytes"]

    topics.apply(kafka, [wanted], is_destructive_allowed=True)
    assert not topics.plan(kafka, [wanted])[0].is_pending
    assert stated(broker, first.name)[0] == 4

    fewer = replace(wanted, partitions=1)
    assert topics.apply(kafka, [fewer], is_destructive_allowed=True) == []
    assert stated(broker, first.name)[0] == 4
    assert topics.unlisted(kafka) == ["raw.administered"]
    assert topics.unlisted(kafka, [wanted]) == []
    with administration(kafka) as admin:
        admin.delete_topics([first.name])


def test_two_callers_at_once_do_no_harm(broker: str) -> None:
    kafka = KafkaSettings(bootstrap=broker)
    listed = [Topic(f"pair.{n}", "ingest", DAY_MS) for n in range(4)]
    grown = [replace(t, partitions=5, retention_ms=2 * DAY_MS) for t in listed]
    with ThreadPoolExecutor(2) as pool:
        first = list(pool.map(lambda _: topics.apply(kafka, listed), range(2)))
        list(pool.map(lambda _: topics.apply(kafka, grown, is_destructive_allowed=True), range(2)))
    created = sorted(d.topic for done in first for d in done)
    assert created == [t.name for t in listed]
    assert not any(p.is_pending for p in topics.plan(kafka, grown))
    with administration(kafka) as admin:
        admin.delete_topics([t.name for t in listed])
