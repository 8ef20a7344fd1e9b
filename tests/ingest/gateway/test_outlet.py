"""The outlet by itself: what it does when the publisher blocks, fails or answers late."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from deskwheel.errors import ConfigError, PublishError
from deskwheel.records import Event, Pointer
from deskwheel.settings import GatewaySettings
from ingest.gateway import outlet as outlet_module
from ingest.gateway.circuit import Circuit
from ingest.gateway.outlet import Outlet
from ingest.gateway.refusal import Refusal
from tests.ingest.conftest import make_event

PLACE = Pointer(topic="raw.chat", partition=0, offset=0)


@dataclass
class FakeReceipt:
    callbacks: list[Callable[["FakeReceipt"], None]] = field(default_factory=list)
    outcome: Pointer | PublishError = PLACE

    def wait(self, timeout_s: float | None = None) -> Pointer:
        if isinstance(self.outcome, PublishError):
            raise self.outcome
        return self.outcome

    def add_done_callback(self, callback: Callable[["FakeReceipt"], None]) -> None:
        self.callbacks.append(callback)

    def settle(self, outcome: Pointer | PublishError = PLACE) -> None:
        self.outcome = outcome
        for callback in self.callbacks:
            callback(self)


class FakePublisher:
    """A fake whose calls block while `gate` is closed; events are settled by hand."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.receipts: list[FakeReceipt] = []
        self.is_closed = False
        self.failure: Exception | None = None

    def publish(self, event: Event) -> FakeReceipt:
        self.entered.set()
        self.gate.wait(20)
        if self.failure:
            raise self.failure
        self.receipts.append(FakeReceipt())
        return self.receipts[-1]

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture(autouse=True)
def _soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet_module, "RECONNECT_S", 0.05)


def run(
    body: Callable[[Outlet, FakePublisher, list[float]], Coroutine[Any, Any, None]],
    *,
    connect: Callable[[FakePublisher], Any] = lambda publisher: publisher,
    is_reachable: Callable[[], bool] = lambda: False,
    **changes: Any,
) -> None:
    async def inner() -> None:
        settings = GatewaySettings(**{"ack_wait_s": 0.1, **changes})
        publisher, clock = FakePublisher(), [0.0]
        circuit = Circuit(settings.ack_wait_s, lambda: clock[0])
        outlet = Outlet(
            settings, circuit, connect=lambda: connect(publisher), is_reachable=is_reachable
        )
        outlet.start()
        try:
            await body(outlet, publisher, clock)
        finally:
            publisher.gate.set()
            await outlet.close(0.2)

    asyncio.run(inner())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.002)


def events(count: int, data: bytes = b"{}") -> list[Event]:
    return [make_event(id=f"m-{n}", data=data) for n in range(count)]


def test_outcomes_come_in_the_order_of_the_events() -> None:
    async def body(outlet: Outlet, publisher: FakePublisher, _clock: list[float]) -> None:
        await until(lambda: outlet.circuit.state == "answering")
        asked = asyncio.create_task(outlet.publish(events(2)))
        await until(lambda: len(publisher.receipts) == 2)
        publisher.receipts[1].settle(PLACE)
        publisher.receipts[0].settle(PublishError("lost"))
        first, second = await asked
        assert isinstance(first, PublishError)
        assert second == PLACE
        assert outlet.pending_events == 0

    run(body, ack_wait_s=10.0)


def test_a_publisher_that_blocks_does_not_block_the_loop() -> None:
    async def body(outlet: Outlet, publisher: FakePublisher, clock: list[float]) -> None:
        await until(lambda: outlet.circuit.state == "answering")
        publisher.gate.clear()
        clock[0] = 10.0
        assert await outlet.publish(events(3)) == [None] * 3
        assert outlet.circuit.state == "away"
        with pytest.raises(Refusal):
            await outlet.publish(events(1))
        assert outlet.pending_events == 3
        publisher.gate.set()
        await until(lambda: len(publisher.receipts) == 1)
        await until(lambda: outlet.pending_events == 1)

    run(body)


def test_what_is_pending_counts_until_it_is_settled() -> None:
    async def body(outlet: Outlet, publisher: FakePublisher, _clock: list[float]) -> None:
        await until(lambda: outlet.circuit.state == "answering")
        assert await outlet.publish(events(2, b"x" * 100)) == [None, None]
        assert (outlet.pending_events, outlet.pending_bytes) == (2, 200)
        with pytest.raises(Refusal, match="as many events as allowed"):
            await outlet.publish(events(1, b"x" * 65_500))
        for receipt in publisher.receipts:
            receipt.settle()
        await until(lambda: outlet.pending_bytes == 0)

    run(body, max_pending_bytes=65_536)


def test_an_acknowledgement_after_the_answer_is_a_sign_of_life() -> None:
    async def body(outlet: Outlet, publisher: FakePublisher, clock: list[float]) -> None:
        await until(lambda: outlet.circuit.state == "answering")
        clock[0] = 10.0
        assert await outlet.publish(events(1)) == [None]
        assert outlet.circuit.state == "away"
        publisher.receipts[0].settle()
        await until(lambda: outlet.circuit.state == "answering")

    run(body)


def test_it_recovers_without_any_request() -> None:
    async def body(outlet: Outlet, _publisher: FakePublisher, _clock: list[float]) -> None:
        await until(lambda: outlet.circuit.state == "answering")
        outlet.circuit.fail()
        await until(lambda: outlet.circuit.state == "probing")

    run(body, is_reachable=lambda: True)


def test_it_starts_without_a_broker_and_connects_later() -> None:
    attempts: list[int] = []

    def connect(publisher: FakePublisher) -> FakePublisher:
        attempts.append(1)
        if len(attempts) == 1:
            raise PublishError("nobody there")
        return publisher

    async def body(outlet: Outlet, _publisher: FakePublisher, _clock: list[float]) -> None:
        await until(lambda: outlet.circuit.state == "answering")
        assert len(attempts) == 2

    run(body, connect=connect)


@pytest.mark.parametrize(
    "error", [ConfigError("kafka.tls_ca_file: no such file"), FileNotFoundError("ca.pem")]
)
def test_it_connects_when_a_file_that_was_gone_is_back(error: Exception) -> None:
    attempts: list[int] = []

    def connect(publisher: FakePublisher) -> FakePublisher:
        attempts.append(1)
        if len(attempts) <= 2:
            raise error
        return publisher

    async def body(outlet: Outlet, _publisher: FakePublisher, _clock: list[float]) -> None:
        while len(attempts) <= 2:
            # Brokers that answer questions are no use without a publisher.
            assert outlet.circuit.state == "away"
            await asyncio.sleep(0.002)
        await until(lambda: outlet.circuit.state == "answering")

    run(body, connect=connect, is_reachable=lambda: True)


def test_it_recovers_though_asking_the_brokers_failed_once() -> None:
    asked: list[int] = []

    def is_reachable() -> bool:
        asked.append(1)
        if len(asked) == 1:
            raise ConfigError("kafka.tls_ca_file: no such file")
        return True

    async def body(outlet: Outlet, _publisher: FakePublisher, _clock: list[float]) -> None:
        await until(lambda: outlet.circuit.state == "answering")
        outlet.circuit.fail()
        await until(lambda: outlet.circuit.state == "probing")

    run(body, is_reachable=is_reachable)


def test_a_publisher_that_breaks_fails_one_event_only() -> None:
    async def body(outlet: Outlet, publisher: FakePublisher, _clock: list[float]) -> None:
        await until(lambda: outlet.circuit.state == "answering")
        publisher.failure = AssertionError("a bug")
        assert isinstance((await outlet.publish(events(1)))[0], PublishError)
        publisher.failure = None
        outlet.circuit.acknowledge()
        asked = asyncio.create_task(outlet.publish(events(1)))
        await until(lambda: len(publisher.receipts) == 1)
        publisher.receipts[0].settle()
        assert await asked == [PLACE]

    run(body, ack_wait_s=10.0)


def test_closing_settles_what_is_pending_first() -> None:
    async def body(outlet: Outlet, publisher: FakePublisher, _clock: list[float]) -> None:
        await until(lambda: outlet.circuit.state == "answering")
        asked = asyncio.create_task(outlet.publish(events(1)))
        await until(lambda: len(publisher.receipts) == 1)
        closing = asyncio.create_task(outlet.close(20.0))
        await asyncio.sleep(0.05)
        assert not publisher.is_closed
        publisher.receipts[0].settle()
        await closing
        assert publisher.is_closed
        assert await asked == [PLACE]

    run(body, ack_wait_s=10.0)
