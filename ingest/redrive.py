"""Dead letters back into the topics they came from, each rejection of an event once.

Reads `*.dlq`; writes the raw topics and `feedback` with bytes that their own writer published
before: original value, key and headers, the same event id, and the headers `dlq.attempt` and
`dlq.origin`. What was sent stands in the state database (documents `redrive`), claimed by
compare-and-set before it is sent, so that two calls never send one letter twice. A call that is
killed between sending and noting leaves a claim; when that is old, the next call sends again,
and the stream marks the second one as a duplicate of its event id.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event as StopEvent
from typing import Any, Literal

from deskwheel.errors import PublishError, StateError
from deskwheel.ids import record_id
from deskwheel.settings import Settings
from deskwheel.state import State
from ingest.dead_letters import HEADER_PREFIX, Chosen, DeadLetter, Found, read_letters
from ingest.envelope import RefusedError
from ingest.publish import Delivery, Publisher

KIND = "redrive"
IN_FLIGHT = 500
"""Letters that wait for their acknowledgement at the same time."""

CLAIM_S = 600.0
"""A claim this old and older than two delivery time-outs belongs to a call that has died."""

MAX_PROBLEMS = 50
"""So many letters that were not sent are named one by one; all are counted."""

Result = Literal["sent", "would_send", "sent_before", "claimed", "refused", "failed"]


@dataclass(kw_only=True)
class Redriven:
    """What became of the chosen letters."""

    counts: dict[str, int] = field(default_factory=dict)
    """Result → letters: sent, would_send (dry run), sent_before, claimed (by another call at
    this moment), refused, failed."""
    topics: dict[str, int] = field(default_factory=dict)
    """Topic → letters sent to it."""
    reasons: dict[str, int] = field(default_factory=dict)
    """Reason of the rejection → letters sent."""
    problems: list[str] = field(default_factory=list)

    def note(self, letter: DeadLetter, result: Result, problem: str = "") -> None:
        """Count a letter, and keep why it was not sent."""
        self.counts[result] = self.counts.get(result, 0) + 1
        if result in ("sent", "would_send"):
            self.topics[letter.home] = self.topics.get(letter.home, 0) + 1
            self.reasons[letter.reason] = self.reasons.get(letter.reason, 0) + 1
        if problem and len(self.problems) < MAX_PROBLEMS:
            self.problems.append(f"{letter.place}: {problem}")

    @property
    def total(self) -> int:
        """Letters that were looked at."""
        return Counter(self.counts).total()


@dataclass(frozen=True, kw_only=True)
class Redriver:
    """Who sends dead letters back, and with what."""

    settings: Settings
    actor: str
    now: Callable[[], datetime]
    is_dry: bool = False
    """Say what would be sent; send nothing and claim nothing."""
    stop: StopEvent = field(default_factory=StopEvent)
    progress: Callable[[int], None] | None = None
    """Gets the number of letters looked at so far."""


def redrive(job: Redriver, chosen: Chosen, *, limit: int | None = None) -> Redriven:
    """Send the chosen letters back, oldest first in each partition, and note it on the timeline.

    Ends early, with a count of `failed`, when the brokers stop to acknowledge.

    Args:
        job: who, when and how.
        chosen: which letters.
        limit: look at no more than this many of them.

    Raises:
        ServiceError: no broker answers.
    """
    done = Redriven()
    with closing(State(job.settings.pipeline.state_url)) as state:
        try:
            if job.is_dry:
                for found in _limited(job, chosen, limit):
                    _offer(job, state, found.letter, done)
            else:
                # Not as a context manager, which would raise for a letter that is counted already.
                with closing(Publisher(job.settings.kafka)) as publisher:
                    _send_all(job, state, publisher, _limited(job, chosen, limit), done)
        finally:
            if done.counts.get("sent") or done.counts.get("failed"):
                state.record(
                    job.settings.pipeline.name,
                    "redriven",
                    job.actor,
                    {"counts": done.counts, "topics": done.topics, "reasons": done.reasons},
                )
    return done


def headers_back(found: Found) -> list[tuple[str, bytes]]:
    """Return the headers of a letter as it is sent back: the event's own and our two."""
    own = [
        (name, value or b"")
        for name, value in found.record.headers
        if not name.lower().startswith(HEADER_PREFIX)
    ]
    ours = {"attempt": str(found.letter.attempts + 1), "origin": found.letter.origin}
    return own + [(f"{HEADER_PREFIX}{name}", value.encode()) for name, value in ours.items()]


def _limited(job: Redriver, chosen: Chosen, limit: int | None) -> Iterator[Found]:
    for number, found in enumerate(read_letters(job.settings.kafka, chosen)):
        if job.stop.is_set() or (limit is not None and number >= limit):
            return
        yield found
        if job.progress:
            job.progress(number + 1)


def _offer(job: Redriver, state: State, letter: DeadLetter, done: Redriven) -> None:
    """Count what a letter would come to if it were sent."""
    problem = _refusal(job, letter)
    stored = state.get(KIND, _document(letter))
    if problem:
        done.note(letter, "refused", problem)
    elif stored and (held := _held(job, stored[0])):
        done.note(letter, held, _explained(stored[0]))
    else:
        done.note(letter, "would_send")


def _send_all(
    job: Redriver, state: State, publisher: Publisher, letters: Iterator[Found], done: Redriven
) -> None:
    waiting: deque[tuple[Found, Delivery, int]] = deque()
    try:
        for found in letters:
            revision = _claim(job, state, found.letter, done)
            if revision is None:
                continue
            try:
                sent = publisher.publish_bytes(
                    found.letter.home,
                    found.record.key or "",
                    found.record.value,
                    headers_back(found),
                )
            except PublishError as error:
                _release(job, state, found.letter, revision, error, done)
            else:
                waiting.append((found, sent, revision))
            if len(waiting) >= IN_FLIGHT:
                _settle(job, state, waiting, done)
            if done.counts.get("failed"):
                return
    finally:
        # Also when somebody interrupts: what was handed over is noted as what it became.
        while waiting:
            _settle(job, state, waiting, done)


def _settle(
    job: Redriver, state: State, waiting: deque[tuple[Found, Delivery, int]], done: Redriven
) -> None:
    """Wait for the oldest letter and note what became of it."""
    found, sent, revision = waiting.popleft()
    letter = found.letter
    try:
        place = sent.wait()
    except PublishError as error:
        _release(job, state, letter, revision, error, done)
        return
    to = f"{place.topic}/{place.partition}/{place.offset}"
    # A call that took this one for dead has claimed it meanwhile: what it notes will hold.
    with suppress(StateError):
        state.put(KIND, _document(letter), _body(job, letter, "sent", to=to), expect=revision)
    done.note(letter, "sent")


def _claim(job: Redriver, state: State, letter: DeadLetter, done: Redriven) -> int | None:
    """The revision under which the letter is this call's to send; None where it is not."""
    problem = _refusal(job, letter)
    if problem:
        done.note(letter, "refused", problem)
        return None
    stored = state.get(KIND, _document(letter))
    if stored and (held := _held(job, stored[0])):
        done.note(letter, held, _explained(stored[0]))
        return None
    body = _body(job, letter, "claimed")
    try:
        return state.put(KIND, _document(letter), body, expect=stored[1] if stored else 0)
    except StateError:
        done.note(letter, "claimed", "another call sends it at this moment")
        return None


def _release(
    job: Redriver,
    state: State,
    letter: DeadLetter,
    revision: int,
    error: PublishError,
    done: Redriven,
) -> None:
    """Give a claim back after the brokers have not taken the letter."""
    result: Result = "refused" if isinstance(error, RefusedError) else "failed"
    with suppress(StateError):
        state.put(KIND, _document(letter), _body(job, letter, "failed"), expect=revision)
    done.note(letter, result, str(error))


def _refusal(job: Redriver, letter: DeadLetter) -> str:
    """Why a letter must not be sent back; empty where it may."""
    most = job.settings.ingest.max_redrives
    if letter.attempts >= most:
        return (
            f"event {letter.event_id!r} was sent back {letter.attempts} times and rejected again"
            f" ({letter.reason}); ingest.max_redrives is {most}: mend its source, or raise it"
        )
    if not letter.value_bytes:
        return "it has no payload, so no release will read it"
    return ""


def _held(job: Redriver, stored: dict[str, Any]) -> Result | None:
    """Why a letter that is on record is not this call's to send; None where it is again."""
    if stored["phase"] == "sent":
        return "sent_before"
    longest_s = max(CLAIM_S, 2 * job.settings.kafka.delivery_timeout_s)
    age = job.now() - datetime.fromisoformat(stored["at"])
    is_alive = stored["phase"] == "claimed" and age < timedelta(seconds=longest_s)
    return "claimed" if is_alive else None


def _explained(stored: dict[str, Any]) -> str:
    if stored["phase"] == "sent":
        return f"sent back before, to {stored['to']} at {stored['at']} by {stored['actor']}"
    return f"{stored['actor']} sends it since {stored['at']}"


def _body(job: Redriver, letter: DeadLetter, phase: str, *, to: str = "") -> dict[str, Any]:
    return {
        "phase": phase,
        "letter": letter.place,
        "source": letter.source,
        "origin": letter.origin,
        "event_id": letter.event_id,
        "reason": letter.reason,
        "attempt": letter.attempts + 1,
        "to": to,
        "actor": job.actor,
        "at": job.now().isoformat(timespec="seconds"),
    }


def _document(letter: DeadLetter) -> str:
    """Id under which a rejection is remembered: that of the event's place, which copies share.

    With the event's id, because a topic that is made anew counts its offsets from 0 again.
    """
    return record_id(KIND, letter.source, letter.event_id)
