"""How far each topic-partition goes, and whether the brokers answer at all.

Reads offsets only, no event. The audit counts tables against these numbers.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    KafkaError,
    NotCoordinatorError,
)

from deskwheel.errors import ServiceError
from deskwheel.settings import KafkaSettings
from deskwheel.topics import TOPICS
from ingest.brokers import administration, reader

Offsets = dict[str, dict[int, tuple[int, int]]]
"""Topic → partition → (first offset kept, offset of the next event)."""

_POLL_S = 0.1
_COORDINATOR_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Lag:
    """How far a consumer group has read a partition, and how many events it has not."""

    group: str
    topic: str
    partition: int
    committed: int
    lag: int


def offsets(settings: KafkaSettings) -> Offsets:
    """Return begin and end offset of every partition of our topics; missing topics are left out.

    Raises:
        ServiceError: no broker answers.
    """
    with reader(settings) as consumer:
        existing = set(consumer.topics())
        names = [t.name for t in TOPICS if t.name in existing]
        parts = [
            TopicPartition(name, partition)
            for name in names
            for partition in sorted(consumer.partitions_for_topic(name) or ())
        ]
        begins = consumer.beginning_offsets(parts) if parts else {}
        ends = consumer.end_offsets(parts) if parts else {}
    found: Offsets = {name: {} for name in names}
    for part in parts:
        found[part.topic][part.partition] = (begins[part], ends[part])
    return found


def lags(settings: KafkaSettings, known: Offsets, groups: Mapping[str, Sequence[str]]) -> list[Lag]:
    """Return the lag of each group in the partitions of its topics for which it has an offset.

    Args:
        settings: where the brokers are.
        known: the offsets to measure against.
        groups: group → topics.

    Raises:
        ServiceError: no broker answers.
    """
    found = []
    with administration(settings) as admin:
        for group, topics in groups.items():
            stored = group_offsets(admin, group)
            for part, mark in sorted(stored.items()):
                _, end = known.get(part.topic, {}).get(part.partition, (0, -1))
                if part.topic in topics and end >= 0 and mark.offset >= 0:
                    found.append(
                        Lag(
                            group=group,
                            topic=part.topic,
                            partition=part.partition,
                            committed=mark.offset,
                            lag=max(0, end - mark.offset),
                        )
                    )
    return found


def group_offsets(admin: Any, group: str) -> dict[Any, Any]:
    """Return what a group has committed, as TopicPartition → mark; nothing for one nobody knows."""
    asked = {group: None}
    return dict(coordinated(lambda: admin.list_group_offsets(asked)).get(group, {}))


def coordinated(ask: Callable[[], Any]) -> Any:
    """Return the answer to a request about a group, asked again while it has no coordinator.

    The first one ever makes the brokers create the topic that keeps offsets, which takes seconds.
    """
    deadline = time.monotonic() + _COORDINATOR_S
    while True:
        try:
            return ask()
        except (CoordinatorNotAvailableError, NotCoordinatorError, CoordinatorLoadInProgressError):
            if time.monotonic() >= deadline:
                raise
            time.sleep(_POLL_S)


def broker_ready(bootstrap: str, timeout_s: float) -> bool:
    """Return whether a broker answers a metadata request within the time.

    An open port is not enough: a broker that starts up listens before it can answer.
    """
    deadline = time.monotonic() + timeout_s
    settings = KafkaSettings(bootstrap=bootstrap)
    while True:
        left = deadline - time.monotonic()
        try:
            with administration(settings, timeout_s=max(0.2, left)) as admin:
                admin.describe_cluster()
                return True
        except (ServiceError, KafkaError, OSError):
            if time.monotonic() + _POLL_S >= deadline:
                return False
            time.sleep(_POLL_S)
