"""Events into Kafka: the one producer of deskwheel. Writes the raw topics and `feedback`.

Delivery: idempotent producer, `acks=all`, every acknowledgement checked. An event that
`flush` did not complain about is in the log at least once; retries inside one producer do not
write twice, and a restart that publishes again is caught by the event id downstream.
"""

import threading
from collections.abc import Sequence
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
from ingest.envelope import RefusedError, headers_of

MAX_REQUEST_BYTES = 20 * 1024 * 1024
"""Above the topics' 16 MiB, so that the broker's limit decides and names the topic."""

LINGER_MS = 20
"""How long a batch waits for company: 20 ms fill a batch at 1,000 events/s."""

_GRACE_S = 1.0
"""What the producer may take beyond the delivery time-out to report an event as failed."""

_REFUSALS = (InvalidTopicError, MessageSizeTooLargeError, RecordListTooLargeError)


class Delivery:
    """The promise of one event: its place in Kafka, or the reason why it has none."""

    def __init__(self, publisher: "Publisher", token: int, future: Any, label: str) -> None:
        """Tie the producer's future to the publisher; `label` names the event in errors."""
        self._publisher = publisher
        self._token = token
        self._future = future
        self._label = label

    def wait(self, timeout_s: float | None = None) -> Pointer:
        """Return where the event was written, waiting for the acknowledgement.

        Args:
            timeout_s: the delivery time-out of the settings by default.

        Raises:
            PublishError: there was no answer in time; the event may or may not be written.
            RefusedError: the broker will not take it, now or later.
        """
        self._publisher.settle(self._token, timeout_s)
        try:
            written = self._future.get(timeout=0)
        except KafkaError as error:
            raise _failure(self._label, error) from error
        return Pointer(topic=written.topic, partition=written.partition, offset=written.offset)


class Publisher:
    """A connection that publishes events and remembers what was not acknowledged.

    Thread-safe. Used as a context manager it flushes on a clean exit and always closes. After
    an event has timed out the connection is renewed at the next call.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        """Connect to the brokers.

        Raises:
            PublishError: no broker answers at `kafka.bootstrap` within the delivery time-out.
        """
        self._settings = settings
        self._timeout_s = settings.delivery_timeout_s
        self._changed = threading.Condition()
        self._connecting = threading.Lock()
        self._handed_over = 0
        self._pending: dict[int, str] = {}
        self._acknowledged = 0
        self._first_failure: PublishError | None = None
        self._is_stuck = False
        self._producer: Any = None
        self._connected()

    @property
    def acknowledged(self) -> int:
        """How many events the brokers have acknowledged so far."""
        return self._acknowledged

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
        self, topic: str, key: str, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> Delivery:
        """Hand over a record whose headers are ready, as feedback events are; see `publish`."""
        label = f"record with key {key!r} for topic {topic}"
        try:
            future = self._connected().send(
                topic, value=value, key=key.encode() if key else None, headers=list(headers)
            )
        except KafkaError as error:
            raise _failure(label, error) from error
        with self._changed:
            self._handed_over += 1
            token = self._handed_over
            self._pending[token] = label
        future.add_callback(self._succeeded, token)
        future.add_errback(self._failed, token)
        return Delivery(self, token, future, label)

    def flush(self) -> None:
        """Wait until everything handed over before this call is acknowledged.

        Raises:
            PublishError: an event since the last flush was not acknowledged in time; the
                message names the first one.
        """
        self.settle(self._handed_over, None, with_earlier=True)
        with self._changed:
            failure, self._first_failure = self._first_failure, None
        if failure:
            raise failure

    def settle(self, token: int, timeout_s: float | None, *, with_earlier: bool = False) -> None:
        """Wait until an event (and all before it) is acknowledged or has failed.

        What is unsettled when the time is up, or when the producer is stuck, fails.
        """
        timeout_s = self._timeout_s + _GRACE_S if timeout_s is None else timeout_s

        def is_settled() -> bool:
            if with_earlier:
                return next(iter(self._pending), token + 1) > token
            return token not in self._pending

        with self._changed:
            self._changed.wait_for(lambda: is_settled() or self._is_stuck, timeout_s)
            is_done = is_settled()
        if not is_done:
            self._give_up()

    def close(self) -> None:
        """Close the connection after the delivery time-out at most; the rest is given up."""
        self.settle(self._handed_over, None, with_earlier=True)
        self._give_up()

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
        if self._is_stuck:
            self._give_up()
        with self._connecting:
            if self._producer is None:
                try:
                    self._producer = KafkaProducer(**_producer_settings(self._settings))
                except KafkaError as error:
                    where = f"kafka.bootstrap {self._settings.bootstrap}"
                    raise PublishError(f"{where}: {error}; is the broker running?") from error
            return self._producer

    def _give_up(self) -> None:
        """End the producer and fail what it still holds; the next publish starts another."""
        with self._connecting:
            producer, self._producer = self._producer, None
            self._is_stuck = False
        if producer is not None:
            # KafkaProducer.close flushes first and raises before it stops anything when that
            # takes too long (kafka-python 3.0.12), so the sender is ended by hand.
            sender = producer._sender  # noqa: SLF001
            sender.force_close()
            sender.join(self._timeout_s)
            producer.close(timeout=0)

    def _succeeded(self, token: int, _written: Any) -> None:
        with self._changed:
            self._pending.pop(token, None)
            self._acknowledged += 1
            self._changed.notify_all()

    def _failed(self, token: int, error: BaseException) -> None:
        with self._changed:
            label = self._pending.pop(token, "record")
            self._first_failure = self._first_failure or _failure(label, error)
            # An idempotent producer of kafka-python 3.0.12 resets its id when a batch expires
            # and never asks for a new one (the state stays READY, `init_producer_id` is a no-op
            # outside UNINITIALIZED): nothing is sent or expired again. Measured by stopping a
            # broker for longer than the delivery time-out.
            self._is_stuck = self._is_stuck or isinstance(error, KafkaTimeoutError)
            self._changed.notify_all()


def _failure(label: str, error: BaseException) -> PublishError:
    kind = RefusedError if isinstance(error, _REFUSALS) else PublishError
    cause = str(error) or type(error).__name__
    if isinstance(error, IllegalStateError):
        cause = "given up, because the brokers stopped answering"
    return kind(f"{label}: not acknowledged: {cause}")


def _producer_settings(settings: KafkaSettings) -> dict[str, Any]:
    timeout_ms = int(settings.delivery_timeout_s * 1000)
    return {
        "bootstrap_servers": settings.bootstrap.split(","),
        "client_id": "deskwheel-ingest",
        "enable_idempotence": True,
        "acks": "all",
        "compression_type": "zstd",
        "linger_ms": LINGER_MS,
        "max_request_size": MAX_REQUEST_BYTES,
        "delivery_timeout_ms": timeout_ms,
        "request_timeout_ms": max(500, timeout_ms // 2),
        "max_block_ms": timeout_ms,
        "bootstrap_timeout_ms": timeout_ms,
        "allow_auto_create_topics": False,
    }
