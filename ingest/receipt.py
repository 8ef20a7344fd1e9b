"""What a spooling publisher holds of an event: the record that travels, and its promise."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from deskwheel.errors import PublishError


class Receipt:
    """The promise of one event: that it is in Kafka or durably on the disk."""

    __slots__ = ("_future",)

    def __init__(self) -> None:
        """Promise nothing yet."""
        self._future: Future[None] = Future()

    @property
    def is_done(self) -> bool:
        """Whether the event is acknowledged or has failed."""
        return self._future.done()

    def wait(self, timeout_s: float | None = None) -> None:
        """Return when the event is acknowledged.

        Raises:
            SpoolFullError: neither brokers nor disk took the event; it may be sent again.
            RefusedError: the brokers will not take it, now or later.
            PublishError: there was no answer in time.
        """
        try:
            self._future.result(timeout_s)
        except TimeoutError as error:
            raise PublishError(f"event: no answer within {timeout_s} s") from error

    def add_done_callback(self, callback: Callable[["Receipt"], None]) -> None:
        """Call `callback(receipt)` once, from a thread of the publisher, or at once if settled.

        It must be short and must not publish.
        """
        self._future.add_done_callback(lambda _: callback(self))

    def settle(self, error: PublishError | None) -> None:
        """Say what became of the event."""
        if error is None:
            self._future.set_result(None)
        else:
            self._future.set_exception(error)


@dataclass(frozen=True, slots=True)
class Record:
    """One event as it goes to Kafka."""

    topic: str
    key: str
    value: bytes
    headers: Sequence[tuple[str, bytes]]

    def encoded(self) -> bytes:
        """The record as a payload of the spool: a line of JSON, then the value as it is."""
        headers = [[name, value.decode("latin-1")] for name, value in self.headers]
        return json.dumps([self.topic, self.key, headers]).encode() + b"\n" + self.value

    @classmethod
    def decoded(cls, payload: bytes) -> "Record":
        """The record of a payload.

        Raises:
            ValueError: the payload is none of ours.
        """
        line, found, value = payload.partition(b"\n")
        if not found:
            raise ValueError("no line")
        topic, key, headers = json.loads(line)
        return cls(topic, key, value, [(name, text.encode("latin-1")) for name, text in headers])
