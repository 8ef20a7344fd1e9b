"""A source into Kafka, again and again from where the brokers have everything.

Reads a source, writes the raw topics through a publisher. Delivery: a position is kept once it
and all before it are acknowledged, so a crash repeats at most what was under way, which is
recognised by the event ids; a clean stop repeats and skips nothing.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from threading import Event as StopEvent
from typing import Protocol

from deskwheel.errors import DeskwheelError, PublishError, StateError
from ingest.envelope import able_to_travel
from ingest.replay import MAX_ERRORS_KEPT, MAX_IN_FLIGHT, Outlet, Receipt
from ingest.sources.config import SourceFile
from ingest.sources.model import Context, Item

KEEP_S = 1.0
"""Time between two writes of the position while events flow."""

PAUSES_S = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0)
"""Waits before a source is read again after it, or the brokers, did not answer."""

_RELAY_S = 0.1
_LOG = logging.getLogger(__name__)


class Kept(Protocol):
    """Where a run finds and keeps its position."""

    def read(self) -> str | None:
        """The position kept last."""
        ...

    def keep(self, position: str) -> None:
        """Keep a position durably."""
        ...


class ClosingOutlet(Outlet, Protocol):
    """A publisher that is closed at the end."""

    def close(self) -> None:
        """Give up what is not acknowledged."""
        ...


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How a run reads: how fast, how far, how patiently."""

    rate_per_s: float | None = None
    """Events a second, evenly spaced; None is as fast as it goes."""
    is_following: bool = False
    """Wait for more at the end, and outlast whoever does not answer."""
    max_in_flight: int = MAX_IN_FLIGHT
    """Events without an acknowledgement: bounds memory and what a crash repeats."""
    pauses_s: tuple[float, ...] = PAUSES_S
    keep_s: float = KEEP_S


@dataclass(kw_only=True)
class Ran:
    """What became of the records of a source: `sent` = `acknowledged` + `refused` + `unsettled`."""

    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    """Records that no broker will ever take; their origins are in the errors."""
    unsettled: int = 0
    """Sent when the brokers stopped answering; they are read and sent again, or will be."""
    interruptions: int = 0
    """How often the source or the brokers did not answer."""
    elapsed_s: float = 0.0
    position: str | None = None
    errors: list[str] = field(default_factory=list)
    """The first few failures in words."""
    failure: DeskwheelError | None = None
    """What ended the run before its time."""

    def tell(self, error: object) -> None:
        """Remember a failure, if it is among the first few."""
        if len(self.errors) < MAX_ERRORS_KEPT:
            self.errors.append(str(error))


def run_source(
    source: SourceFile,
    connect: Callable[[], ClosingOutlet],
    position: Kept,
    *,
    pace: Pace | None = None,
    stop: StopEvent | None = None,
    progress: Callable[[int], None] | None = None,
) -> Ran:
    """Publish what a source holds beyond its position, and return what became of it.

    A failure of the source or of the brokers that may pass is outlasted: for ever when
    following, else through the pauses of the pace, once something was sent. What was
    acknowledged is kept in any case.

    Args:
        source: what to read.
        connect: makes the publisher, again after the brokers did not answer.
        position: where to go on, and where that is kept.
        pace: how fast and how far.
        stop: when set, nothing further is read; what is under way is awaited and kept.
        progress: called with the number of acknowledged events.

    Raises:
        DeskwheelError: the position cannot be read.
    """
    pace, stop = pace or Pace(), stop or StopEvent()
    ran = Ran(position=position.read())
    started = time.monotonic()
    failures = 0
    while True:
        before = ran.acknowledged
        failure = _Pass(source, position, pace, stop, ran).run(connect, progress)
        ran.elapsed_s = time.monotonic() - started
        if failure is None:
            return ran
        failures = 1 if ran.acknowledged > before else failures + 1
        is_hopeless = not ran.sent or failures > len(pace.pauses_s)
        is_last = not pace.is_following and is_hopeless
        if stop.is_set() or is_last or not failure.retriable:
            ran.failure = failure
            return ran
        ran.interruptions += 1
        ran.tell(failure)
        pause_s = pace.pauses_s[min(failures, len(pace.pauses_s)) - 1]
        _LOG.warning("source %s: %s; again in %g s", source.name, failure, pause_s)
        if stop.wait(pause_s):
            return ran


@dataclass(frozen=True)
class _Sent:
    """A record under way: all that is needed of it, so that its bytes are the publisher's."""

    origin: str
    position: str | None
    outcome: Receipt | PublishError


class _Pass:
    """One reading of a source, until its end, a stop, or somebody who does not answer.

    The caller's thread reads and publishes; another awaits the acknowledgements in the same
    order and keeps the position, also while the source has nothing to give.
    """

    def __init__(
        self, source: SourceFile, position: Kept, pace: Pace, stop: StopEvent, ran: Ran
    ) -> None:
        self._source = source
        self._position = position
        self._pace = pace
        self._stop = stop
        self._ran = ran
        self._kept = ran.position
        self._ended = StopEvent()
        self._failure: DeskwheelError | None = None
        self._under_way: queue.Queue[_Sent | None] = queue.Queue(pace.max_in_flight)

    def run(
        self, connect: Callable[[], ClosingOutlet], progress: Callable[[int], None] | None
    ) -> DeskwheelError | None:
        """Read and publish; return who did not answer, None where all did."""
        try:
            outlet = connect()
        except PublishError as error:
            return error
        relay = threading.Thread(target=self._relay, name="stop", daemon=True)
        settler = threading.Thread(
            target=self._settle, args=(progress,), name="acknowledgements", daemon=True
        )
        relay.start()
        settler.start()
        with closing(outlet):
            try:
                self._publish(outlet)
            except DeskwheelError as error:
                self._fail(error)
            finally:
                self._under_way.put(None)
                settler.join()
                self._ended.set()
                relay.join()
        return self._failure

    def _publish(self, outlet: Outlet) -> None:
        context = Context(
            tenant=self._source.tenant,
            position=self._ran.position,
            is_following=self._pace.is_following,
            stop=self._ended,
            folder=self._source.folder,
            kafka=self._source.kafka,
        )
        started, sent = time.monotonic(), 0
        for item in self._source.source.read(self._source.options, context):
            if self._pace.rate_per_s:
                due = started + sent / self._pace.rate_per_s
                self._ended.wait(max(0.0, due - time.monotonic()))
            if self._ended.is_set() or self._stop.is_set():
                return
            sent += 1
            self._ran.sent += 1
            outcome = _handed_over(outlet, item)
            self._under_way.put(_Sent(item.origin, item.position, outcome))

    def _relay(self) -> None:
        """End the reading when the run is to stop: a source waits for one event alone."""
        while not self._ended.wait(_RELAY_S):
            if self._stop.is_set():
                self._ended.set()

    def _settle(self, progress: Callable[[int], None] | None) -> None:
        kept_at = time.monotonic()
        is_open = True
        while is_open:
            with suppress(queue.Empty):
                sent = self._under_way.get(timeout=self._pace.keep_s)
                is_open = sent is not None
                if sent is not None:
                    self._settle_one(sent)
                    if progress:
                        progress(self._ran.acknowledged)
            if not is_open or time.monotonic() - kept_at >= self._pace.keep_s:
                self._keep()
                kept_at = time.monotonic()

    def _settle_one(self, sent: _Sent) -> None:
        """Await one record; behind one that is lost, nothing is awaited any more."""
        if self._failure is not None and self._ended.is_set():
            self._ran.unsettled += 1
            return
        try:
            if isinstance(sent.outcome, PublishError):
                raise sent.outcome
            sent.outcome.wait()
            self._ran.acknowledged += 1
        except PublishError as error:
            if error.retriable:
                self._ran.unsettled += 1
                self._fail(error)
                self._ended.set()
                return
            self._ran.refused += 1
            self._ran.tell(f"{sent.origin}: {error}")
        self._ran.position = sent.position or self._ran.position

    def _keep(self) -> None:
        position = self._ran.position
        if position is None or position == self._kept:
            return
        try:
            self._position.keep(position)
            self._kept = position
        except Exception as error:
            # The reader would wait for this thread for ever.
            self._fail(StateError(f"source {self._source.name}: position not kept: {error}"))
            self._ended.set()

    def _fail(self, error: DeskwheelError) -> None:
        self._failure = self._failure or error


def _handed_over(outlet: Outlet, item: Item) -> Receipt | PublishError:
    try:
        return outlet.publish(able_to_travel(item.event))
    except PublishError as error:
        return error
