"""Which rows an operator means, out of words on the command line.

Pure: reads and writes no table.
"""

from argparse import Namespace
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from operator import and_
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from deskwheel.errors import ConfigError
from deskwheel.topics import RAW
from validate.periods import parse_period


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What rows must be; None means any."""

    reason: str | None = None
    channel: str | None = None
    category: str | None = None
    verdict: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def expression(self) -> Any:
        """All of it but the reason as a filter of pyarrow; None where nothing is asked."""
        wanted = [
            pc.field(name) == value
            for name, value in (
                ("channel", self.channel),
                ("category", self.category),
                ("verdict", self.verdict),
            )
            if value is not None
        ]
        if (within := self.within("validated_at")) is not None:
            wanted.append(within)
        return reduce(and_, wanted) if wanted else None

    def within(self, column: str) -> Any:
        """The time that is meant as a filter of pyarrow on a column; None where none is asked."""
        wanted = []
        if self.since is not None:
            wanted.append(pc.field(column) >= _scalar(self.since))
        if self.until is not None:
            wanted.append(pc.field(column) < _scalar(self.until))
        return reduce(and_, wanted) if wanted else None

    def has_reason(self, reasons: list[str]) -> bool:
        """Whether a row with these reasons is meant."""
        return self.reason is None or self.reason in reasons

    @property
    def is_empty(self) -> bool:
        """Nothing is asked: every row is meant."""
        return self == Filter()


def read_filter(arguments: Namespace, *, now: datetime) -> Filter:
    """The filter that a command line states.

    Raises:
        ConfigError: a topic, a day, a time or a limit is none, or two words contradict each other.
    """
    if arguments.limit < 1:
        raise ConfigError(f"--limit {arguments.limit}: give 1 line or more")
    since, until = (read_time(t, now=now) for t in (arguments.since, arguments.until))
    if arguments.day is not None:
        if arguments.since is not None or arguments.until is not None:
            raise ConfigError("--day names the whole time; leave --since and --until out")
        since = read_time(arguments.day, now=now)
        if since is None or since.timetz() != datetime.min.replace(tzinfo=UTC).timetz():
            raise ConfigError(f"--day {arguments.day}: is no day; write 2026-03-01")
        until = since + timedelta(days=1)
    return Filter(
        reason=arguments.reason,
        channel=_channel(arguments.source, arguments.channel),
        category=arguments.category,
        verdict=arguments.verdict,
        since=since,
        until=until,
    )


def read_time(text: str | None, *, now: datetime) -> datetime | None:
    """A moment: a date or a time in ISO 8601 (UTC unless it says so), or so long ago (`7d`).

    Raises:
        ConfigError: it is none.

    >>> read_time("2026-03-01", now=datetime(2026, 3, 2, tzinfo=UTC))
    datetime.datetime(2026, 3, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    if text is None:
        return None
    if text[-1:] in ("m", "h", "d"):
        return now - parse_period(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"{text!r} is no time; write 2026-03-01, 2026-03-01T12:00 or 7d (so long ago)"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def day_before(day: str) -> str:
    """The day before an ISO date."""
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def _channel(topic: str | None, channel: str | None) -> str | None:
    """The channel that is meant by a topic, a channel, or both if they are of one."""
    if not topic:
        return channel
    channels = {t.name: t.name.removeprefix("raw.") for t in RAW}
    if topic not in channels:
        raise ConfigError(f"--source {topic}: no such topic; there are {', '.join(channels)}")
    if channel not in (None, channels[topic]):
        raise ConfigError(f"--source {topic} holds no row of --channel {channel}; give one of them")
    return channels[topic]


def _scalar(moment: datetime) -> pa.Scalar:
    return pa.scalar(moment, pa.timestamp("us", tz="UTC"))
