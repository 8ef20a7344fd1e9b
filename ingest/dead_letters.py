"""What lies in the dead-letter topics, counted by reason. Reads `*.dlq`; writes nothing.

The original bytes may hold personal data, so they are counted and never shown.
"""

from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition

from deskwheel.settings import KafkaSettings
from deskwheel.topics import DEAD_LETTERS
from ingest.brokers import reader

HEADER_PREFIX = "dlq."
POLL_TIMEOUT_MS = 2000
EMPTY_POLLS = 5
"""After so many polls without a record the rest counts as gone (deleted while reading)."""


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """One rejected event: where it lies and why, without its content."""

    topic: str
    partition: int
    offset: int
    key: str
    value_bytes: int
    headers: dict[str, str]
    """Its `dlq.*` headers without the prefix: reason, stage, original topic and offset, …"""


@dataclass(frozen=True, kw_only=True)
class DeadLetterTopic:
    """One dead-letter topic: how many events, for which reasons, and the newest of them."""

    topic: str
    count: int
    reasons: dict[str, int]
    newest: tuple[DeadLetter, ...]


def list_dead_letters(settings: KafkaSettings, *, limit: int = 20) -> list[DeadLetterTopic]:
    """Return each existing dead-letter topic with up to `limit` newest letters, oldest first.

    Reads every letter once: cost is linear in what the topics keep.

    Raises:
        ServiceError: no broker answers.
    """
    with reader(settings) as consumer:
        existing = set(consumer.topics())
        return [
            _listed(consumer, topic.name, limit) for topic in DEAD_LETTERS if topic.name in existing
        ]


def _listed(consumer: Any, topic: str, limit: int) -> DeadLetterTopic:
    parts = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
    ends = consumer.end_offsets(parts)
    begins = consumer.beginning_offsets(parts)
    reasons: Counter[str] = Counter()
    newest: deque[DeadLetter] = deque(maxlen=limit)
    consumer.assign(parts)
    for part in parts:
        consumer.seek(part, begins[part])
    empty = 0
    while empty < EMPTY_POLLS and any(consumer.position(p) < ends[p] for p in parts):
        batch = consumer.poll(timeout_ms=POLL_TIMEOUT_MS)
        empty = 0 if batch else empty + 1
        for record in (r for records in batch.values() for r in records):
            letter = _letter(record)
            reasons[letter.headers.get("reason", "UNSTATED")] += 1
            newest.append(letter)
    return DeadLetterTopic(
        topic=topic, count=reasons.total(), reasons=dict(reasons), newest=tuple(newest)
    )


def _letter(record: Any) -> DeadLetter:
    headers = {
        name.removeprefix(HEADER_PREFIX): (value or b"").decode("utf-8", "replace")
        for name, value in record.headers
        if name.startswith(HEADER_PREFIX)
    }
    return DeadLetter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=(record.key or b"").decode("utf-8", "replace"),
        value_bytes=len(record.value or b""),
        headers=headers,
    )
