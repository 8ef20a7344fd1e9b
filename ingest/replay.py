"""Recorded traffic of a folder into events, and any events into Kafka at a chosen pace.

Reads `FOLDER/events.jsonl`; writes the raw topics through a publisher.
"""

import base64
import binascii
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as StopEvent
from typing import Any, Protocol

from deskwheel.errors import PublishError, SetupError
from deskwheel.records import Event
from ingest.envelope import Arrival, able_to_travel, parsed_time
from ingest.sources import CHANNELS

EVENTS_FILE = "events.jsonl"
MAX_IN_FLIGHT = 1000
"""Events without an acknowledgement at a time: bounds memory and what a crash repeats."""

MAX_ERRORS_KEPT = 10

_LOG = logging.getLogger(__name__)
_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


class Receipt(Protocol):
    """What a publisher hands back for an event."""

    def wait(self) -> object:
        """Return when the event is acknowledged; raise PublishError when it will not be."""
        ...


class Outlet(Protocol):
    """What `play` needs of a publisher."""

    def publish(self, event: Event) -> Receipt:
        """Hand the event over and return its receipt."""
        ...


@dataclass(frozen=True, kw_only=True)
class Played:
    """What became of the events that were tried: `sent` = `acknowledged` + `failed`."""

    sent: int
    acknowledged: int
    failed: int
    elapsed_s: float
    errors: tuple[str, ...]
    """The first few failures in words."""


def read_folder(
    path: Path,
    *,
    tenant: str = "default",
    report: Callable[[str], None] = _LOG.warning,
) -> Iterator[Event]:
    """Yield the events of a recorded folder in order of arrival.

    Line by line, so a large recording needs little memory. A line that is no recorded event is
    reported as `file:line: why` and skipped; a payload that is broken is an event like others.

    Raises:
        SetupError: the folder has no `events.jsonl`.
    """
    for number, line in enumerate(read_recording(path, tenant=tenant), start=1):
        if isinstance(line, Event):
            yield line
        elif line:
            report(f"{_file_of(path)}:{number}: {line}; line skipped")


def read_recording(path: Path, *, tenant: str = "default") -> Iterator[Event | str]:
    """Yield what each line of a recording is: an event, or why it is none (empty: a blank line).

    Raises:
        SetupError: the folder has no `events.jsonl`.
    """
    file = _file_of(path)
    try:
        lines = file.open("rb")
    except OSError as error:
        raise SetupError(f"{file}: {error.strerror}; give a folder with {EVENTS_FILE}") from error
    with lines:
        for line in lines:
            event, problem = _recorded(line, tenant) if line.strip() else (None, "")
            yield problem if event is None else event


def _file_of(path: Path) -> Path:
    return path / EVENTS_FILE if path.is_dir() else path


def _recorded(line: bytes, tenant: str) -> tuple[Event | None, str]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return None, f"not JSON ({error})"
    if not isinstance(row, dict):
        return None, f"a JSON object is wanted, not {type(row).__name__}"
    to_event = CHANNELS.get(str(row.get("channel")))
    if to_event is None:
        return None, f"channel {row.get('channel')!r} is not one of {', '.join(CHANNELS)}"
    if not isinstance(row.get("value"), str):
        return None, "value is missing or not a text"
    arrival = Arrival(
        data=_payload(row["value"], row.get("value_encoding")),
        received_at=parsed_time(row.get("timestamp")) or _UNDATED,
        key=str(row.get("key") or ""),
        headers=_texts(row.get("headers")),
        tenant=tenant,
    )
    return able_to_travel(to_event(arrival)), ""


def _payload(value: str, encoding: object) -> bytes:
    """The recorded bytes; a value that is not the base64 it claims to be is kept as it stands."""
    raw = value.encode("utf-8", "surrogatepass")
    if encoding != "base64":
        return raw
    try:
        return base64.b64decode(raw, validate=True)
    except binascii.Error:
        return raw


def _texts(headers: object) -> Mapping[str, str]:
    if not isinstance(headers, dict):
        return {}
    return {str(k): str(v) for k, v in headers.items() if v is not None}


def play(
    events: Iterable[Event],
    publisher: Outlet,
    *,
    rate_per_s: float | None = None,
    progress: Callable[[int], None] | None = None,
    stop: StopEvent | None = None,
    max_in_flight: int = MAX_IN_FLIGHT,
) -> Played:
    """Publish events in order and return what became of them.

    Args:
        events: read lazily, in order of arrival.
        publisher: where they go.
        rate_per_s: events a second, evenly spaced from the first; None is as fast as it goes.
        progress: called with the number sent so far, after each event.
        stop: when set, no further event is sent; what is under way is still awaited.
        max_in_flight: how many may be without an acknowledgement.

    An event that is refused for what it is counts as failed and the next one is sent; when the
    brokers no longer answer, nothing further is sent. Playing everything again is safe: events
    keep their ids, so what arrives twice is recognised.
    """
    tally = _Tally()
    stop = stop or StopEvent()
    pending: deque[Receipt] = deque()
    started = time.monotonic()
    for event in events:
        if rate_per_s:
            stop.wait(max(0.0, started + tally.sent / rate_per_s - time.monotonic()))
        if stop.is_set() or tally.is_lost:
            break
        tally.sent += 1
        try:
            pending.append(publisher.publish(event))
        except PublishError as error:
            tally.fail(error)
        while len(pending) >= max_in_flight:
            tally.settle(pending.popleft())
        if progress:
            progress(tally.sent)
    for receipt in pending:
        tally.settle(receipt)
    return tally.played(time.monotonic() - started)


class _Tally:
    """Counts that grow while events are played."""

    def __init__(self) -> None:
        self.sent = 0
        self.acknowledged = 0
        self.errors: list[str] = []
        self.is_lost = False

    def settle(self, receipt: Receipt) -> None:
        try:
            receipt.wait()
            self.acknowledged += 1
        except PublishError as error:
            self.fail(error)

    def fail(self, error: PublishError) -> None:
        self.is_lost = self.is_lost or error.retriable
        if len(self.errors) < MAX_ERRORS_KEPT:
            self.errors.append(str(error))

    def played(self, elapsed_s: float) -> Played:
        return Played(
            sent=self.sent,
            acknowledged=self.acknowledged,
            failed=self.sent - self.acknowledged,
            elapsed_s=elapsed_s,
            errors=tuple(self.errors),
        )


def write_folder(events: Iterable[Event], path: Path) -> int:
    """Write events into a folder that `read_folder` reads back; return how many.

    The envelope's fields that the payload does not carry are written as headers.
    """
    path.mkdir(parents=True, exist_ok=True)
    count = 0
    with (path / EVENTS_FILE).open("w", encoding="utf-8") as file:
        for event in events:
            file.write(json.dumps(_row(event), ensure_ascii=False) + "\n")
            count += 1
    return count


def _row(event: Event) -> dict[str, Any]:
    try:
        value, encoding = event.data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        value, encoding = base64.b64encode(event.data).decode(), "base64"
    return {
        "channel": event.channel,
        "key": event.key,
        "headers": {
            "content-type": event.content_type,
            "producer": event.source,
            "schema": event.dataschema,
            **event.attributes,
        },
        "value": value,
        "value_encoding": encoding,
        "timestamp": event.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
