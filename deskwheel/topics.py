"""The Kafka topics: name, who writes them, how long they keep data.

Administration (`python -m ingest topics`) and tests read this list; nobody else names a topic.
"""

from dataclasses import dataclass

DAY_MS = 24 * 60 * 60 * 1000
CHANNELS = ("email", "chat", "call", "outcome")
"""Channels of events: three of conversations, and what came of them."""


@dataclass(frozen=True)
class Topic:
    """One topic and the settings it is created with."""

    name: str
    writer: str
    """The one stage that publishes to it; `all` for the timeline."""
    retention_ms: int
    partitions: int = 3
    max_message_bytes: int = 16 * 1024 * 1024
    """Of a compressed batch. Above the parsers' own limit, so that an oversize event can be
    rejected with a reason."""
    compression: str = "producer"
    """Codec in which the brokers keep batches; `producer` keeps each as it was sent, which costs
    them nothing."""


def raw_topic(channel: str) -> str:
    """Name of the topic that carries a channel's events."""
    return f"raw.{channel}"


def dead_letter_topic(topic: str) -> str:
    """Name of the topic that keeps the original bytes of a topic's rejected events."""
    return f"{topic}.dlq"


RAW = tuple(Topic(raw_topic(c), "ingest", 7 * DAY_MS) for c in CHANNELS)
FEEDBACK = Topic("feedback", "deploy", 30 * DAY_MS)
EVENTS = Topic("deskwheel.events", "all", 30 * DAY_MS, partitions=1)
"""Reserved for the timeline as CloudEvents; nothing publishes to it yet."""
DEAD_LETTER_BYTES = 48 * 1024 * 1024
"""Whatever a raw topic took must fit here without its compression and with a few headers more:
publishers send values of up to 20 MiB, and a dead letter that is refused would stop the stream."""

DEAD_LETTERS = tuple(
    Topic(
        dead_letter_topic(t.name),
        "transforms",
        14 * DAY_MS,
        max_message_bytes=DEAD_LETTER_BYTES,
        # Spark's sink sends them uncompressed, and they are kept the longest.
        compression="zstd",
    )
    for t in (*RAW, FEEDBACK)
)
TOPICS: tuple[Topic, ...] = (*RAW, *DEAD_LETTERS, FEEDBACK, EVENTS)
"""Every topic. `LogAppendTime` is set on all of them: the broker's clock bounds event time."""
