"""When a policy would have fired, out of examples by hour; what that costs, and how fresh it is.

Pure: each hour is judged by the very code that judges now.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from deskwheel.settings import TriggerSettings
from train.trigger.decide import outcome_of
from train.trigger.holds import BUDGET_SPAN
from train.trigger.inputs import Inputs, Spent

_DAY = timedelta(days=1)
_YEAR_D = 365


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Examples by step and category; each array is int64[steps, categories]."""

    begin: datetime
    step: timedelta
    names: Sequence[str]
    counted: np.ndarray
    plain: np.ndarray
    """Those of `counted` that are no corrections."""
    corrections: np.ndarray
    lengths: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """int64[examples]: characters of each counted answer, by time; empty where nobody knows."""

    @property
    def days(self) -> float:
        """How long it lasts."""
        return len(self.counted) * self.step / _DAY


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What came of one policy."""

    name: str
    fired_at: Sequence[datetime]
    days: float
    trained: int
    left: int
    """Examples that no run was trained on by the end."""
    mean_age_d: float
    p95_age_d: float
    """Age of an example when a fine-tune with it starts; 0 where none did."""
    hours: float
    """Hours of training."""
    held_d: Mapping[str, float]
    """Outcome → days for which it held a due fine-tune back."""

    @property
    def runs_a_year(self) -> float:
        """Runs, scaled to a year."""
        return len(self.fired_at) / self.days * _YEAR_D

    @property
    def hours_a_year(self) -> float:
        """Hours of training, scaled to a year."""
        return self.hours / self.days * _YEAR_D


def replay(
    traffic: Traffic, settings: TriggerSettings, *, name: str = "", run_h: float = 1.0
) -> Replayed:
    """Judge the end of each step; a run takes `run_h` hours of training and no time."""

    def outcome(inputs: Inputs) -> str:
        return outcome_of(inputs, settings)

    return _run(traffic, outcome, name=name, run_h=run_h)


def replay_windows(
    traffic: Traffic, windows: Sequence[Spent], *, name: str, run_h: float
) -> Replayed:
    """What came of the windows that were really claimed."""
    times = sorted(w.at for w in windows)

    def outcome(inputs: Inputs) -> str:
        has_fired = any(inputs.now - traffic.step < at <= inputs.now for at in times)
        return "fired" if has_fired and inputs.counted else "too_few"

    return _run(traffic, outcome, name=name, run_h=run_h)


def _run(
    traffic: Traffic, outcome: Callable[[Inputs], str], *, name: str, run_h: float
) -> Replayed:
    pending = _Pending(traffic)
    fired: list[Spent] = []
    ages: list[tuple[float, int]] = []
    held: Counter[str] = Counter()
    before: Counter[str] = Counter()
    for step in range(len(traffic.counted)):
        pending.take(step)
        now = traffic.begin + traffic.step * (step + 1)
        lately = [w for w in fired if w.at + BUDGET_SPAN > now]
        last_at = fired[-1].at if fired else None
        inputs = pending.inputs(now, last_window_at=last_at, spent=lately, before=dict(before))
        found = outcome(inputs)
        if found == "fired":
            fired.append(Spent(at=now, hours=run_h))
            before.update(inputs.counted)
            ages += pending.train(now)
        elif found != "too_few":
            held[found] += 1
    mean_d, p95_d = _age_statistics(ages)
    return Replayed(
        name=name,
        fired_at=[w.at for w in fired],
        days=traffic.days,
        trained=sum(count for _, count in ages),
        left=pending.total(),
        mean_age_d=mean_d,
        p95_age_d=p95_d,
        hours=run_h * len(fired),
        held_d={n: c * traffic.step / _DAY for n, c in held.items()},
    )


class _Pending:
    """Examples that no run was trained on yet."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._from = self._to = self._trained = 0
        self._ends = np.concatenate([[0], np.cumsum(traffic.counted.sum(axis=1))])
        """How many examples came before each step."""
        self._counted, self._plain, self._corrections = (
            np.zeros(len(traffic.names), dtype=np.int64) for _ in range(3)
        )

    def take(self, step: int) -> None:
        """Let a step's examples in."""
        self._counted += self._traffic.counted[step]
        self._plain += self._traffic.plain[step]
        self._corrections += self._traffic.corrections[step]
        self._to = step + 1
        while self._from < self._to and not self._traffic.counted[self._from].any():
            self._from += 1

    def total(self) -> int:
        """How many there are."""
        return int(self._counted.sum())

    def inputs(self, now: datetime, **more: Any) -> Inputs:
        """The facts of the moment."""
        is_empty = self._from == self._to
        return Inputs(
            now=now,
            counted=self._by_name(self._counted),
            rows=self.total(),
            plain=self._by_name(self._plain),
            corrections=self._by_name(self._corrections),
            oldest_at=None if is_empty else self._middle(self._from),
            version=self._to,
            lengths=self._lengths(self._trained, self._to),
            lengths_before=self._lengths(0, self._trained),
            **more,
        )

    def train(self, now: datetime) -> list[tuple[float, int]]:
        """(age in days, examples) of all of them, which are none afterwards."""
        rows = self._traffic.counted[self._from : self._to].sum(axis=1)
        ages = [
            ((now - self._middle(self._from + i)) / _DAY, int(n)) for i, n in enumerate(rows) if n
        ]
        for column in (self._counted, self._plain, self._corrections):
            column[:] = 0
        self._from = self._trained = self._to
        return ages

    def _lengths(self, first: int, end: int) -> np.ndarray:
        """Of the answers of some steps."""
        return self._traffic.lengths[self._ends[first] : self._ends[end]]

    def _middle(self, step: int) -> datetime:
        return self._traffic.begin + self._traffic.step * (step + 0.5)

    def _by_name(self, column: np.ndarray) -> dict[str, int]:
        pairs = zip(self._traffic.names, column.tolist(), strict=True)
        return {name: count for name, count in pairs if count}


def _age_statistics(ages: Sequence[tuple[float, int]]) -> tuple[float, float]:
    """Mean and 95th percentile, each age weighed by its examples."""
    if not ages:
        return 0.0, 0.0
    ordered = np.asarray(sorted(ages))
    total = np.cumsum(ordered[:, 1])
    p95 = ordered[int(np.searchsorted(total, 0.95 * total[-1])), 0]
    return float(np.average(ordered[:, 0], weights=ordered[:, 1])), float(p95)
