import time
from dataclasses import dataclass
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError
from kafka.future import Future

from deskwheel.errors import PublishError
from deskwheel.settings import KafkaSettings
from ingest.offsets import broker_ready
from ingest.producer import KeyPartitioner
from ingest.publish import Publisher
from tests.ingest.conftest import make_event

NOBODY = "127.0.0.1:1"
"""Port 1 is reserved and nothing listens on it."""


@dataclass(frozen=True)
class Cluster:
    """A topic of so many partitions, as the partitioner sees it."""

    partitions: int

    def partitions_for_topic(self, _: str) -> set[int]:
        return set(range(self.partitions))


def test_publisher_without_a_broker_names_the_address_and_the_cause() -> None:
    settings = KafkaSettings(bootstrap=NOBODY, delivery_timeout_s=1)
    with pytest.raises(PublishError, match=rf"{NOBODY}.*REFUSED.*is the broker running") as caught:
        Publisher(settings)
    assert caught.value.retriable


def test_broker_that_does_not_answer_is_not_ready() -> None:
    assert not broker_ready(NOBODY, 0.5)


@pytest.mark.parametrize(
    ("key", "java_hash"),
    [
        # Source: Apache Kafka, org.apache.kafka.common.utils.UtilsTest, testMurmur2.
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_a_key_has_the_partition_that_javas_producer_gives_it(key: bytes, java_hash: int) -> None:
    partition = KeyPartitioner().partition("raw.chat", None, key, None, None, Cluster(1000))
    assert partition == (java_hash & 0x7FFFFFFF) % 1000


class SilentFuture(Future):
    """The future of an event that is never settled."""

    def get(self, timeout: float | None = None) -> None:
        time.sleep(timeout or 0)
        raise KafkaTimeoutError


class SilentSender:
    """The sender of a producer whom nobody answers and whom nothing ends."""

    def force_close(self) -> None:
        pass

    def join(self, _: float) -> None:
        pass


class SilentProducer:
    """A producer of kafka-python whose thread hangs: no event is ever settled."""

    def __init__(self, **_: Any) -> None:
        self._sender = SilentSender()

    def send(self, *_: Any, **__: Any) -> Future:
        return SilentFuture()

    def flush(self, _: float) -> None:
        pass

    def close(self, **_: Any) -> None:
        pass


def test_flush_never_passes_over_an_event_that_nobody_answered_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingest.publish.KafkaProducer", SilentProducer)
    monkeypatch.setattr("ingest.publish._GRACE_S", 0.0)
    publisher = Publisher(KafkaSettings(delivery_timeout_s=1))
    publisher.publish(make_event())
    with pytest.raises(PublishError, match="no answer in time"):
        publisher.flush()
    publisher.close()
