"""Payloads into events as the sources would make them, each marked as synthetic."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from deskwheel.records import Channel, Event
from ingest.envelope import Arrival
from ingest.sources import CHANNELS

SYNTHETIC = {"synthetic": "true"}
"""Header of every simulated event: whoever finds one in a topic knows what it is."""


@dataclass(frozen=True)
class Step:
    """The next event of a story: how long after the last one, and how to make it.

    `render` takes the event's time; it must be called before the next step is asked for.
    """

    gap_s: float
    render: Callable[[datetime], Event]


def to_event(
    channel: Channel,
    data: bytes,
    moment: datetime,
    tenant: str,
    *,
    headers: Mapping[str, str],
    key: str = "",
) -> Event:
    """Return the event of a payload, made by the channel's own source."""
    marked = {**headers, **SYNTHETIC}
    arrival = Arrival(data=data, received_at=moment, key=key, headers=marked, tenant=tenant)
    return CHANNELS[channel](arrival)
