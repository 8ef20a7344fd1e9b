"""The problems of one event, decided before it is published as the stream would decide later.

Reads and writes no topic. Deliberate differences to `transforms.parse`: a mail's payload is not
looked into, what cleaning leaves of a text is not foreseen (EMPTY), and headers that cannot travel
or an envelope without id, source and type never reach the stream.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deskwheel import reasons
from deskwheel.errors import ConfigError
from deskwheel.records import Event
from deskwheel.settings import TransformsSettings
from deskwheel.strict_json import MAX_DEPTH
from deskwheel.times import parse_time
from ingest.contract.model import Problem
from ingest.contract.payload import Times, check_payload
from ingest.contract.schemas import versions_of
from ingest.envelope import RefusedError, headers_of

_DEFAULTS = TransformsSettings()


@dataclass(frozen=True)
class Limits:
    """What an event may not exceed; the stream's own limits."""

    max_event_bytes: int = _DEFAULTS.max_event_bytes
    future_slack: timedelta = timedelta(seconds=_DEFAULTS.future_slack_s)
    earliest: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    max_depth: int = MAX_DEPTH

    @staticmethod
    def of(settings: TransformsSettings) -> "Limits":
        """The limits that the stream is going to apply.

        Raises:
            ConfigError: `transforms.earliest_event_time` is not ISO 8601.
        """
        earliest = parse_time(settings.earliest_event_time)
        if earliest is None:
            raise ConfigError(
                "transforms.earliest_event_time must be an ISO 8601 time such as"
                f" 2000-01-01T00:00:00Z, got {settings.earliest_event_time!r}"
            )
        slack = timedelta(seconds=settings.future_slack_s)
        return Limits(settings.max_event_bytes, slack, earliest)


def check(event: Event, limits: Limits | None = None, *, now: datetime) -> list[Problem]:
    """What is wrong with an event, the first problem deciding; an empty list where all is well.

    Never raises, whatever the event holds; time and memory are linear in its size.

    Args:
        event: as it would be published.
        limits: the defaults of the settings where left out.
        now: what the broker's clock will say; times are held against it.
    """
    limits = limits or Limits()
    return list(_envelope(event)) or list(_event(event, limits, now))


def _envelope(event: Event) -> Iterator[Problem]:
    for name in ("id", "source", "type"):
        if not getattr(event, name):
            yield Problem(reasons.FIELD_MISSING, f"ce_{name}", "CloudEvents requires it")
    try:
        headers_of(event)
    except RefusedError as error:
        # The header's value, which may be a customer's, comes behind the colon.
        said = str(error).removeprefix(f"event {event.id!r}: ").partition(": ")[0]
        yield Problem(reasons.HEADER_INVALID, "", said[:200])


def _event(event: Event, limits: Limits, now: datetime) -> Iterator[Problem]:
    size = len(event.data)
    if size > limits.max_event_bytes:
        said = f"{size} bytes, the limit is {limits.max_event_bytes}"
        yield Problem(reasons.TOO_LARGE, "", said)
        return
    if not size:
        yield Problem(reasons.EMPTY, "", "no payload")
        return
    known = versions_of(event.channel)
    if event.dataschema and event.dataschema not in known:
        said = f"{event.dataschema[:60]!r}; known: {', '.join(known)}"
        yield Problem(reasons.SCHEMA_UNKNOWN, "ce_dataschema", said)
        return
    late = list(_times((("ce_time", event.time),), limits, now))
    yield from late or _payload(event, event.dataschema or known[-1], limits, now)


def _payload(event: Event, schema: str, limits: Limits, now: datetime) -> Iterator[Problem]:
    found = check_payload(
        schema,
        event.data,
        content_type=event.content_type,
        headers={name.lower(): value for name, value in event.attributes.items()},
        max_depth=limits.max_depth,
    )
    yield from found.problems or _times(found.times, limits, now)


def _times(times: Times, limits: Limits, now: datetime) -> Iterator[Problem]:
    for field, moment in times:
        if moment > now + limits.future_slack:
            yield Problem(reasons.TIME_FUTURE, field, f"dated {moment.isoformat()}")
        elif moment < limits.earliest:
            yield Problem(reasons.TIME_PAST, field, f"dated {moment.isoformat()}")
