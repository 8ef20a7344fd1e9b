"""One broker behind a proxy for the whole run, and a source that sends until all is taken."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from kafka import TopicPartition

from deskwheel.errors import PublishError, SetupError
from deskwheel.jars import jar_dir
from deskwheel.java import find_java
from deskwheel.records import Event
from deskwheel.settings import KafkaSettings
from ingest import topics
from ingest.brokers import reader
from ingest.publish import Publisher
from tests.faults.brokers import Broker
from tests.faults.proxy import Proxy
from tests.ingest.conftest import make_event

READ_S = 60.0


@dataclass(frozen=True)
class Site:
    """A broker that all clients reach through the proxy."""

    broker: Broker
    proxy: Proxy

    def settings(self, *, delivery_timeout_s: float) -> KafkaSettings:
        """How a client reaches it."""
        return KafkaSettings(
            bootstrap=f"127.0.0.1:{self.proxy.port}", delivery_timeout_s=delivery_timeout_s
        )


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    try:
        find_java()
        jar_dir("kafka")
    except SetupError as error:
        pytest.skip(str(error))
    with Proxy() as proxy:
        broker = Broker(
            tmp_path_factory.mktemp("faults"),
            further={
                "advertised.listeners": f"PLAINTEXT://127.0.0.1:{proxy.port}",
                # A killed broker's registration lives this long, and it cannot come back earlier.
                "broker.session.timeout.ms": "2000",
                "broker.heartbeat.interval.ms": "500",
            },
        )
        proxy.target_port = broker.port
        broker.restart()
        try:
            topics.apply(KafkaSettings(bootstrap=broker.bootstrap))
            yield Site(broker, proxy)
        finally:
            broker.kill()


def numbered(prefix: str, count: int, *, keys: int = 7) -> list[Event]:
    """Events of a few conversations in turns, each with its number within its own."""
    return [
        make_event(id=f"{prefix}:{i % keys}:{i // keys:06}", key=f"{prefix}-{i % keys}", data=b"{}")
        for i in range(count)
    ]


@dataclass
class Sent:
    """What a source has sent and knows of it."""

    acknowledged: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    attempts: int = 0


def send_until_acknowledged(
    publisher: Publisher,
    events: Sequence[Event],
    *,
    pace_s: float = 0.0,
    window: int = 400,
    during: Callable[[int], None] = lambda _: None,
) -> Sent:
    """Publish like a source that keeps its material: what failed is sent again, in its order.

    `during` is called with its number before an event is sent for the first time.
    """
    sent = Sent()
    todo = deque(events)
    waiting: deque[tuple[Event, Any]] = deque()
    started = 0
    while todo or waiting:
        if todo and len(waiting) < window:
            if started == len(events) - len(todo):
                during(started)
                started += 1
                time.sleep(pace_s)
            try:
                waiting.append((todo[0], publisher.publish(todo[0])))
                todo.popleft()
                sent.attempts += 1
            except PublishError as error:
                sent.failures.append(str(error))
                todo.extendleft(reversed(_settled(waiting, sent)))
        if waiting and (waiting[0][1].is_done or not todo or len(waiting) >= window):
            first = waiting.popleft()
            if failed := _settled(deque([first]), sent):
                todo.extendleft(reversed(failed + _settled(waiting, sent)))
    return sent


def _settled(waiting: deque[tuple[Event, Any]], sent: Sent) -> list[Event]:
    """Wait for all of them; return those that failed."""
    failed = []
    while waiting:
        event, promise = waiting.popleft()
        try:
            promise.wait()
            sent.acknowledged.add(event.id)
        except PublishError as error:
            sent.failures.append(str(error))
            failed.append(event)
    return failed


@dataclass
class Found:
    """What stands in Kafka of one test."""

    ids: list[str] = field(default_factory=list)
    """In order of offset within each partition."""

    def once(self) -> list[str]:
        """Each id at its first place."""
        return list(dict.fromkeys(self.ids))

    def is_ordered(self) -> bool:
        """Whether the numbers of each conversation rise, counting first places only."""
        last: dict[str, str] = {}
        for event_id in self.once():
            conversation, _, number = event_id.rpartition(":")
            if number < last.get(conversation, ""):
                return False
            last[conversation] = number
        return True


def readable(settings: KafkaSettings, prefix: str, topic: str = "raw.chat") -> Found:
    """Every event of the topic whose id begins with the prefix."""
    found = Found()
    with reader(settings) as consumer:
        parts = [TopicPartition(topic, n) for n in sorted(consumer.partitions_for_topic(topic))]
        consumer.assign(parts)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(parts)
        deadline = time.monotonic() + READ_S
        while any(consumer.position(p) < ends[p] for p in parts):
            assert time.monotonic() < deadline
            for records in consumer.poll(timeout_ms=500).values():
                ids = [dict(r.headers)["ce_id"].decode() for r in records]
                found.ids += [i for i in ids if i.startswith(prefix)]
    return found


def check_delivered(what: str, events: Sequence[Event], sent: Sent, found: Found) -> None:
    """All acknowledged, all readable, each once after deduplication, in order; say the counts."""
    wanted = {event.id for event in events}
    print(
        f"\n{what}: {len(sent.acknowledged)} events acknowledged, {len(found.once())} readable,"
        f" {len(found.ids) - len(found.once())} copies dropped by id,"
        f" {len(sent.failures)} failures on the way"
    )
    assert sent.acknowledged == wanted
    assert set(found.ids) == wanted
    assert found.is_ordered()
