"""Events of many requests through one publisher, without ever blocking the event loop.

Writes the raw topics through `ingest.publish`. Delivery: at least once; an outcome with a place is
acknowledged, one without may or may not be written, and sending it again is safe by its id.

A thread of its own hands events to the publisher, whose calls may block for as long as the brokers
are away. Memory is bounded by admission: an event counts as pending from its admission until the
publisher has settled it, also when its request was answered 503 meanwhile.
"""

import asyncio
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from deskwheel.errors import PublishError
from deskwheel.records import Event, Pointer
from deskwheel.settings import GatewaySettings
from ingest.envelope import RefusedError
from ingest.gateway.circuit import Circuit
from ingest.gateway.refusal import broker_away, overloaded

Outcome = Pointer | PublishError | None
"""Where an event was written, why it was not, or nothing known in time."""

RECONNECT_S = 1.0
"""Time between two attempts to reach the brokers."""

_log = logging.getLogger(__name__)


class Receipt(Protocol):
    """What the publisher hands back for an event."""

    def wait(self, timeout_s: float | None = None) -> Pointer:
        """The event's place; raises PublishError when it has none."""
        ...

    def add_done_callback(self, callback: Callable[["Receipt"], None]) -> None:
        """Call back, from another thread, when the event is acknowledged or given up."""
        ...


class Publishing(Protocol):
    """What the outlet needs of a publisher."""

    def publish(self, event: Event) -> Receipt:
        """Hand an event over; may block."""
        ...

    def close(self) -> None:
        """Settle what is handed over, then end."""
        ...


@dataclass(eq=False)
class _Parcel:
    """The events of one request on their way."""

    events: Sequence[Event]
    done: "asyncio.Future[None]"
    outcomes: list[Outcome] = field(init=False)
    unsettled: int = field(init=False)
    is_abandoned: bool = False
    """Its request was answered 503: what is not handed over yet need not be."""

    def __post_init__(self) -> None:
        self.outcomes = [None] * len(self.events)
        self.unsettled = len(self.events)


class Outlet:
    """The way from requests to the brokers; belongs to the event loop that starts it."""

    def __init__(
        self,
        settings: GatewaySettings,
        circuit: Circuit,
        *,
        connect: Callable[[], Publishing],
        is_reachable: Callable[[], bool],
    ) -> None:
        """Describe the outlet; `start` begins.

        Args:
            settings: limits and time-outs.
            circuit: what is believed of the brokers.
            connect: makes the publisher; raises PublishError while no broker answers.
            is_reachable: asks whether a broker answers; called in a thread while they are away.
        """
        self._settings = settings
        self.circuit = circuit
        self._connect = connect
        self._is_reachable = is_reachable
        self._parcels: queue.SimpleQueue[_Parcel | None] = queue.SimpleQueue()
        self._settled: deque[tuple[_Parcel | None, int, Outcome]] = deque()
        self._waking = threading.Lock()
        self._is_waking = False
        self._is_connected = threading.Event()
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outlet", daemon=True)
        self.pending_events = 0
        self.pending_bytes = 0

    def start(self) -> None:
        """Connect and publish from now on; call it on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._watcher = self._loop.create_task(self._watch())
        self._thread.start()

    async def publish(self, events: Sequence[Event]) -> list[Outcome]:
        """The outcome of each event, after `gateway.ack_wait_s` at most.

        Raises:
            Refusal: 503 at once, the brokers are away or too much is pending.
        """
        self._admit(events)
        parcel = _Parcel(events, self._loop.create_future())
        self._parcels.put(parcel)
        try:
            async with asyncio.timeout(self._settings.ack_wait_s):
                await parcel.done
        except TimeoutError:
            parcel.is_abandoned = True
            self.circuit.miss()
        return list(parcel.outcomes)

    async def close(self, timeout_s: float) -> None:
        """Settle what is pending and end, within the time; what is left then is given up."""
        self._watcher.cancel()
        deadline = self._loop.time() + timeout_s
        while self.pending_events and self._loop.time() < deadline:
            await asyncio.sleep(0.01)
        self._is_ending.set()
        self._parcels.put(None)
        while self._thread.is_alive() and self._loop.time() < deadline:
            await asyncio.sleep(0.01)
        if self.pending_events:
            _log.warning("%d events were given up unacknowledged", self.pending_events)

    def _admit(self, events: Sequence[Event]) -> None:
        size = sum(len(event.data) for event in events)
        too_many = self.pending_events + len(events) > self._settings.max_pending_events
        if too_many or self.pending_bytes + size > self._settings.max_pending_bytes:
            raise overloaded("as many events as allowed wait for the brokers")
        if not self.circuit.admit():
            raise broker_away("the brokers do not acknowledge events now")
        self.pending_events += len(events)
        self.pending_bytes += size

    async def _watch(self) -> None:
        """Look after brokers that are away, so that a gateway without requests recovers, too."""
        while True:
            await asyncio.sleep(RECONNECT_S)
            # Until there is a publisher, making one is what tells of the brokers.
            if self.circuit.state == "away" and self._is_connected.is_set():
                if await asyncio.to_thread(self._is_answered):
                    self.circuit.reach()

    def _is_answered(self) -> bool:
        try:
            return self._is_reachable()
        except Exception as error:
            _log.warning("the brokers cannot be asked: %s", type(error).__name__)
            return False

    def _run(self) -> None:
        publisher = self._connected()
        if publisher is None:
            return
        self._is_connected.set()
        self._settle(None, 0, None)
        while (parcel := self._parcels.get()) is not None:
            for index in range(len(parcel.events)):
                self._hand_over(publisher, parcel, index)
        publisher.close()

    def _connected(self) -> Publishing | None:
        while not self._is_ending.is_set():
            try:
                return self._connect()
            except Exception as error:
                # A file of a secret may be gone while it is changed: that passes, too.
                _log.warning("no connection yet: %s: %s", type(error).__name__, error)
                self._abandon_queue()
                self._is_ending.wait(RECONNECT_S)
        return None

    def _abandon_queue(self) -> None:
        while not self._parcels.empty():
            parcel = self._parcels.get()
            for index in range(len(parcel.events) if parcel else 0):
                self._settle(parcel, index, None)

    def _hand_over(self, publisher: Publishing, parcel: _Parcel, index: int) -> None:
        if parcel.is_abandoned:
            self._settle(parcel, index, None)
            return
        try:
            receipt = publisher.publish(parcel.events[index])
        except PublishError as error:
            self._settle(parcel, index, error)
            return
        except Exception as error:
            # One event must not end the thread that all others need.
            _log.error("the publisher failed: %s", type(error).__name__)
            self._settle(parcel, index, PublishError(f"the publisher failed: {error}"))
            return
        receipt.add_done_callback(lambda done: self._settle(parcel, index, _outcome(done)))

    def _settle(self, parcel: _Parcel | None, index: int, outcome: Outcome) -> None:
        """Note an outcome, from whatever thread, and wake the loop once for many of them."""
        self._settled.append((parcel, index, outcome))
        with self._waking:
            if self._is_waking:
                return
            self._is_waking = True
        try:
            self._loop.call_soon_threadsafe(self._collect)
        except RuntimeError:
            _log.debug("the loop has ended before the publisher")

    def _collect(self) -> None:
        with self._waking:
            self._is_waking = False
        while self._settled:
            parcel, index, outcome = self._settled.popleft()
            self._judge(outcome, is_connection=parcel is None)
            if parcel is None:
                continue
            parcel.outcomes[index] = outcome
            parcel.unsettled -= 1
            self.pending_events -= 1
            self.pending_bytes -= len(parcel.events[index].data)
            if not parcel.unsettled and not parcel.done.done():
                parcel.done.set_result(None)

    def _judge(self, outcome: Outcome, *, is_connection: bool) -> None:
        if is_connection or isinstance(outcome, Pointer | RefusedError):
            self.circuit.acknowledge()
        elif outcome is not None:
            self.circuit.fail()


def _outcome(receipt: Receipt) -> Outcome:
    try:
        return receipt.wait(0)
    except PublishError as error:
        return error
