"""How far the streams have read, as a lag tool sees it."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from deltalake import CommitProperties, write_deltalake

from deskwheel import lake
from deskwheel.schema import arrow_schema
from deskwheel.settings import Settings
from deskwheel.tables import FEEDBACK, TURNS, Table
from deskwheel.topics import FEEDBACK as FEEDBACK_TOPIC
from deskwheel.topics import RAW
from ingest import mirror, offsets
from ingest.publish import Publisher
from tests.ingest.conftest import make_event
from tests.places import served_by

CHAT = next(t.name for t in RAW if t.name.endswith("chat"))
GROUP = "deskwheel.{}.turns"


def commit(settings: Settings, ranges: Mapping[str, list[int]], *, app: str = "turns:a",
           table: Table = TURNS) -> None:  # fmt: skip
    """One batch of a stream: no rows, and the metadata that a stream puts on its commit."""

    path = lake.ensure(settings.pipeline.lake, table)
    metadata = json.dumps({"app": app, "batch": 0, "ranges": ranges})
    write_deltalake(
        path,
        arrow_schema(table.record).empty_table(),
        mode="append",
        commit_properties=CommitProperties(custom_metadata={"userMetadata": metadata}),
    )


def test_progress_is_the_furthest_range_of_each_partition(settings: Settings) -> None:
    kept = {CHAT: {0: (0, 9), 1: (0, 9), 2: (0, 0)}}
    assert mirror.progress(settings, TURNS, kept) is None
    commit(settings, {f"{CHAT}/0": [0, 3]})
    commit(settings, {f"{CHAT}/1": [0, 7]})
    commit(settings, {f"{CHAT}/0": [3, 5]})
    found = mirror.progress(settings, TURNS, kept)
    assert found == mirror.Reading(app="turns:a", ends={(CHAT, 0): 5, (CHAT, 1): 7})


def test_progress_of_a_long_table_is_found_behind_many_commits(settings: Settings) -> None:
    commit(settings, {f"{CHAT}/1": [0, 4]})
    for n in range(40):
        commit(settings, {f"{CHAT}/0": [n, n + 1]})
    found = mirror.progress(settings, TURNS, {CHAT: {0: (0, 99), 1: (0, 99)}})
    assert found is not None
    assert found.ends == {(CHAT, 0): 40, (CHAT, 1): 4}


def test_a_former_life_of_the_stream_says_nothing(settings: Settings) -> None:
    commit(settings, {f"{CHAT}/0": [0, 8], f"{CHAT}/1": [0, 8]}, app="turns:a")
    commit(settings, {f"{CHAT}/0": [0, 2]}, app="turns:b")
    found = mirror.progress(settings, TURNS, {CHAT: {0: (0, 9), 1: (0, 9)}})
    assert found == mirror.Reading(app="turns:b", ends={(CHAT, 0): 2})


@pytest.fixture
def place(settings: Settings, broker: str, request: pytest.FixtureRequest) -> Settings:
    """Settings with a pipeline, and so groups, of the test's own."""
    name = request.node.name.replace("_", "-")[-40:].strip("-")
    whole = served_by(settings, broker)
    return replace(whole, pipeline=replace(whole.pipeline, name=name))


def published(settings: Settings) -> tuple[int, int]:
    """(partition, offset after) of one new chat message."""
    with Publisher(settings.kafka) as publisher:
        at = publisher.publish(make_event(key="mirrored")).wait()
    return at.partition, at.offset + 1


def committed(settings: Settings, partition: int) -> int | None:
    """What a consumer of the group is told of its place."""
    from kafka import KafkaConsumer, TopicPartition  # noqa: PLC0415

    consumer = KafkaConsumer(
        bootstrap_servers=settings.kafka.bootstrap,
        group_id=GROUP.format(settings.pipeline.name),
        enable_auto_commit=False,
    )
    try:
        found = consumer.committed(TopicPartition(CHAT, partition))
    finally:
        consumer.close()
    return None if found is None else int(found)


def test_a_consumer_of_the_group_sees_how_far_the_table_goes(place: Settings) -> None:
    partition, end = published(place)
    published(place)
    commit(place, {f"{CHAT}/{partition}": [0, end]})
    (moved,) = mirror.mirror(place)
    assert (moved.before, moved.after, moved.note) == (None, end, "")
    assert committed(place, partition) == end
    known = offsets.offsets(place.kafka)
    (lag,) = offsets.lags(place.kafka, known, mirror.groups(place))
    assert (lag.group, lag.committed, lag.lag) == (GROUP.format(place.pipeline.name), end, 1)
    assert mirror.mirror(place) == []


def test_an_offset_goes_back_only_with_a_table_that_was_begun_anew(place: Settings) -> None:
    published(place)
    partition, end = published(place)
    commit(place, {f"{CHAT}/{partition}": [0, end]}, app="turns:a")
    mirror.mirror(place)
    group = GROUP.format(place.pipeline.name)
    behind = mirror.Reading(app="turns:a", ends={(CHAT, partition): end - 1})
    kept = offsets.offsets(place.kafka)
    (stayed,) = mirror._write(place, group, behind, kept, True)  # noqa: SLF001
    assert "never goes back" in stayed.note
    assert committed(place, partition) == end
    commit(place, {f"{CHAT}/{partition}": [0, end - 1]}, app="turns:b")
    (moved,) = mirror.mirror(place)
    assert "begun anew" in moved.note
    assert committed(place, partition) == end - 1


def test_what_kafka_does_not_have_is_said_and_not_written(place: Settings) -> None:
    partition, end = published(place)
    commit(place, {f"{CHAT}/{partition}": [0, end + 99], f"{CHAT}/77": [0, 5]})
    beyond, unknown = mirror.mirror(place)
    assert "made anew" in beyond.note
    assert "does not have" in unknown.note
    assert committed(place, partition) is None


def test_feedback_has_a_group_of_its_own(place: Settings) -> None:
    from ingest.brokers import administration  # noqa: PLC0415

    with Publisher(place.kafka) as publisher:
        sent = publisher.publish_bytes(FEEDBACK_TOPIC.name, "mirrored", b"{}", [("ce_id", b"f")])
        at = sent.wait()
    place_of = f"{FEEDBACK_TOPIC.name}/{at.partition}"
    commit(place, {place_of: [0, at.offset + 1]}, app="feedback:a", table=FEEDBACK)
    (moved,) = mirror.mirror(place)
    assert moved.group == f"deskwheel.{place.pipeline.name}.feedback"
    with administration(place.kafka) as admin:
        known = {g["group_id"] for g in admin.list_groups()}
    assert moved.group in known


def test_a_group_with_a_consumer_at_work_is_left_alone(place: Settings) -> None:
    from kafka import KafkaConsumer  # noqa: PLC0415

    partition, end = published(place)
    commit(place, {f"{CHAT}/{partition}": [0, end]})
    consumer = KafkaConsumer(
        CHAT,
        bootstrap_servers=place.kafka.bootstrap,
        group_id=GROUP.format(place.pipeline.name),
        enable_auto_commit=False,
    )
    try:
        consumer.poll(5000)
        (refused,) = mirror.mirror(place)
    finally:
        consumer.close()
    assert "does a consumer use the group?" in refused.note
