"""Feedback events out of answers: who was assigned to what, and what came of it.

Writes the topic `feedback`. No text of a customer and no raw customer id is ever in an event.
"""

import asyncio
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from deskwheel.ids import record_id
from deskwheel.settings import KafkaSettings
from deskwheel.topics import FEEDBACK
from ingest.publish import Publisher

SOURCE = "deploy"
DATASCHEMA = "feedback.v1"
_RECENT_TRACES = 100_000
_SENDERS = 8


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One answer: who got it, from which variant, in which conversation."""

    trace_id: str
    tenant: str
    variant: str | None
    subject_key: str | None
    conversation_id: str | None


@dataclass(frozen=True, kw_only=True)
class FeedbackEvent:
    """One message for the topic, ready to be published."""

    key: str
    """Conversation id where known, else the trace id."""
    value: bytes
    headers: Mapping[str, str]
    """CloudEvents 1.0, Kafka binary content mode."""


def build_assignment(trace: Trace, *, now: datetime) -> FeedbackEvent:
    """The event that says which variant answers; the same id whenever it is built again."""
    feedback_id = record_id("fb", "assignment", trace.trace_id)
    return _event(trace, "assignment", feedback_id, csat=None, is_completed=None, now=now)


def build_outcome(
    trace: Trace, *, csat: int | None, is_completed: bool | None, now: datetime
) -> FeedbackEvent:
    """The event that says what came of an answer; a repeated call gets the same id.

    A corrected outcome (another csat for the same trace) gets another id, and both are kept.
    """
    feedback_id = record_id("fb", "outcome", trace.trace_id, repr(csat), repr(is_completed))
    return _event(trace, "outcome", feedback_id, csat=csat, is_completed=is_completed, now=now)


def _event(
    trace: Trace,
    kind: str,
    feedback_id: str,
    *,
    csat: int | None,
    is_completed: bool | None,
    now: datetime,
) -> FeedbackEvent:
    occurred_at = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    key = trace.conversation_id or trace.trace_id
    payload = {
        "feedback_id": feedback_id,
        "kind": kind,
        "trace_id": trace.trace_id,
        "conversation_id": trace.conversation_id,
        "subject_key": trace.subject_key,
        "variant": trace.variant,
        "csat": csat,
        "is_completed": is_completed,
        "occurred_at": occurred_at,
    }
    headers = {
        "ce_specversion": "1.0",
        "ce_id": feedback_id,
        "ce_source": SOURCE,
        "ce_type": f"deskwheel.feedback.{kind}",
        "ce_time": occurred_at,
        "ce_subject": key,
        "ce_dataschema": DATASCHEMA,
        "ce_tenant": trace.tenant,
        "content-type": "application/json",
    }
    return FeedbackEvent(key=key, value=json.dumps(payload).encode(), headers=headers)


class RecentTraces:
    """The newest answers of this replica by trace id; the oldest are forgotten first."""

    def __init__(self, limit: int = _RECENT_TRACES) -> None:
        """Keep up to `limit` traces (about 500 bytes each)."""
        self._limit = limit
        self._traces: OrderedDict[str, Trace] = OrderedDict()

    def remember(self, trace: Trace) -> None:
        """Keep a trace, so that its outcome can be tied to variant and conversation."""
        self._traces[trace.trace_id] = trace
        while len(self._traces) > self._limit:
            self._traces.popitem(last=False)

    def find(self, trace_id: str, *, tenant: str) -> Trace:
        """The trace, or one with nothing but its id: the table joins on that."""
        unknown = Trace(
            trace_id=trace_id, tenant=tenant, variant=None, subject_key=None, conversation_id=None
        )
        return self._traces.get(trace_id, unknown)


class Publishing(Protocol):
    """What the log needs of `ingest.publish.Publisher`."""

    def send(self, event: FeedbackEvent) -> None:
        """Return once the broker has the event; raise otherwise."""

    def close(self) -> None:
        """Give the connection back."""


class KafkaLine:
    """The topic `feedback`, over one idempotent producer; used from several threads."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Connect to the brokers.

        Raises:
            PublishError: no broker answers.
        """
        self._publisher = Publisher(settings)

    def send(self, event: FeedbackEvent) -> None:
        """Return once the broker has the event.

        Raises:
            PublishError: it was not acknowledged within `kafka.delivery_timeout_s`.
        """
        headers = [(name, value.encode()) for name, value in event.headers.items()]
        self._publisher.publish_bytes(FEEDBACK.name, event.key, event.value, headers).wait()

    def close(self) -> None:
        """Close the producer; what is on its way is waited for."""
        self._publisher.close()


class FeedbackLog:
    """Publishes events off the event loop and says whether the broker acknowledged in time.

    Delivery is at least once: an event that timed out here may still arrive later; its id lets
    the reader see that it is the same one. The connection is made on first use, and again after
    a failure, so that a replica starts and answers without a broker.
    """

    def __init__(self, connect: Callable[[], Publishing], *, ack_wait_s: float) -> None:
        """Take what opens the connection, and how long `send` may wait."""
        self._connect = connect
        self._ack_wait_s = ack_wait_s
        self._pool = ThreadPoolExecutor(_SENDERS, thread_name_prefix="feedback")
        self._lock = threading.Lock()
        self._publisher: Publishing | None = None
        self.last_error: str | None = None
        """Why the newest failure happened, for `/v1/split`; None after a success."""

    async def send(self, event: FeedbackEvent) -> bool:
        """Whether the broker acknowledged the event within `ack_wait_s`; never raises."""
        loop = asyncio.get_running_loop()
        try:
            done = loop.run_in_executor(self._pool, self._send, event)
            await asyncio.wait_for(done, self._ack_wait_s)
        except TimeoutError:
            self.last_error = f"no acknowledgement within {self._ack_wait_s} s"
            return False
        except Exception as error:  # an answer must not fail because the log did
            self.last_error = f"{type(error).__name__}: {error}"
            return False
        self.last_error = None
        return True

    def close(self) -> None:
        """Stop the threads and give the connection back."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._publisher is not None:
            self._publisher.close()

    def _send(self, event: FeedbackEvent) -> None:
        with self._lock:
            if self._publisher is None:
                self._publisher = self._connect()
            publisher = self._publisher
        publisher.send(event)
