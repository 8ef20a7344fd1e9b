"""Events into Kafka: the one producer of deskwheel. Writes the raw topics and `feedback`.

Delivery: idempotent producer, `acks=all`, every acknowledgement checked. An event that
`flush` did not complain about is in the log at least once; retries inside one producer do not
write twice, and a restart that publishes again is caught by the event id downstream. Events of
one key share a partition and keep their order: when one is given up, so is all that was handed
over after it.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from kafka import KafkaProducer
from kafka.errors import (
    IllegalStateError,
    InvalidTopicError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)

from deskwheel.errors import PublishError
from deskwheel.records import Event, Pointer
from deskwheel.settings import KafkaSettings
from deskwheel.topics import raw_topic
from ingest.access import explained, watched
from ingest.envelope import RefusedError, headers_of
from ingest.producer import producer_arguments

_GRACE_S = 1.0
"""What the producer may take beyond the delivery time-out to report an event as failed."""

_WATCH_S = 0.25

_RECORD_BYTES = 256
"""What a record costs in memory beside its key, value and headers."""

_REFUSALS = (InvalidTopicError, MessageSizeTooLargeError, RecordListTooLargeError)


class Delivery:
    """The promise of one event: its place in Kafka, or the reason why it has none."""

    __slots__ = ("_future", "_key", "_topic", "_when_failed", "handed_over_at", "producer",
                 "size_bytes")  # fmt: skip

    def __init__(
        self,
        producer: Any,
        future: Any,
        topic: str,
        key: str,
        size_bytes: int,
        when_failed: Callable[["Delivery", BaseException], None],
    ) -> None:
        """Tie the future of a kafka-python producer to the event it stands for."""
        self.producer = producer
        self.size_bytes = size_bytes
        self.handed_over_at = time.monotonic()
        self._future = future
        self._topic = topic
        self._key = key
        self._when_failed = when_failed
        # A method of this object and no partial: what each event keeps, the collector walks over.
        future.add_errback(self._failed)

    def _failed(self, error: BaseException) -> None:
        self._when_failed(self, error)

    @property
    def label(self) -> str:
        """The event in words, for errors."""
        return _label(self._topic, self._key)

    @property
    def is_done(self) -> bool:
        """Whether the event is acknowledged or has failed."""
        return bool(self._future.is_done)

    @property
    def is_acknowledged(self) -> bool:
        """Whether the event is in Kafka for sure."""
        return bool(self._future.succeeded())

    @property
    def failure(self) -> PublishError | None:
        """Why the event is not in Kafka; None while that is open and when it is there."""
        error = self._future.exception
        return None if error is None else _failure(self.label, error)

    def wait(self, timeout_s: float | None = None) -> Pointer:
        """Return where the event was written, waiting for the acknowledgement.

        Args:
            timeout_s: as long as it takes by default: a publisher settles each event soon
                after the delivery time-out of the settings.

        Raises:
            PublishError: there was no answer in time; the event may or may not be written.
            RefusedError: the broker will not take it, now or later.
        """
        if not self.await_done(timeout_s):
            raise PublishError(f"{self.label}: no answer within {timeout_s} s")
        # Not raised itself: a batch's events share one error, whose traceback would grow with each.
        failure = self.failure
        if failure is not None:
            raise failure
        written = self._future.value
        return Pointer(topic=written.topic, partition=written.partition, offset=written.offset)

    def await_done(self, timeout_s: float | None) -> bool:
        """Return whether the event is settled, waiting up to the time for it."""
        if not self._future.is_done:
            with suppress(KafkaError):
                self._future.get(timeout=None if timeout_s is None else max(0.0, timeout_s))
        return self.is_done

    def add_done_callback(self, callback: Callable[["Delivery"], None]) -> None:
        """Call `callback(delivery)` once, when the event is acknowledged or has failed.

        It runs in the publisher's thread, or at once in the caller's where the event is settled
        already; `delivery.wait(0)` tells which it is. It must be short and must not publish.
        """
        self._future.add_callback(lambda _: callback(self))
        self._future.add_errback(lambda _: callback(self))


class Publisher:
    """A connection that publishes events and remembers what was not acknowledged.

    Thread-safe. Used as a context manager it flushes on a clean exit and always closes. After
    an event has timed out the connection is renewed at the next call.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        """Connect to the brokers.

        Raises:
            PublishError: no broker answers at `kafka.bootstrap` within the delivery time-out.
            ConfigError: `[kafka]` is incomplete or contradictory.
        """
        self._settings = settings
        self._arguments = producer_arguments(settings)
        self._timeout_s = settings.delivery_timeout_s
        self._connecting = threading.Lock()
        self._lock = threading.Lock()
        self._pending: deque[Delivery] = deque()
        self._held_bytes = 0
        self._acknowledged = 0
        self._first_failure: PublishError | None = None
        self._when_failed = self._failed
        self._producer: Any = None
        self._retired: list[Any] = []
        self._is_closed = threading.Event()
        self._connected()
        self._watch = threading.Thread(target=self._watching, name="publisher-watch", daemon=True)
        self._watch.start()

    @property
    def acknowledged(self) -> int:
        """How many events the brokers have acknowledged so far."""
        with self._lock:
            return self._acknowledged + sum(d.is_acknowledged for d in self._pending)

    @property
    def held_bytes(self) -> int:
        """Bytes of the events without an acknowledgement, at most `kafka.buffer_bytes`."""
        with self._lock:
            self._forget_settled()
            return self._held_bytes

    def publish(self, event: Event, *, topic: str | None = None) -> Delivery:
        """Hand an event over and return its promise; blocks only while the buffer is full.

        Args:
            event: its key decides the partition, an empty key lets the producer choose.
            topic: where to; the channel's raw topic by default.

        Raises:
            RefusedError: a header cannot be sent, or the event is larger than a request may be.
            PublishError: the topic does not exist, no broker answers, or the buffer stayed
                full for the delivery time-out.
        """
        return self.publish_bytes(
            topic or raw_topic(event.channel), event.key, event.data, headers_of(event)
        )

    def publish_bytes(
        self, topic: str, key: str | bytes, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> Delivery:
        """Hand over a record whose headers are ready, as feedback events are; see `publish`.

        A key of bytes, as a dead letter has it, is sent as it is.
        """
        raw_key, key = (key.encode(), key) if isinstance(key, str) else (key, repr(key)[2:-1])
        headers = headers if isinstance(headers, list) else list(headers)
        size = len(value) + len(key) + sum([len(v) for _, v in headers]) + _RECORD_BYTES
        producer = self._producer or self._connected()
        if self._held_bytes + size > self._settings.buffer_bytes:
            self._make_room(size, topic, key)
        try:
            future = producer.send(topic, value=value, key=raw_key or None, headers=headers)
        except KafkaError as error:
            raise _failure(_label(topic, key), error) from error
        delivery = Delivery(producer, future, topic, key, size, self._when_failed)
        pending = self._pending
        with self._lock:
            pending.append(delivery)
            self._held_bytes += size
            if pending[0].is_done:
                self._forget_settled()
        return delivery

    def flush(self) -> None:
        """Wait until everything handed over before this call is acknowledged.

        Raises:
            PublishError: an event since the last flush was not acknowledged in time; the
                message names the first one.
        """
        left = self._settle()
        with self._lock:
            self._forget_settled()
            failure, self._first_failure = self._first_failure, None
        if failure:
            raise failure
        if left:
            raise PublishError(f"{left.label}: not acknowledged: no answer in time")

    def abandon(self) -> None:
        """Give up now whatever is not acknowledged; the next event connects anew.

        An event that was given up may still have been written.
        """
        producer = self._producer
        if producer is not None:
            self._retire(producer)

    def close(self) -> None:
        """Close the connection after the delivery time-out at most; the rest is given up."""
        self._settle()
        self._is_closed.set()
        with self._connecting:
            if self._producer is not None:
                self._retire(self._producer)
            self._bury()
        if self._watch is not threading.current_thread():
            self._watch.join(self._timeout_s)

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

    def _connected(self) -> Any:
        with self._connecting:
            if self._is_closed.is_set():
                raise PublishError("the publisher is closed; open another one")
            if self._producer is None:
                # Two producers at once could write one key's events out of order.
                self._bury()
                try:
                    with watched() as seen:
                        self._producer = KafkaProducer(**self._arguments)
                except KafkaError as error:
                    where = f"kafka.bootstrap {self._settings.bootstrap}"
                    why = explained(seen, error)
                    raise PublishError(f"{where}: {why}; is the broker running?") from error
            return self._producer

    def _retire(self, producer: Any) -> None:
        """Let a producer fail what it still holds and end; the next publish starts another."""
        with self._lock:
            if self._producer is producer:
                self._producer = None
                self._retired.append(producer)
        # KafkaProducer.close flushes first and raises before it stops anything when that
        # takes too long (kafka-python 3.0.12), so the sender is ended by hand.
        producer._sender.force_close()  # noqa: SLF001

    def _bury(self) -> None:
        """Return when the retired producers have ended."""
        while self._retired:
            producer = self._retired.pop()
            producer._sender.join(self._timeout_s)  # noqa: SLF001
            with suppress(KafkaError):
                producer.close(timeout=0)

    def _make_room(self, size: int, topic: str, key: str) -> None:
        """Wait until the event fits into the buffer, or has it for itself.

        Threads that publish at once may overfill it by an event each.
        """
        limit = self._settings.buffer_bytes
        deadline = time.monotonic() + self._timeout_s
        while True:
            with self._lock:
                self._forget_settled()
                oldest = self._pending[0] if self._pending else None
                if oldest is None or self._held_bytes + size <= limit:
                    return
            oldest.await_done(deadline - time.monotonic())
            if time.monotonic() >= deadline:
                raise PublishError(
                    f"{_label(topic, key)}: kafka.buffer_bytes ({limit}) are full of events that"
                    " no broker acknowledges"
                )

    def _forget_settled(self) -> None:
        """Drop the oldest events as far as they are settled. The lock must be held.

        An event behind an unsettled one is counted as held a little longer: one callback an
        event fewer is worth it.
        """
        pending = self._pending
        while pending and pending[0].is_done:
            delivery = pending.popleft()
            self._held_bytes -= delivery.size_bytes
            if delivery.is_acknowledged:
                self._acknowledged += 1
            elif self._first_failure is None:
                self._first_failure = delivery.failure

    def _settle(self) -> Delivery | None:
        """Wait for what is pending now; return the first event that had no answer in time."""
        deadline = time.monotonic() + self._timeout_s + 2 * _GRACE_S
        with self._lock:
            pending = tuple(self._pending)
            producer = self._producer
        if producer is not None and pending:
            # Sends what still waits for company, and waits by the batch.
            with suppress(KafkaError):
                producer.flush(self._timeout_s + _GRACE_S)
        left = None
        for delivery in pending:
            if not delivery.await_done(deadline - time.monotonic()):
                self._retire(delivery.producer)
                left = left or delivery
        return left

    def _watching(self) -> None:
        """Give up on a producer whose oldest event should long have been settled.

        kafka-python 3.0.12 expires no event while it waits for a producer id, and none after a
        batch that had been sent before has expired: it then resets its id and never asks for a
        new one (the state stays READY, `init_producer_id` does nothing outside UNINITIALIZED).
        """
        while not self._is_closed.wait(_WATCH_S):
            with self._lock:
                self._forget_settled()
                oldest = self._pending[0] if self._pending else None
            if oldest and time.monotonic() > oldest.handed_over_at + self._timeout_s + _GRACE_S:
                self._retire(oldest.producer)

    def _failed(self, delivery: Delivery, error: BaseException) -> None:
        if isinstance(error, KafkaTimeoutError):
            # What was handed over after this event must not overtake it when it is sent again.
            self._retire(delivery.producer)


def _label(topic: str, key: str) -> str:
    return f"record with key {key!r} for topic {topic}"


def _failure(label: str, error: BaseException) -> PublishError:
    kind = RefusedError if isinstance(error, _REFUSALS) else PublishError
    cause = str(error) or type(error).__name__
    if isinstance(error, IllegalStateError):
        cause = "given up, because the brokers stopped answering"
    return kind(f"{label}: not acknowledged: {cause}")
