"""A publisher for sources that cannot wait: Kafka while it answers, a spool on disk while not.

Writes the raw topics. Order is total: while the spool holds an event, newer ones go behind it. An
event is acknowledged to its source when Kafka has it or when an fsync has put it on the disk;
what is replayed may have been written before, and its id lets the stream recognise it.
"""

import logging
import re
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from deskwheel.errors import ConfigError, DeskwheelError, PublishError
from deskwheel.records import Event
from deskwheel.settings import KafkaSettings, Settings
from deskwheel.topics import raw_topic
from ingest.envelope import RefusedError, headers_of
from ingest.publish import Delivery, Publisher
from ingest.receipt import Receipt, Record
from ingest.segments import Place
from ingest.spool import Kept, Spool, SpoolFullError

PATIENCE_S = 3.0
"""How long an event waits for the brokers before it goes to the disk."""

RETRY_S = 1.0
BATCH_EVENTS = 1000
BATCH_BYTES = 8 * 1024 * 1024

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_LOG = logging.getLogger(__name__)


def publisher_for(
    settings: Settings, *, is_spooled: bool, name: str
) -> "Publisher | SpoolingPublisher":
    """Return a publisher for a source; one that cannot wait gets a spool of its name.

    Raises:
        PublishError: the source can wait, and no broker answers.
        ServiceError: another process has the spool of this name.
        ConfigError: `[kafka]` is incomplete, or the name cannot be that of a folder.
    """
    if not is_spooled:
        return Publisher(settings.kafka)
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} cannot name a spool; use letters, digits and ._-")
    spool = Spool(
        Path(settings.ingest.state_dir) / "spool" / name,
        max_bytes=settings.ingest.spool_max_bytes,
        segment_bytes=settings.ingest.spool_segment_bytes,
    )
    try:
        return SpoolingPublisher(settings.kafka, spool)
    except BaseException:
        spool.close()
        raise


class SpoolingPublisher:
    """Publishes events without ever making their source wait for the brokers. Thread-safe."""

    def __init__(
        self, settings: KafkaSettings, spool: Spool, *, patience_s: float = PATIENCE_S
    ) -> None:
        """Connect if the brokers answer; begin with the spool if they do not.

        Args:
            settings: of the brokers.
            spool: closed together with the publisher; what it holds already goes first.
            patience_s: how long an event waits for the brokers before it goes to the disk.

        Raises:
            ConfigError: `[kafka]` is incomplete or contradictory.
        """
        self._settings = replace(
            settings,
            delivery_timeout_s=min(settings.delivery_timeout_s, patience_s),
            linger_ms=min(settings.linger_ms, int(patience_s * 250)),
        )
        self._patience_s = patience_s
        self._spool = spool
        # One event after the other: who holds the gate hands over or changes the way.
        self._gate = threading.Lock()
        self._state = threading.Condition(threading.Lock())
        self._in_flight: dict[int, tuple[Record, Receipt]] = {}
        self._unanswered = 0
        self._unsynced: list[tuple[Place, Receipt]] = []
        self._open: dict[Receipt, None] = {}
        self._handed_over = 0
        self._acknowledged = 0
        self._is_closed = False
        self._trouble = threading.Event()
        self._stopping = threading.Event()
        self.spooled = 0
        """How many events went to the disk."""
        self.refused = 0
        """How many events of the spool the brokers refused for ever; they are put aside."""
        self._last_report = ""
        self._publisher = self._connect()
        self._is_direct = self._publisher is not None and spool.is_empty
        if not self._is_direct:
            self._trouble.set()
        self._threads = [
            threading.Thread(target=work, name=f"spool-{work.__name__.strip('_')}", daemon=True)
            for work in (self._committing, self._replaying)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def acknowledged(self) -> int:
        """How many events Kafka or the disk has taken for sure."""
        return self._acknowledged

    @property
    def is_direct(self) -> bool:
        """Whether events go to Kafka at once; else they go behind what the spool holds."""
        return self._is_direct

    @property
    def damaged(self) -> int:
        """How many unreadable stretches of the spool were put aside."""
        return self._spool.damaged

    def publish(self, event: Event, *, topic: str | None = None) -> Receipt:
        """Hand an event over and return its promise.

        Raises:
            RefusedError: a header cannot be sent, or the event is larger than a request may be.
            SpoolFullError: the brokers are away and the spool or its disk is full.
        """
        return self.publish_bytes(
            topic or raw_topic(event.channel), event.key, event.data, headers_of(event)
        )

    def publish_bytes(
        self, topic: str, key: str, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> Receipt:
        """Hand over a record whose headers are ready; see `publish`."""
        record, receipt = Record(topic, key, value, headers), Receipt()
        with self._gate:
            if self._is_closed:
                raise PublishError("the publisher is closed; open another one")
            if self._is_direct and not self._trouble.is_set() and self._sent(record, receipt):
                return receipt
            if self._is_direct:
                self._turn_to_disk()
            self._keep(record, receipt)
        return receipt

    def flush(self) -> None:
        """Wait until everything handed over before this call is acknowledged.

        Raises:
            PublishError: an event that is under way now was not taken.
        """
        for receipt in tuple(self._open):
            receipt.wait()

    def close(self) -> None:
        """Wait for what is under way, and close; what the spool holds stays for the next run."""
        with self._gate:
            self._is_closed = True
            if self._is_direct:
                with self._state:
                    self._state.wait_for(lambda: not self._unanswered, 2 * self._patience_s)
                if self._in_flight:
                    self._turn_to_disk()
            self._stopping.set()
        self._trouble.set()
        with self._state:
            self._state.notify_all()
        for thread in self._threads:
            thread.join()
        if self._publisher is not None:
            self._publisher.abandon()
            self._publisher.close()
        self._spool.close()

    def __enter__(self) -> Self:
        """Return the publisher itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Flush after a clean block, close in any case."""
        try:
            if kind is None:
                self.flush()
        finally:
            self.close()

    def _sent(self, record: Record, receipt: Receipt) -> bool:
        """Hand a record to Kafka; False when it cannot be had. The gate is held."""
        assert self._publisher is not None
        try:
            delivery = self._publisher.publish_bytes(
                record.topic, record.key, record.value, record.headers
            )
        except RefusedError:
            raise
        except PublishError:
            return False
        with self._state:
            self._handed_over += 1
            token = self._handed_over
            self._in_flight[token] = (record, receipt)
            self._open[receipt] = None
            self._unanswered += 1
        delivery.add_done_callback(lambda done: self._answered(token, done))
        return True

    def _answered(self, token: int, delivery: Delivery) -> None:
        """Kafka has answered, or its time is up."""
        error: PublishError | None = None
        try:
            delivery.wait(0)
        except PublishError as failure:
            error = failure
        with self._state:
            self._unanswered -= 1
            is_settled = error is None or not error.retriable
            entry = self._in_flight.pop(token, None) if is_settled else None
            if token in self._in_flight and not is_settled:
                self._trouble.set()
            self._state.notify_all()
        if entry:
            self._settle(entry[1], error)

    def _turn_to_disk(self) -> None:
        """Put what Kafka has not taken on the disk, in order. The gate is held."""
        self._trouble.set()
        if self._publisher is not None:
            self._publisher.abandon()
        with self._state:
            self._state.wait_for(lambda: not self._unanswered, 2 * self._patience_s)
            left, self._in_flight = self._in_flight, {}
        for _, (record, receipt) in sorted(left.items(), key=lambda entry: entry[0]):
            try:
                self._keep(record, receipt)
            except Exception as error:
                self._settle(receipt, self._refusal(error))
        self._is_direct = False

    def _keep(self, record: Record, receipt: Receipt) -> None:
        """Write a record behind all others of the spool. The gate is held."""
        place = self._spool.append(record.encoded())
        with self._state:
            self.spooled += 1
            self._open[receipt] = None
            self._unsynced.append((place, receipt))
            self._state.notify_all()

    def _settle(self, receipt: Receipt, error: PublishError | None) -> None:
        with self._state:
            self._open.pop(receipt, None)
            self._acknowledged += error is None
        receipt.settle(error)

    def _committing(self) -> None:
        """Make durable what was appended, as much as there is at a time."""
        while True:
            with self._state:
                self._state.wait_for(lambda: self._unsynced or self._stopping.is_set())
                batch, self._unsynced = self._unsynced, []
            if not batch:
                return
            with suppress(Exception):
                self._spool.sync(batch[-1][0])
            for place, receipt in batch:
                error: PublishError | None = None
                try:
                    self._spool.sync(place)
                except Exception as failure:
                    # Every receipt needs this thread, whatever ails the disk.
                    error = self._refusal(failure)
                self._settle(receipt, error)

    def _replaying(self) -> None:
        """Bring the spool to Kafka whenever there is something in it and Kafka answers."""
        while True:
            self._trouble.wait()
            if self._stopping.is_set():
                return
            try:
                self._replay()
            except Exception as error:
                # Nothing else brings the spool to Kafka, so whatever failed is tried again.
                self._report(_told(error))
                if self._publisher is not None:
                    self._publisher.abandon()
                self._stopping.wait(RETRY_S)

    def _replay(self) -> None:
        """Deliver a batch, or turn to Kafka where there is none."""
        with self._gate:
            if self._is_direct:
                self._turn_to_disk()
        if self._replay_batch():
            with self._gate:
                if self._spool.is_empty and self._publisher is not None:
                    self._trouble.clear()
                    self._is_direct = True

    def _replay_batch(self) -> bool:
        """Deliver the oldest records of the spool; return whether there was none.

        Raises:
            PublishError: the brokers do not answer, or the disk cannot put a record aside.
        """
        if self._publisher is None:
            self._publisher = Publisher(self._settings)
        batch, size = [], 0
        for kept in self._spool.read(self._spool.done):
            batch.append(kept)
            size += len(kept.payload)
            if len(batch) >= BATCH_EVENTS or size >= BATCH_BYTES:
                break
        if not batch:
            # What was appended a moment ago is not durable yet.
            self._stopping.wait(0.0 if self._spool.is_empty else 0.005)
            return True
        sent = [(kept, self._replayed(kept)) for kept in batch]
        for kept, delivery in sent:
            try:
                if delivery is not None:
                    delivery.wait()
            except RefusedError as error:
                self._put_aside(kept, error)
        self._spool.forget(batch[-1].end)
        return False

    def _replayed(self, kept: Kept) -> Delivery | None:
        assert self._publisher is not None
        try:
            record = Record.decoded(kept.payload)
            return self._publisher.publish_bytes(
                record.topic, record.key, record.value, record.headers
            )
        except (RefusedError, ValueError) as error:
            self._put_aside(kept, error)
            return None

    def _put_aside(self, kept: Kept, error: Exception) -> None:
        """Keep what Kafka will never take, so that it neither blocks the spool nor is lost."""
        if self._spool.put_aside(kept):
            self.refused += 1
            self._report(f"an event of the spool was put aside: {error}")

    def _connect(self) -> Publisher | None:
        try:
            return Publisher(self._settings)
        except PublishError as error:
            self._report(str(error))
            return None

    def _refusal(self, error: Exception) -> SpoolFullError:
        if isinstance(error, SpoolFullError):
            return error
        self._report(_told(error))
        return SpoolFullError(f"the spool took no event: {_told(error)}; it may be sent again")

    def _report(self, problem: str) -> None:
        if problem != self._last_report:
            self._last_report = problem
            _LOG.warning("%s", problem)


def _told(error: Exception) -> str:
    """An error in words; of one that nobody foresaw the kind, its message may hold an event."""
    if isinstance(error, DeskwheelError):
        return str(error)
    what = f" ({error.strerror})" if isinstance(error, OSError) else ""
    return f"the spool failed: {type(error).__name__}{what}"
