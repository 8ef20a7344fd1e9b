"""Raw material of each channel into events. A new source is one file and one line here.

Each module has `to_event(arrival)`, which never fails on what it is given, and `read(path, …)`,
which yields the events of a file or folder.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from deskwheel.records import Event
from ingest.envelope import Arrival
from ingest.sources import call, chat, email


class Reader(Protocol):
    """Yields the events of a file or folder; `now` dates what carries no time itself."""

    def __call__(self, path: Path, *, tenant: str, now: datetime) -> Iterator[Event]:
        """Yield events in the order of the file, folders in the order of their names."""
        ...


@dataclass(frozen=True)
class Source:
    """How one kind of raw material becomes events."""

    read: Reader
    to_event: Callable[[Arrival], Event]


SOURCES: dict[str, Source] = {
    "email": Source(email.read, email.to_event),
    "chat": Source(chat.read, chat.to_event),
    "call": Source(call.read, call.to_event),
}
"""Every source by the name that `python -m ingest publish --source NAME` takes."""
