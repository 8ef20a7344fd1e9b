"""How fast events are published, and how far that is from a bare kafka-python loop.

`python -m benchmarks.ingest_publish` starts a broker of its own and publishes the same 1 KB chat
events by `Publisher.publish` and by a loop around `KafkaProducer.send` with the same settings,
headers made beforehand and every future checked, in turns on one topic. The loop has kafka-python's
own partitioner; the publisher's chooses the same partitions and remembers the hashes of its keys.
The ratio is the median over the rounds, because a busy machine slows both.

Then events go to the spool, with nobody at the brokers' address: one after the other, each waited
for, and in a row, so that many share an fsync.
"""

import argparse
import gc
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from kafka import KafkaProducer

from benchmarks.claims import Claim, add_json_option, report
from benchmarks.gateway.processes import Broker, running
from deskwheel.records import Event
from deskwheel.settings import KafkaSettings
from deskwheel.topics import raw_topic
from ingest.envelope import headers_of
from ingest.producer import producer_arguments
from ingest.publish import Publisher
from ingest.spool import Spool
from ingest.spooled import SpoolingPublisher

EVENTS = 20_000
KEYS = 500
ROUNDS = 11
BODY_BYTES = 1024
_NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)


def chat_events(count: int, *, keys: int = KEYS) -> list[Event]:
    """Toy chat messages of about 1 KB in `keys` conversations, one after the other in turns."""
    words = "the parcel has not arrived yet and nobody answers my mail about it ".split()
    events = []
    for number in range(count):
        text = " ".join(words[(number * 7 + i * i) % len(words)] for i in range(150))
        body = {
            "message_id": f"m-{number:09}",
            "conversation_id": f"conversation-{number % keys:06}",
            "sent_at": "2026-04-01T12:00:00Z",
            "text": text,
        }
        data = json.dumps(body).encode()[:BODY_BYTES].ljust(BODY_BYTES)
        event = Event(
            id=body["message_id"],
            source="chat-gw-1",
            type="deskwheel.chat.message",
            dataschema="chat.v1",
            time=_NOON,
            tenant="default",
            channel="chat",
            key=body["conversation_id"],
            content_type="application/json",
            data=data,
        )
        events.append(event)
    return events


def ours(settings: KafkaSettings, events: Sequence[Event]) -> float:
    """Events a second of the publisher, all acknowledged."""
    with Publisher(settings) as publisher:
        publisher.publish(events[0]).wait()
        began = time.perf_counter()
        promises = [publisher.publish(event) for event in events]
        publisher.flush()
        for promise in promises:
            promise.wait()
        took_s = time.perf_counter() - began
        if publisher.acknowledged != len(events) + 1:
            raise SystemExit(f"{publisher.acknowledged} acknowledged of {len(events) + 1}")
    return len(events) / took_s


def bare(settings: KafkaSettings, events: Sequence[Event]) -> float:
    """Events a second of a loop around `send`, all acknowledged."""
    topic = raw_topic("chat")
    ready = [(event.key.encode(), event.data, headers_of(event)) for event in events]
    arguments = producer_arguments(settings)
    del arguments["partitioner"]
    producer = KafkaProducer(**arguments)
    try:
        key, data, headers = ready[0]
        producer.send(topic, data, key, headers).get(timeout=30)
        began = time.perf_counter()
        futures = [producer.send(topic, data, key, headers) for key, data, headers in ready]
        producer.flush()
        for future in futures:
            future.get(timeout=30)
        return len(events) / (time.perf_counter() - began)
    finally:
        producer.close()


def spooled(events: Sequence[Event], *, one_by_one: bool) -> float:
    """Events a second that the disk takes while no broker answers."""
    nobody = KafkaSettings(bootstrap="127.0.0.1:1")
    with tempfile.TemporaryDirectory(dir=".") as folder:
        spool = Spool(Path(folder), max_bytes=1 << 30, segment_bytes=16 << 20)
        with closing(SpoolingPublisher(nobody, spool, patience_s=1)) as publisher:
            began = time.perf_counter()
            if one_by_one:
                for event in events:
                    publisher.publish(event).wait()
            else:
                for receipt in [publisher.publish(event) for event in events]:
                    receipt.wait()
            return len(events) / (time.perf_counter() - began)


def measure(*, events: int = EVENTS, rounds: int = ROUNDS) -> list[Claim]:
    """The rates of both and their ratio."""
    material = chat_events(events)
    programs: dict[str, Callable[[KafkaSettings, Sequence[Event]], float]] = {
        "ours": ours,
        "bare": bare,
    }
    rates: dict[str, list[float]] = {name: [] for name in programs}
    with own_broker() as settings:
        for number in range(rounds + 1):
            for name in sorted(programs, reverse=bool(number % 2)):
                gc.collect()
                rate = programs[name](settings, material)
                if number:  # the first round warms the broker up
                    rates[name].append(rate)
    ratio = median(a / b for a, b in zip(rates["ours"], rates["bare"], strict=True))
    singly = median(spooled(material[:2000], one_by_one=True) for _ in range(3))
    together = median(spooled(material, one_by_one=False) for _ in range(3))
    of = f"median of {rounds} rounds of {events} events"
    return [
        Claim(
            id="ingest_publish.ratio", value=ratio, unit="×", target=">= 0.8",
            peer=f"bare loop, {of}",
        ),
        Claim(
            id="ingest_publish.rate", value=median(rates["ours"]), unit="1/s", target="",
            peer=f"`Publisher.publish`, {of}",
        ),
        Claim(
            id="ingest_publish.bare_rate", value=median(rates["bare"]), unit="1/s", target="",
            peer=f"`KafkaProducer.send`, {of}",
        ),
        Claim(
            id="ingest_publish.spool_rate", value=together, unit="1/s", target="",
            peer="to the disk while no broker answers, in a row",
        ),
        Claim(
            id="ingest_publish.spool_single_rate", value=singly, unit="1/s", target="",
            peer="the same, each waited for: one fsync an event",
        ),
    ]  # fmt: skip


@contextmanager
def own_broker() -> Iterator[KafkaSettings]:
    """The settings of a broker that runs as long as the block, with every topic."""
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder))
        with running(broker):
            yield KafkaSettings(bootstrap=broker.bootstrap)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ingest_publish", description=__doc__
    )
    parser.add_argument("--events", type=int, default=EVENTS, help="events a round")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of each")
    add_json_option(parser)
    chosen = parser.parse_args(argv)
    return report(measure(events=chosen.events, rounds=chosen.rounds), chosen.json)


if __name__ == "__main__":
    raise SystemExit(main())
