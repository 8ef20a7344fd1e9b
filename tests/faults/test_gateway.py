"""Gateway and broker are killed under load: what was called accepted must be readable, once.

Clients do what they are told to: they send again whatever has no 202, under the same id.
"""

import http.client
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from deskwheel.errors import SetupError
from deskwheel.jars import jar_dir
from deskwheel.java import find_java
from deskwheel.settings import KafkaSettings
from ingest.brokers import reader
from tests.conftest import free_ports
from tests.faults import brokers
from tests.ingest.gateway.conftest import chat
from tests.ingest.gateway.process import TOKEN, GatewayProcess, running

pytestmark = [pytest.mark.faults, pytest.mark.kafka]

CLIENTS = 8
PATIENCE_S = 60.0
HEADERS = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[brokers.Broker]:
    """A broker of this file's own, which its tests may kill; skips without the jars."""
    try:
        find_java()
        jar_dir("kafka")
    except SetupError as error:
        pytest.skip(str(error))
    started = brokers.start(tmp_path_factory.mktemp("broker"))
    yield started
    started.stop()


class Clients:
    """Threads that send events one after the other, each until it is accepted."""

    def __init__(self, port: int, ids: Sequence[str], *, is_patient: bool = True) -> None:
        self._port = port
        self._left = list(reversed(ids))
        self._is_patient = is_patient
        self.accepted: list[str] = []
        self.statuses: Counter[int] = Counter()
        self.unanswered = 0
        """Requests on an open connection that got no answer."""
        self.stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def await_count(self, count: int) -> None:
        """Return when so many events are accepted."""
        deadline = time.monotonic() + PATIENCE_S
        while len(self.accepted) < count:
            assert time.monotonic() < deadline, f"{len(self.accepted)} of {count} accepted"
            time.sleep(0.005)

    def join(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.stop.set()

    def _run(self) -> None:
        connection: http.client.HTTPConnection | None = None
        while self._left and not self.stop.is_set():
            with suppress(IndexError):
                name = self._left.pop()
                while not self.stop.is_set():
                    connection, is_accepted = self._send(connection, name)
                    if is_accepted or not self._is_patient:
                        break
                    time.sleep(0.02)

    def _send(
        self, connection: http.client.HTTPConnection | None, name: str
    ) -> tuple[http.client.HTTPConnection | None, bool]:
        body = json.dumps(
            chat(message_id=name, conversation_id=f"c-{int(name.rpartition('-')[2]) % 20}")
        )
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
            try:
                connection.connect()
            except OSError:
                return None, False
        try:
            connection.request("POST", "/v1/events/chat", body, HEADERS)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self.unanswered += 1
            connection.close()
            return None, False
        self.statuses[answer.status] += 1
        if answer.status == 202:
            self.accepted.append(name)
        if answer.will_close:
            connection.close()
            return None, answer.status == 202
        return connection, answer.status == 202


def readable(bootstrap: str, prefix: str) -> Counter[str]:
    """Event ids in the topic, with how often each is there."""
    from kafka import TopicPartition  # noqa: PLC0415

    found: Counter[str] = Counter()
    with reader(KafkaSettings(bootstrap=bootstrap)) as consumer:
        parts = [TopicPartition("raw.chat", p) for p in consumer.partitions_for_topic("raw.chat")]
        ends = consumer.end_offsets(parts)
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        while any(consumer.position(part) < ends[part] for part in parts):
            for records in consumer.poll(timeout_ms=1000).values():
                found.update(dict(record.headers)["ce_id"].decode() for record in records)
    return Counter({name: n for name, n in found.items() if name.startswith(f"{prefix}-")})


def assert_nothing_lost(bootstrap: str, prefix: str, clients: Clients, sent: int) -> None:
    """Acknowledged = readable, each once after deduplication by id."""
    found = readable(bootstrap, prefix)
    accepted = set(clients.accepted)
    print(
        f"\n{prefix}: {sent} sent, {len(accepted)} acknowledged, {len(found)} readable after"
        f" deduplication of {found.total()} records; answers {dict(clients.statuses)},"
        f" {clients.unanswered} requests without one"
    )
    assert accepted <= found.keys()
    assert set(clients.statuses) <= {202, 503}


def ids(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{n}" for n in range(count)]


def paused(pid: int, meanwhile: Callable[[], None]) -> None:
    """Do something while a process stands still."""
    os.kill(pid, signal.SIGSTOP)
    try:
        meanwhile()
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_gateway_killed_before_and_after_the_acknowledgement_loses_nothing(
    broker: brokers.Broker, tmp_path: Path
) -> None:
    port, sent = free_ports(1)[0], ids("kill", 400)
    clients = Clients(port, sent)
    gateway = GatewayProcess(tmp_path, broker.bootstrap, port=port)
    try:
        gateway.await_ready()
        clients.start()
        clients.await_count(50)
        # After: the last answer is a 202, and its event must be there although nobody is left
        # to send it again.
        gateway.signal(signal.SIGKILL)
        gateway.wait()
        gateway = GatewayProcess(tmp_path, broker.bootstrap, port=port)
        clients.await_count(150)

        # Before: a broker that stands still acknowledges nothing of what is under way.
        def kill() -> None:
            time.sleep(0.3)
            gateway.signal(signal.SIGKILL)
            gateway.wait()

        paused(broker.pid, kill)
        gateway = GatewayProcess(tmp_path, broker.bootstrap, port=port)
        clients.join()
    finally:
        clients.stop.set()
        gateway.end()
    assert sorted(clients.accepted) == sorted(sent)
    assert clients.unanswered > 0
    assert_nothing_lost(broker.bootstrap, "kill", clients, len(sent))


def test_events_sent_twice_are_one_after_deduplication(
    broker: brokers.Broker, tmp_path: Path
) -> None:
    once = ids("twice", 300)
    sent = [name for n, name in enumerate(once) for _ in range(1 + (n % 10 < 3))]
    with running(tmp_path, broker.bootstrap) as gateway:
        gateway.await_ready()
        clients = Clients(gateway.port, sent)
        clients.start()
        clients.join()
    found = readable(broker.bootstrap, "twice")
    assert_nothing_lost(broker.bootstrap, "twice", clients, len(sent))
    assert found.keys() == set(once)
    assert found.total() == len(sent) == 390


def test_a_drain_under_load_answers_every_request(broker: brokers.Broker, tmp_path: Path) -> None:
    sent = ids("drain", 100_000)
    with running(tmp_path, broker.bootstrap) as gateway:
        gateway.await_ready()
        clients = Clients(gateway.port, sent, is_patient=False)
        clients.start()
        clients.await_count(100)
        gateway.signal(signal.SIGTERM)
        status = gateway.wait()
        clients.stop.set()
        clients.join()
    assert status == 0, gateway.log.read_text()
    assert clients.unanswered == 0
    assert_nothing_lost(broker.bootstrap, "drain", clients, sum(clients.statuses.values()))


def test_a_drain_without_a_broker_ends_in_time(broker: brokers.Broker, tmp_path: Path) -> None:
    with running(tmp_path, broker.bootstrap, drain_s=1.0) as gateway:
        gateway.await_ready()
        clients = Clients(gateway.port, ids("alone", CLIENTS), is_patient=False)

        def drain() -> None:
            clients.start()
            clients.join()
            gateway.signal(signal.SIGTERM)
            assert gateway.wait(15) == 0, gateway.log.read_text()

        paused(broker.pid, drain)
    assert clients.statuses == {503: CLIENTS}
    assert "given up" in gateway.log.read_text()


def test_a_broker_killed_and_restarted_under_load_loses_nothing(
    broker: brokers.Broker, tmp_path: Path
) -> None:
    sent = ids("broker", 400)
    with running(tmp_path, broker.bootstrap) as gateway:
        gateway.await_ready()
        clients = Clients(gateway.port, sent)
        clients.start()
        clients.await_count(100)
        broker.kill()
        time.sleep(2.5)
        broker.restart()
        clients.join()
        clients.stop.set()
    assert clients.statuses[503] > 0
    assert clients.unanswered == 0
    assert sorted(clients.accepted) == sorted(sent)
    assert_nothing_lost(broker.bootstrap, "broker", clients, len(sent))
