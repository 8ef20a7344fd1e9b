"""Events of requests checked, published and answered: what the gateway does, without HTTP.

Writes the raw topics through the outlet. An answer that says accepted comes after the brokers'
acknowledgement only.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from itertools import islice
from typing import Any

from kafka.errors import MessageSizeTooLargeError, RecordListTooLargeError

from deskwheel import reasons
from deskwheel.errors import PublishError
from deskwheel.records import Event, Pointer
from ingest.contract import Limits, check
from ingest.envelope import RefusedError
from ingest.gateway.metrics import Counts
from ingest.gateway.outlet import Outcome, Outlet
from ingest.gateway.refusal import Refusal, broker_away, too_large, unacceptable
from ingest.gateway.tenants import Quota

_NEVER_TAKEN = frozenset({reasons.HEADER_INVALID, reasons.TOO_LARGE, reasons.EMPTY})

_TURN_EVENTS = 50
"""Events of a batch that are read between two turns of the event loop."""

LARGE_BYTES = 256 * 1024
"""A batch beyond is read in a thread: so many bytes at a turn would keep all others waiting."""


@dataclass(frozen=True)
class Answer:
    """Status and body of a batch's answer."""

    status: int
    body: dict[str, Any]


class Intake:
    """Takes events for one pipeline."""

    def __init__(
        self,
        outlet: Outlet,
        counts: Counts,
        quota: Quota,
        limits: Limits,
        now: Callable[[], datetime],
    ) -> None:
        """Tie the parts together; `limits` are those of the contract and of the door."""
        self._outlet = outlet
        self._counts = counts
        self._quota = quota
        self._limits = limits
        self._now = now

    async def take(self, event: Event, *, is_strict: bool = True) -> Pointer:
        """Where the brokers wrote the event.

        Args:
            event: from whoever the request has proved to be.
            is_strict: turn away what the stream would reject. A signed webhook is taken all the
                same: its sender cannot mend it and would give up, while as a dead letter it waits
                for whoever can.

        Raises:
            Refusal: 413, 422, 429 or 503.
        """
        self._quota.spend(event.tenant, 1)
        refusal = self.problem_of(event)
        if refusal is not None and (is_strict or refusal.reason in _NEVER_TAKEN):
            raise refusal
        outcome = (await self._outlet.publish([event]))[0]
        if isinstance(outcome, Pointer):
            self._counts.accept(event.tenant, event.channel)
            return outcome
        raise refusal_of(outcome)

    async def take_batch(
        self,
        tenant: str,
        found: Iterable[Event | Refusal],
        *,
        is_partial: bool,
        is_large: bool = False,
    ) -> Answer:
        """The answer to a batch: all, none, or with `is_partial` the good ones.

        Args:
            tenant: who sends it.
            found: its events as they are read, each when it is asked for.
            is_partial: take the good ones where some are bad.
            is_large: read it in a thread; see `LARGE_BYTES`.

        Raises:
            Refusal: 413 or 422 for the whole, 422 with every bad index, 429, or 503 with what was
                acknowledged.
        """
        # A tenant beyond its rate must not cost the reading of what is refused.
        self._quota.spend(tenant, 0)
        rows = await self._checked(found, is_large=is_large)
        self._quota.spend(tenant, len(rows))
        bad = {i: row for i, row in enumerate(rows) if isinstance(row, Refusal)}
        if bad and not is_partial:
            raise _refused_batch(bad)
        self._count_bad(tenant, bad.values())
        good = [(i, row) for i, row in enumerate(rows) if isinstance(row, Event)]
        outcomes = await self._outlet.publish([event for _, event in good]) if good else []
        self._count_good(tenant, good, outcomes)
        lines: dict[int, dict[str, Any]] = {
            i: {"index": i, "status": r.status, "error": r.error()} for i, r in bad.items()
        }
        missed = 0
        for (i, event), outcome in zip(good, outcomes, strict=True):
            lines[i] = {"index": i, **_line(event, outcome)}
            missed += not isinstance(outcome, Pointer)
        body = {"accepted": len(good) - missed, "events": [lines[i] for i in range(len(rows))]}
        if bad:
            return Answer(HTTPStatus.MULTI_STATUS, body)
        if missed:
            message = f"{missed} of {len(good)} events were not acknowledged in time"
            raise broker_away(message, more=body)
        return Answer(HTTPStatus.ACCEPTED, body)

    def problem_of(self, event: Event) -> Refusal | None:
        """Why an event cannot be published; None where it can."""
        problems = check(event, self._limits, now=self._now())
        if not problems:
            return None
        first = problems[0]
        if first.reason == reasons.TOO_LARGE:
            return too_large(first.detail)
        # What stands in a header is the sender's text: its detail is not sent back.
        is_header = first.reason == reasons.HEADER_INVALID
        said = reasons.MEANING[first.reason] if is_header else first.detail
        return unacceptable(first.reason, said, field=first.field or None)

    async def _checked(
        self, found: Iterable[Event | Refusal], *, is_large: bool
    ) -> list[Event | Refusal]:
        checked = (
            row if isinstance(row, Refusal) else self.problem_of(row) or row for row in found
        )

        def turn() -> list[Event | Refusal]:
            return list(islice(checked, _TURN_EVENTS))

        rows: list[Event | Refusal] = []
        while some := await asyncio.to_thread(turn) if is_large else turn():
            rows += some
            await asyncio.sleep(0)
        return rows

    def _count_bad(self, tenant: str, bad: Iterable[Refusal]) -> None:
        for reason, events in Counter(refusal.reason for refusal in bad).items():
            self._counts.reject(tenant, "", reason, events)

    def _count_good(
        self, tenant: str, good: Sequence[tuple[int, Event]], outcomes: Sequence[Outcome]
    ) -> None:
        accepted = Counter(
            event.channel
            for (_, event), outcome in zip(good, outcomes, strict=True)
            if isinstance(outcome, Pointer)
        )
        for channel, events in accepted.items():
            self._counts.accept(tenant, channel, events)


def accepted_body(event: Event, place: Pointer) -> dict[str, Any]:
    """What a 202 says of an event."""
    return {
        "id": event.id,
        "topic": place.topic,
        "partition": place.partition,
        "offset": place.offset,
    }


def refusal_of(outcome: PublishError | None) -> Refusal:
    """The refusal for an event that the brokers did not acknowledge."""
    if not isinstance(outcome, RefusedError):
        return broker_away("the brokers did not acknowledge the event in time")
    if isinstance(outcome.__cause__, MessageSizeTooLargeError | RecordListTooLargeError):
        return too_large("the brokers do not take an event of this size; make it smaller")
    return Refusal(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        reasons.GATEWAY_FAILED,
        "the brokers refuse the event; `python -m ingest topics` shows whether its topic is there",
    )


def _line(event: Event, outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Pointer):
        return {"status": HTTPStatus.ACCEPTED, **accepted_body(event, outcome)}
    refusal = refusal_of(outcome)
    return {"status": refusal.status, "id": event.id, "error": refusal.error()}


def _refused_batch(bad: dict[int, Refusal]) -> Refusal:
    first = next(iter(bad.values()))
    listed = [{"index": index, **refusal.error()} for index, refusal in bad.items()]
    return Refusal(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        first.reason,
        f"{len(bad)} events of the batch are bad and nothing was published; mend those listed"
        " under `events`, or send the good ones with ?partial=true",
        more={"events": listed},
    )
