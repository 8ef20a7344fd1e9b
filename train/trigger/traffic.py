"""Examples by step and category: made up, or as a table holds them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from deskwheel.times import from_us, to_us
from train.trigger.fresh import Fresh
from train.trigger.replay import Traffic

_DAY = timedelta(days=1)
_YEAR = timedelta(days=365)
_SATURDAY = 5
_BUSIEST_H, _SWING = 14.0, 0.8
"""By day the rate is a cosine about its mean, from 0.2 of it at 02:00 to 1.8 at 14:00: our own
assumption of an office's day, not measured."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Traffic to make up."""

    begin: datetime
    days: float
    per_day: float
    """Mean examples on a workday, at the rate of the first day."""
    mix: Mapping[str, float]
    """Category → share; they are scaled to add up to 1."""
    weekend: float = 1.0
    """Share of that on Saturdays and Sundays."""
    growth: float = 0.0
    """Share by which the rate grows in a year; 0.5 ends at 1.5 times the first rate."""
    corrected: float = 0.0
    """Share of the examples that people changed."""


def simulate(scenario: Scenario, *, step: timedelta, seed: int) -> Traffic:
    """Poisson arrivals with workdays, nights and growth, the same for the same seed."""
    chance = np.random.default_rng(seed)
    shares = np.asarray(list(scenario.mix.values())) / sum(scenario.mix.values())
    steps = round(timedelta(days=scenario.days) / step)
    rates = np.asarray([_rate(scenario, step * (i + 0.5)) for i in range(steps)]) * (step / _DAY)
    counted = chance.poisson(rates[:, None] * shares[None, :])
    corrections = chance.binomial(counted, scenario.corrected)
    return Traffic(
        begin=scenario.begin,
        step=step,
        names=list(scenario.mix),
        counted=counted,
        plain=counted - corrections,
        corrections=corrections,
    )


def _rate(scenario: Scenario, since: timedelta) -> float:
    """Examples a day at a moment."""
    moment = scenario.begin + since
    hour = moment.hour + moment.minute / 60
    day = 1 + _SWING * math.cos(2 * math.pi * (hour - _BUSIEST_H) / 24)
    share = scenario.weekend if moment.weekday() >= _SATURDAY else 1.0
    return float(scenario.per_day * day * share * (1 + scenario.growth) ** (since / _YEAR))


def traffic_of(fresh: Fresh, *, step: timedelta) -> Traffic | None:
    """What a table holds, by the time at which it was judged; None where it holds nothing."""
    names = sorted(fresh.arrived_us.keys() | fresh.corrected_us.keys())
    maps = (fresh.arrived_us, fresh.plain_us, fresh.corrected_us)
    times = [t for found in maps for t in found.values() if len(t)]
    if not times:
        return None
    begin = from_us(int(min(t[0] for t in times)))
    step_us = step // timedelta(microseconds=1)
    steps = (int(max(t[-1] for t in times)) - to_us(begin)) // step_us + 1

    def by_step(found: Mapping[str, np.ndarray]) -> np.ndarray:
        columns = [
            np.bincount((found[n] - to_us(begin)) // step_us, minlength=steps)
            if n in found
            else np.zeros(steps, dtype=np.int64)
            for n in names
        ]
        return np.stack(columns, axis=1)

    counted, plain, corrections = map(by_step, maps)
    return Traffic(
        begin=begin, step=step, names=names, counted=counted, plain=plain, corrections=corrections,
        # Ascending, like the examples that were counted.
        lengths=np.asarray(fresh.lengths, dtype=np.int64),
    )  # fmt: skip
