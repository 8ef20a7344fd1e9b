"""What lies in the dead-letter topics: chosen by topic, reason and time, counted, looked at.

Reads `*.dlq`; writes nothing. The original bytes may hold personal data: a `DeadLetter` says
where they are and why, and only `Found` carries them.
"""

import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kafka import TopicPartition

from deskwheel.errors import ConfigError
from deskwheel.records import Pointer
from deskwheel.settings import KafkaSettings
from deskwheel.topics import DEAD_LETTERS, dead_letter_topic
from ingest.brokers import reader

HEADER_PREFIX = "dlq."
POLL_TIMEOUT_MS = 2000
EMPTY_POLLS = 5
"""After so many polls without a record the rest counts as gone (deleted while reading)."""

_END = dead_letter_topic("")
_NUMBER = re.compile(r"[0-9]{1,3}")


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """One rejected event: where it lies and why, without its content."""

    topic: str
    partition: int
    offset: int
    at: datetime
    """When the broker took the dead letter."""
    key: str
    value_bytes: int
    event_id: str
    headers: dict[str, str]
    """Its `dlq.*` headers without the prefix: reason, stage, original topic and offset, …"""

    @property
    def place(self) -> str:
        """Where the letter lies, as `raw.chat.dlq/0/4`."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def home(self) -> str:
        """The topic that the event came from and may be sent back to."""
        return self.topic.removesuffix(_END)

    @property
    def reason(self) -> str:
        """Why it was rejected."""
        return self.headers.get("reason", "UNSTATED")

    @property
    def source(self) -> str:
        """Where the rejected event itself lies; copies of one letter share it."""
        stated = [self.headers.get(name, "") for name in ("topic", "partition", "offset")]
        return "/".join(stated) if all(stated) else self.place

    @property
    def origin(self) -> str:
        """Where the event lay when it was rejected for the first time."""
        return self.headers.get("origin") or self.source

    @property
    def attempts(self) -> int:
        """How often the event was sent back before it was rejected this time."""
        stated = self.headers.get("attempt", "")
        return int(stated) if _NUMBER.fullmatch(stated) else 0


@dataclass(frozen=True)
class Found:
    """A dead letter with its Kafka record."""

    letter: DeadLetter
    record: Any


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which dead letters are meant; all by default."""

    topics: tuple[str, ...] = tuple(t.name for t in DEAD_LETTERS)
    reasons: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    place: Pointer | None = None
    """One letter; the topics do not count then."""

    def has(self, letter: DeadLetter) -> bool:
        """Whether a letter is meant, apart from topic and place, where nothing else is read."""
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (self.since is None or letter.at >= self.since)
            and (self.until is None or letter.at < self.until)
        )


@dataclass(frozen=True, kw_only=True)
class DeadLetterTopic:
    """One dead-letter topic: how many events, for which reasons, and the newest of them."""

    topic: str
    count: int
    reasons: dict[str, int]
    newest: tuple[DeadLetter, ...]


def dead_letters_of(name: str) -> str:
    """Return the dead-letter topic of a topic; one of those itself is returned as it is.

    Raises:
        ConfigError: there is no such topic.
    """
    known = {t.name for t in DEAD_LETTERS}
    wanted = name if name.endswith(_END) else dead_letter_topic(name)
    if wanted not in known:
        raise ConfigError(
            f"{name}: no dead letters of that name; choose {', '.join(sorted(known))}"
        )
    return wanted


def list_dead_letters(
    settings: KafkaSettings, chosen: Chosen | None = None, *, limit: int = 20
) -> list[DeadLetterTopic]:
    """Return each chosen, existing topic with up to `limit` newest letters, oldest first.

    Reads every letter once: cost is linear in what the topics keep since the time chosen.

    Raises:
        ServiceError: no broker answers.
    """
    chosen = chosen or Chosen()
    with reader(settings) as consumer:
        existing = _existing(consumer, chosen)
        return [_listed(consumer, topic, chosen, limit) for topic in existing]


def read_letters(settings: KafkaSettings, chosen: Chosen) -> Iterator[Found]:
    """Yield the chosen letters, each partition from its oldest, up to what is there now.

    Raises:
        ServiceError: no broker answers.
    """
    with reader(settings) as consumer:
        for topic in _existing(consumer, chosen):
            for record in _records(consumer, topic, chosen):
                letter = _letter(record)
                if chosen.has(letter):
                    yield Found(letter, record)


def _existing(consumer: Any, chosen: Chosen) -> list[str]:
    names = (chosen.place.topic,) if chosen.place else chosen.topics
    existing = set(consumer.topics())
    return [name for name in names if name in existing]


def _listed(consumer: Any, topic: str, chosen: Chosen, limit: int) -> DeadLetterTopic:
    reasons: Counter[str] = Counter()
    newest: deque[DeadLetter] = deque(maxlen=limit)
    for record in _records(consumer, topic, chosen):
        letter = _letter(record)
        if chosen.has(letter):
            reasons[letter.reason] += 1
            newest.append(letter)
    return DeadLetterTopic(
        topic=topic, count=reasons.total(), reasons=dict(reasons), newest=tuple(newest)
    )


def _records(consumer: Any, topic: str, chosen: Chosen) -> Iterator[Any]:
    """The records of a topic between the chosen time and its present end."""
    known = sorted(consumer.partitions_for_topic(topic) or ())
    place = chosen.place
    parts = [TopicPartition(topic, p) for p in known if place is None or p == place.partition]
    if not parts:
        return
    begins, ends = consumer.beginning_offsets(parts), consumer.end_offsets(parts)
    if chosen.since is not None:
        asked = {part: int(chosen.since.timestamp() * 1000) for part in parts}
        at = consumer.offsets_for_times(asked)
        begins = {p: at[p].offset if at.get(p) else ends[p] for p in parts}
    if place is not None:
        (part,) = parts
        ends = {part: min(ends[part], place.offset + 1)}
        begins = {part: max(begins[part], place.offset)}
    consumer.assign(parts)
    for part in parts:
        consumer.seek(part, min(begins[part], ends[part]))
    empty = 0
    while empty < EMPTY_POLLS and any(consumer.position(p) < ends[p] for p in parts):
        batch = consumer.poll(timeout_ms=POLL_TIMEOUT_MS)
        empty = 0 if batch else empty + 1
        for part, records in batch.items():
            yield from (r for r in records if r.offset < ends[part])


def _letter(record: Any) -> DeadLetter:
    texts = {
        name.lower(): (value or b"").decode("utf-8", "replace") for name, value in record.headers
    }
    return DeadLetter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        key=(record.key or b"").decode("utf-8", "replace"),
        value_bytes=len(record.value or b""),
        event_id=texts.get("ce_id", ""),
        headers={
            name.removeprefix(HEADER_PREFIX): value
            for name, value in texts.items()
            if name.startswith(HEADER_PREFIX)
        },
    )
