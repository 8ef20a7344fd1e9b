"""What every source gives and takes: items in order, each with the place it was read from.

A source is a pull: `read(options, context)` yields items until there is nothing more (or, with
`context.is_following`, until `context.stop` is set). Whoever runs it publishes the events, waits
for their acknowledgement and only then keeps the item's position, so that a restart goes on
behind what the brokers have: at least once, and once after deduplication by event id.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as StopEvent
from typing import Any, Protocol

from deskwheel.records import Event, EventChannel
from deskwheel.settings import KafkaSettings


@dataclass(frozen=True, kw_only=True)
class FieldMap:
    """One field of a record: what it is called here and there, and what is wrong with it."""

    canonical: str | None
    """Name in our schema, as `sender` or `segments[].text`; None: the field is not carried."""
    source: str | None
    """Name or path in the source; None: the source has nothing for it."""
    value: Any = None
    problem: str | None = None
    """Why the value could not be taken over; None where all is well."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One record of a source as an event.

    A record that cannot be mapped is an event as well, with its original bytes and the schema it
    should have had: the stream rejects it with a reason and keeps it as a dead letter.
    """

    event: Event
    origin: str
    """Where it was read, for people: `chat.jsonl:12`, `INBOX uid 17`."""
    position: str | None = None
    """Where to go on after it; None where the source remembers nothing."""
    fields: tuple[FieldMap, ...] = ()
    """How its fields map; filled only where `context.is_sampling`."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a source needs to know of the run that reads it."""

    tenant: str = "default"
    position: str | None = None
    """Position of the last acknowledged item; None: from the beginning."""
    is_following: bool = False
    """Wait for more at the end instead of stopping there."""
    is_sampling: bool = False
    """Somebody looks at the mapping: fill `Item.fields`; acknowledge or change nothing."""
    stop: StopEvent = field(default_factory=StopEvent)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    folder: Path = Path()
    """Folder of the source file, against which relative paths in its options are meant."""
    kafka: KafkaSettings = field(default_factory=KafkaSettings)
    """The pipeline's own brokers, for a source that reads from Kafka itself."""


class Read(Protocol):
    """Yields the items of a source in its order."""

    def __call__(self, options: Any, context: Context) -> Iterator[Item]:
        """Yield items.

        Raises:
            SetupError: what the options name does not exist or cannot be reached as it is set up.
            ServiceError: the other side does not answer now; reading again later may succeed.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Source:
    """One kind of source: what it is, how it is set up, how it is read."""

    channel: EventChannel
    about: str
    """A sentence for `python -m ingest source list`."""
    options: type[Any]
    """Frozen dataclass of its options, each field made by `deskwheel.settings.described` or
    `bounded`; a source file's section `[options]` is checked against it."""
    read: Read
    facts: Mapping[str, str] = field(default_factory=dict)
    """Further facts for people, as the documentation of a foreign format."""
