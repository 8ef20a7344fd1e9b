"""When a fine-tune will start if examples keep coming as lately. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo

from deskwheel.settings import TriggerSettings
from train.trigger.holds import holds_of
from train.trigger.inputs import Inputs
from train.trigger.policies import Policy, policies_of

_HORIZON = timedelta(days=90)
LEAST_ARRIVALS = 5
"""Of the last day, or since the last window; fewer say nothing of what will come."""
_FIRST_LOOK = timedelta(minutes=1)
_GROWTH = 1.25
"""Looks ahead are spaced by this factor: 53 of them reach the horizon."""
_WEEK = timedelta(days=6)


def forecast(inputs: Inputs, settings: TriggerSettings) -> datetime | None:
    """About when the trigger fires; None where no example came lately, or not within 90 days.

    Counts are carried on at the rates of `inputs.per_day`. The first look ahead at which the
    policies agree is narrowed down to a minute, then holds push it on.
    """
    entries = policies_of(settings)
    if is_due(entries, inputs):
        return _after_holds(inputs, settings, inputs.now)
    if not any(inputs.per_day.values()):
        return None
    early, late = timedelta(), _FIRST_LOOK
    while not is_due(entries, project(inputs, late)):
        early, late = late, late * _GROWTH
        if late > _HORIZON:
            return None
    while late - early > _FIRST_LOOK:
        middle = (early + late) / 2
        if is_due(entries, project(inputs, middle)):
            late = middle
        else:
            early = middle
    return _after_holds(inputs, settings, inputs.now + late)


def why_unknown(inputs: Inputs) -> str:
    """Why `forecast` said None."""
    if not any(inputs.per_day.values()):
        return f"fewer than {LEAST_ARRIVALS} came lately"
    return f"not within {_HORIZON // timedelta(days=1)} days at this rate"


def is_due(entries: Sequence[Sequence[Policy]], inputs: Inputs) -> bool:
    """Whether all parts of one entry agree."""
    return any(all(p.evaluate(inputs).is_for for p in entry) for entry in entries)


def project(inputs: Inputs, ahead: timedelta) -> Inputs:
    """The facts some time ahead, if examples keep coming as lately."""
    days = ahead / timedelta(days=1)
    more = {name: int(rate * days) for name, rate in inputs.per_day.items()}
    return replace(
        inputs,
        now=inputs.now + ahead,
        counted=_plus(inputs.counted, more),
        plain=_plus(inputs.plain, more),
        rows=inputs.rows + sum(more.values()),
        oldest_at=inputs.oldest_at or inputs.now,
    )


def _plus(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {name: counts.get(name, 0) + more.get(name, 0) for name in counts.keys() | more.keys()}


def _after_holds(inputs: Inputs, settings: TriggerSettings, moment: datetime) -> datetime:
    """The first moment from one on at which nothing holds back."""
    holds = holds_of(settings)
    while True:
        later = replace(inputs, now=moment)
        moment = max(hold.ends_at(later) for hold in holds)
        if moment == later.now:
            return moment


def told(moment: datetime, *, now: datetime, zone: tzinfo) -> str:
    """A moment as people say it: the time today, the day within a week, else the date.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> told(noon + timedelta(hours=2, minutes=20), now=noon, zone=UTC)
    '14:20 UTC'
    >>> told(noon + timedelta(days=3), now=noon, zone=UTC)
    'Thu 12:00 UTC'
    """
    there, here = moment.astimezone(zone), now.astimezone(zone)
    if there.date() == here.date():
        return f"{there:%H:%M %Z}"
    return f"{there:%a %H:%M %Z}" if there - here < _WEEK else f"{there:%Y-%m-%d %H:%M %Z}"
