"""One thing that is wrong with an event."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """A reason code, the field it is about, and what is wrong there.

    Neither field nor detail holds text of a customer, so both may be logged and sent back.
    """

    reason: str
    """Code of `deskwheel.reasons`."""
    field: str
    """As `text`, `segments[3].speaker` or `ce_time`; empty where the whole event is meant."""
    detail: str
