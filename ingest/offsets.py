"""How far each topic-partition goes, and whether the brokers answer at all.

Reads offsets only, no event. The audit counts tables against these numbers.
"""

import time

from kafka import TopicPartition
from kafka.errors import KafkaError

from deskwheel.errors import ServiceError
from deskwheel.settings import KafkaSettings
from deskwheel.topics import TOPICS
from ingest.brokers import administration, reader

Offsets = dict[str, dict[int, tuple[int, int]]]
"""Topic → partition → (first offset kept, offset of the next event)."""

_POLL_S = 0.1


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
