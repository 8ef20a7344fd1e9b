"""`[kafka]` as arguments of kafka-python's producer, and the choice of an event's partition."""

from functools import lru_cache
from typing import Any

from kafka.partitioner.default import DefaultPartitioner, murmur2

from deskwheel.errors import ConfigError
from deskwheel.settings import KafkaSettings
from ingest.access import client_arguments

MAX_REQUEST_BYTES = 20 * 1024 * 1024
"""Above the topics' 16 MiB, so that the broker's limit decides and names the topic."""

BATCH_BYTES = 128 * 1024
"""Of one partition's events in a request, before compression. One batch a partition is under way
at a time, for the order's sake, so a small batch makes throughput wait for round trips."""

MIN_REQUEST_MS = 500


class KeyPartitioner(DefaultPartitioner):
    """The partition of Java's default partitioner: murmur2 of the key; any for an empty key."""

    def partition(
        self,
        topic: str,
        key: Any,
        serialized_key: bytes | None,
        value: Any,
        serialized_value: bytes | None,
        cluster: Any,
    ) -> int:
        """Return the partition; the same key has the same one as long as their number stays."""
        if serialized_key is None:
            return super().partition(topic, key, None, value, serialized_value, cluster)
        partitions = sorted(cluster.partitions_for_topic(topic))
        return partitions[_positive_hash(serialized_key) % len(partitions)]


@lru_cache(maxsize=16_384)
def _positive_hash(key: bytes) -> int:
    """Conversations write many events, and murmur2 in Python costs more than the rest of a send.

    Keys are at most 250 characters long (`ingest.envelope.MAX_ID_CHARS`).
    """
    return murmur2(key) & 0x7FFFFFFF


def producer_arguments(settings: KafkaSettings) -> dict[str, Any]:
    """Return the arguments of KafkaProducer.

    Raises:
        ConfigError: `[kafka]` is incomplete or contradictory.
    """
    timeout_ms = int(settings.delivery_timeout_s * 1000)
    request_ms = min(max(MIN_REQUEST_MS, timeout_ms // 2), timeout_ms - settings.linger_ms)
    if request_ms < MIN_REQUEST_MS:
        raise ConfigError(
            f"kafka.linger_ms is {settings.linger_ms}, which leaves less than {MIN_REQUEST_MS} ms"
            f" of kafka.delivery_timeout_s = {settings.delivery_timeout_s:g} for a request"
        )
    return {
        **client_arguments(settings),
        "client_id": "deskwheel-ingest",
        "enable_idempotence": True,
        "acks": "all",
        "partitioner": KeyPartitioner(),
        "compression_type": None if settings.compression == "none" else settings.compression,
        "linger_ms": settings.linger_ms,
        "batch_size": BATCH_BYTES,
        "max_request_size": MAX_REQUEST_BYTES,
        "delivery_timeout_ms": timeout_ms,
        "request_timeout_ms": request_ms,
        "max_block_ms": timeout_ms,
        "bootstrap_timeout_ms": timeout_ms,
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
    }
