"""The topics of `deskwheel.topics` on the brokers: what is missing, what differs, create them.

Writes no event. Creating is safe to repeat; settings of existing topics are never changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kafka.admin import ConfigResource
from kafka.errors import TopicAlreadyExistsError

from deskwheel.settings import KafkaSettings
from deskwheel.topics import TOPICS, Topic
from ingest.brokers import administration

_NO_CHOICE = -1
"""Lets the broker choose, here its default replication factor."""


@dataclass(frozen=True, kw_only=True)
class TopicPlan:
    """One topic and what stands between it and the list in `deskwheel.topics`."""

    name: str
    writer: str
    partitions: int
    retention_ms: int
    is_missing: bool
    differences: tuple[str, ...]
    """Settings of an existing topic that are not as listed, as `name: is X, should be Y`."""


def broker_settings(topic: Topic) -> dict[str, str]:
    """Return the settings a topic is created with.

    LogAppendTime makes the record timestamp the broker's own, so that no producer can date an
    event into the future. Source: KIP-32.
    """
    return {
        "retention.ms": str(topic.retention_ms),
        "max.message.bytes": str(topic.max_message_bytes),
        "message.timestamp.type": "LogAppendTime",
        "cleanup.policy": "delete",
    }


def plan(settings: KafkaSettings) -> list[TopicPlan]:
    """Return for every topic whether it is missing or differs; changes nothing."""
    with administration(settings) as admin:
        existing = {t["name"]: t for t in admin.describe_topics()}
        known = [t.name for t in TOPICS if t.name in existing]
        stated = _stated(admin, known) if known else {}
    return [
        compare(
            topic,
            partitions=len(existing[topic.name]["partitions"]) if topic.name in existing else None,
            stated=stated.get(topic.name, {}),
        )
        for topic in TOPICS
    ]


def compare(topic: Topic, *, partitions: int | None, stated: Mapping[str, str]) -> TopicPlan:
    """Return the plan of one topic from what the broker says; `partitions` None: no such topic."""
    wanted = broker_settings(topic)
    differences = [
        f"{name}: is {stated[name]}, should be {value}"
        for name, value in wanted.items()
        if name in stated and stated[name] != value
    ]
    if partitions is not None and partitions != topic.partitions:
        differences.insert(0, f"partitions: is {partitions}, should be {topic.partitions}")
    return TopicPlan(
        name=topic.name,
        writer=topic.writer,
        partitions=topic.partitions if partitions is None else partitions,
        retention_ms=topic.retention_ms,
        is_missing=partitions is None,
        differences=tuple(differences),
    )


def apply(settings: KafkaSettings) -> list[str]:
    """Create the missing topics and return their names; two callers at once do no harm.

    Returns when every topic has a leader for each partition.
    """
    missing = {p.name for p in plan(settings) if p.is_missing}
    wanted = [t for t in TOPICS if t.name in missing]
    if not wanted:
        return []
    with administration(settings) as admin:
        for topic in wanted:
            request = {
                topic.name: {
                    "num_partitions": topic.partitions,
                    "replication_factor": _NO_CHOICE,
                    "configs": broker_settings(topic),
                }
            }
            try:
                admin.create_topics(request)
            except TopicAlreadyExistsError:
                missing.discard(topic.name)
        admin.wait_for_topics([t.name for t in wanted])
    return [t.name for t in wanted if t.name in missing]


def _stated(admin: object, names: list[str]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource("topic", name) for name in names]
    described = admin.describe_configs(resources, config_filter="all")  # type: ignore[attr-defined]
    return {
        name: {key: str(entry["value"]) for key, entry in entries.items()}
        for name, entries in described["topic"].items()
    }
