"""What only a real broker can show."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest

from deskwheel.errors import PublishError
from deskwheel.settings import KafkaSettings
from ingest import topics
from ingest.dead_letters import list_dead_letters
from ingest.offsets import offsets
from ingest.publish import Delivery, Publisher
from ingest.replay import play
from ingest.simulate import simulate
from tests.ingest.conftest import NOON, make_event

pytestmark = pytest.mark.kafka


def ends(bootstrap: str) -> dict[str, int]:
    found = offsets(KafkaSettings(bootstrap=bootstrap))
    return {topic: sum(end for _, end in parts.values()) for topic, parts in found.items()}


def test_created_topics_are_as_listed_and_creating_again_changes_nothing(broker: str) -> None:
    settings = KafkaSettings(bootstrap=broker)
    assert topics.apply(settings) == []
    assert not [p for p in topics.plan(settings) if p.is_missing or p.differences]


def test_every_acknowledged_event_moves_an_end_offset(broker: str) -> None:
    before = ends(broker)
    simulation = simulate(21, 20, start=NOON)
    with Publisher(KafkaSettings(bootstrap=broker)) as publisher:
        played = play(simulation.events, publisher)
        assert publisher.acknowledged == played.acknowledged
    after = ends(broker)
    assert played.failed == 0
    moved = sum(after[t] - before[t] for t in ("raw.email", "raw.chat", "raw.call"))
    assert moved == played.acknowledged == simulation.ledger.events


def test_events_of_one_key_share_a_partition_in_order(broker: str) -> None:
    with Publisher(KafkaSettings(bootstrap=broker)) as publisher:
        sent = [publisher.publish(make_event(id=f"m-{i}", key="ch-same")) for i in range(30)]
        places = [delivery.wait() for delivery in sent]
    assert len({p.partition for p in places}) == 1
    assert [p.offset for p in places] == sorted(p.offset for p in places)


def test_topic_that_does_not_exist_is_named(broker: str) -> None:
    with Publisher(KafkaSettings(bootstrap=broker, delivery_timeout_s=5)) as publisher:
        with pytest.raises(PublishError, match=r"raw\.fax"):
            publisher.publish(make_event(), topic="raw.fax").wait()


def test_dead_letters_are_counted_by_reason_and_their_content_stays_hidden(
    empty_topics: str,
) -> None:
    settings = KafkaSettings(bootstrap=empty_topics)
    with Publisher(settings) as publisher:
        for reason in ("NOT_JSON", "NOT_JSON", "EMPTY"):
            headers = [("dlq.reason", reason.encode()), ("ce_id", b"m-1")]
            publisher.publish_bytes("raw.chat.dlq", "ch-1", b"secret words", headers)
    listed = {t.topic: t for t in list_dead_letters(settings, limit=2)}
    chat = listed["raw.chat.dlq"]
    assert chat.count == 3
    assert chat.reasons == {"NOT_JSON": 2, "EMPTY": 1}
    assert [letter.headers for letter in chat.newest] == [
        {"reason": "NOT_JSON"},
        {"reason": "EMPTY"},
    ]
    assert "secret" not in repr(chat)
    assert listed["raw.email.dlq"].count == 0


def test_publisher_reports_a_stalled_broker_and_recovers_when_it_is_back(broker: str) -> None:
    settings = KafkaSettings(bootstrap=broker, delivery_timeout_s=2)
    with Publisher(settings) as publisher:
        publisher.publish(make_event(key="ch-1")).wait()
        with stalled(broker):
            late = [publisher.publish(make_event(id=f"m-{i}", key="ch-1")) for i in range(5)]
            with pytest.raises(PublishError, match="ch-1"):
                publisher.flush()
            for delivery in late:
                with pytest.raises(PublishError):
                    delivery.wait()
        publisher.publish(make_event(id="m-9", key="ch-1")).wait()
        publisher.flush()
        assert publisher.acknowledged == 2


def test_a_full_buffer_makes_the_caller_wait_and_bounds_what_is_held(broker: str) -> None:
    settings = KafkaSettings(bootstrap=broker, delivery_timeout_s=30, buffer_bytes=1_048_576)
    sent: list[str] = []
    with Publisher(settings) as publisher:
        publisher.publish(make_event()).wait()

        def work() -> None:
            for i in range(40):
                publisher.publish(make_event(id=f"m-{i}", data=os.urandom(100_000)))
                sent.append(f"m-{i}")

        thread = threading.Thread(target=work)
        with stalled(broker):
            thread.start()
            thread.join(1)
            assert thread.is_alive()
            assert 0 < len(sent) <= 10
            assert publisher.held_bytes <= settings.buffer_bytes
        thread.join()
        publisher.flush()
        assert publisher.acknowledged == 41
        assert publisher.held_bytes == 0


def test_an_event_larger_than_the_buffer_passes_alone(broker: str) -> None:
    settings = KafkaSettings(bootstrap=broker, buffer_bytes=1_048_576)
    with Publisher(settings) as publisher:
        publisher.publish(make_event(data=bytes(2_000_000)))
        publisher.publish(make_event(data=bytes(2_000_000)))
        publisher.flush()
        assert publisher.acknowledged == 2


def test_a_callback_is_called_once_whatever_became_of_the_event(broker: str) -> None:
    called: list[tuple[Delivery, int]] = []

    def note(delivery: Delivery) -> None:
        called.append((delivery, threading.get_ident()))

    settings = KafkaSettings(bootstrap=broker, delivery_timeout_s=2)
    with Publisher(settings) as publisher:
        good = publisher.publish(make_event())
        good.add_done_callback(note)
        good.wait()
        assert [d for d, _ in called] == [good]
        assert called[0][1] != threading.get_ident()
        good.add_done_callback(note)
        assert [d for d, _ in called] == [good, good]
        with stalled(broker):
            late = publisher.publish(make_event(id="m-2"))
            late.add_done_callback(note)
            with pytest.raises(PublishError):
                late.wait()
            assert [d for d, _ in called][2:] == [late]
            assert not late.is_acknowledged
        with pytest.raises(PublishError):
            publisher.flush()


@contextmanager
def stalled(bootstrap: str) -> Iterator[None]:
    """Suspend the broker that the fixture started, for the time of the block."""
    port = int(bootstrap.rpartition(":")[2])
    (listener,) = [
        child for child in psutil.Process().children(recursive=True) if listens(child, port)
    ]
    listener.suspend()
    try:
        yield
    finally:
        listener.resume()


def listens(process: psutil.Process, port: int) -> bool:
    """Whether a process listens on a port; one that has just ended does not."""
    with suppress(psutil.NoSuchProcess):
        return any(c.laddr.port == port and c.status == "LISTEN" for c in process.net_connections())
    return False
