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
from kafka.errors import KafkaError, MessageSizeTooLargeError

from deskwheel.errors import PublishError
from deskwheel.records import Event, Pointer
from deskwheel.settings import KafkaSettings
from deskwheel.topics import raw_topic
from ingest.envelope import EnvelopeError, headers_of

MAX_REQUEST_BYTES = 20 * 1024 * 1024
"""Above the topics' 16 MiB, so that the broker's limit decides and names the topic."""

BUFFER_LINGER_MS = 20
"""How long a batch waits for company: 20 ms fill a batch at 1,000 events/s."""


class Delivery:
    """The promise of one event: its place in Kafka, or the reason why it has none."""

    def __init__(self, future: Any, label: str, timeout_s: float) -> None:
        """Wrap the producer's future; `label` names the event in errors."""
        self._future = future
        self._label = label
        self._timeout_s = timeout_s

    def wait(self, timeout_s: float | None = None) -> Pointer:
        """Return where the event was written, waiting for the acknowledgement.

        Raises:
            PublishError: the broker refused the event or did not answer in time.
        """
        try:
            written = self._future.get(timeout=timeout_s or self._timeout_s)
        except KafkaError as error:
            raise PublishError(f"{self._label}: not acknowledged: {_cause(error)}") from error
        return Pointer(topic=written.topic, partition=written.partition, offset=written.offset)


class Publisher:
    """A connection that publishes events and remembers what was not acknowledged.

    Thread-safe. Used as a context manager it flushes on a clean exit and always closes.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        """Connect to the brokers.

        Raises:
            PublishError: no broker answers at `kafka.bootstrap`.
        """
        self._timeout_s = settings.delivery_timeout_s
        self._lock = threading.Lock()
        self._acknowledged = 0
        self._first_failure: str | None = None
        try:
            self._producer = KafkaProducer(**_producer_settings(settings))
        except KafkaError as error:
            raise PublishError(
                f"kafka.bootstrap {settings.bootstrap}: {_cause(error)}; is the broker running?"
            ) from error

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
            EnvelopeError: a header cannot be sent (nothing was sent).
            PublishError: the event is larger than a request may be, the topic does not exist,
                or the buffer stayed full for the delivery time-out.
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
            future = self._producer.send(
                topic, value=value, key=key.encode() if key else None, headers=list(headers)
            )
        except MessageSizeTooLargeError as error:
            raise EnvelopeError(
                f"{label}: {len(value)} bytes are more than a request may hold"
                f" ({MAX_REQUEST_BYTES}); split it at the source"
            ) from error
        except KafkaError as error:
            raise PublishError(
                f"{label}: {_cause(error)}; see `python -m ingest topics`"
            ) from error
        future.add_callback(self._count)
        future.add_errback(self._remember, label)
        return Delivery(future, label, self._timeout_s)

    def flush(self) -> None:
        """Wait until everything handed over is acknowledged.

        Raises:
            PublishError: an event since the last flush was not acknowledged in time; the
                message names the first one.
        """
        try:
            self._producer.flush(timeout=self._timeout_s)
        except KafkaError as error:
            raise PublishError(f"flush: {_cause(error)} after {self._timeout_s:g} s") from error
        with self._lock:
            failure, self._first_failure = self._first_failure, None
        if failure:
            raise PublishError(failure)

    def close(self) -> None:
        """Close the connection; what is not acknowledged within the time-out is given up."""
        self._producer.close(timeout=self._timeout_s)

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

    def _count(self, _written: Any) -> None:
        with self._lock:
            self._acknowledged += 1

    def _remember(self, label: str, error: BaseException) -> None:
        with self._lock:
            self._first_failure = self._first_failure or f"{label}: {_cause(error)}"


def _producer_settings(settings: KafkaSettings) -> dict[str, Any]:
    timeout_ms = int(settings.delivery_timeout_s * 1000)
    return {
        "bootstrap_servers": settings.bootstrap.split(","),
        "client_id": "deskwheel-ingest",
        "enable_idempotence": True,
        "acks": "all",
        "compression_type": "zstd",
        "linger_ms": BUFFER_LINGER_MS,
        "max_request_size": MAX_REQUEST_BYTES,
        "delivery_timeout_ms": timeout_ms,
        "request_timeout_ms": max(500, timeout_ms // 2),
        "max_block_ms": timeout_ms,
        "bootstrap_timeout_ms": timeout_ms,
        "allow_auto_create_topics": False,
    }


def _cause(error: BaseException) -> str:
    return str(error) or type(error).__name__
