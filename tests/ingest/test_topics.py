from dataclasses import replace

from deskwheel.topics import TOPICS
from ingest.topics import broker_settings, compare

TOPIC = TOPICS[0]


def test_missing_topic_is_planned_as_listed() -> None:
    planned = compare(TOPIC, partitions=None, stated={})
    assert planned.is_missing
    assert planned.differences == ()
    assert planned.partitions == TOPIC.partitions


def test_topic_as_listed_has_no_difference() -> None:
    stated = {**broker_settings(TOPIC), "segment.bytes": "1"}
    planned = compare(TOPIC, partitions=TOPIC.partitions, stated=stated)
    assert not planned.is_missing
    assert planned.differences == ()


def test_topic_with_other_settings_says_which() -> None:
    stated = {**broker_settings(TOPIC), "message.timestamp.type": "CreateTime"}
    planned = compare(replace(TOPIC, partitions=6), partitions=3, stated=stated)
    assert planned.differences == (
        "partitions: is 3, should be 6",
        "message.timestamp.type: is CreateTime, should be LogAppendTime",
    )


def test_every_topic_is_dated_by_the_broker() -> None:
    assert {broker_settings(t)["message.timestamp.type"] for t in TOPICS} == {"LogAppendTime"}


def test_topics_take_larger_events_than_the_parsers() -> None:
    assert all(int(broker_settings(t)["max.message.bytes"]) >= 16 * 1024**2 for t in TOPICS)
