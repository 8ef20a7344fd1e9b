"""What holds a fine-tune back that is due: one class each, with opinion and end.

A hold never starts anything. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from deskwheel.errors import ConfigError
from deskwheel.settings import TriggerSettings
from train.trigger.inputs import Inputs, Spent
from train.trigger.policies import Opinion

BUDGET_SPAN = timedelta(days=30)
_MINUTE = timedelta(minutes=1)


class Hold(Protocol):
    """Anything that can hold back."""

    outcome: str

    def evaluate(self, inputs: Inputs) -> Opinion:
        """The opinion on one moment."""
        ...  # pragma: no cover

    def ends_at(self, inputs: Inputs) -> datetime:
        """The first moment from `inputs.now` on at which this holds nothing back."""
        ...  # pragma: no cover


@dataclass(frozen=True)
class CoolDown:
    """A time between two windows."""

    settings: TriggerSettings
    outcome = "cooling_down"

    def evaluate(self, inputs: Inputs) -> Opinion:
        """For, once the last window is old enough."""
        left_s = max(0.0, (self.ends_at(inputs) - inputs.now).total_seconds())
        state = "is not over" if left_s else "is over"
        why = f"the cool-down of {self.settings.cool_down_s:g} s {state}"
        numbers = {"cool_down_s": self.settings.cool_down_s, "left_s": round(left_s, 1)}
        return Opinion(policy="cool_down", is_for=not left_s, why=why, numbers=numbers)

    def ends_at(self, inputs: Inputs) -> datetime:
        """The end of the cool-down."""
        if inputs.last_window_at is None:
            return inputs.now
        end = inputs.last_window_at + timedelta(seconds=self.settings.cool_down_s)
        return max(end, inputs.now)


@dataclass(frozen=True)
class Budget:
    """Runs and hours of training that 30 days may hold."""

    settings: TriggerSettings
    outcome = "over_budget"

    def evaluate(self, inputs: Inputs) -> Opinion:
        """For, while one more run fits; it is expected to take what the others took."""
        runs, hours = _spent(inputs.spent, inputs.now)
        most_runs, most_hours = self.settings.max_runs_30d, self.settings.max_hours_30d
        why, is_for = "no budget is used up", True
        if most_runs and runs >= most_runs:
            why, is_for = f"{runs:,} of {most_runs:,} runs of 30 days are used up", False
        elif most_hours and _is_above(hours, runs, most_hours):
            why, is_for = f"{hours:.1f} of {most_hours:g} hours of 30 days are used up", False
        numbers = {
            "runs": runs, "max_runs": most_runs, "hours": round(hours, 3), "max_hours": most_hours,
        }  # fmt: skip
        return Opinion(policy="budget", is_for=is_for, why=why, numbers=numbers)

    def ends_at(self, inputs: Inputs) -> datetime:
        """When enough of the oldest windows are 30 days past."""
        moments = [inputs.now, *(w.at + BUDGET_SPAN for w in inputs.spent)]
        for moment in sorted(m for m in moments if m >= inputs.now):
            if self._fits(inputs, moment):
                return moment
        return max(moments)

    def _fits(self, inputs: Inputs, now: datetime) -> bool:
        runs, hours = _spent(inputs.spent, now)
        most = self.settings.max_hours_30d
        is_run_free = not self.settings.max_runs_30d or runs < self.settings.max_runs_30d
        return is_run_free and not (most and _is_above(hours, runs, most))


def _spent(windows: Sequence[Spent], now: datetime) -> tuple[int, float]:
    """Windows and hours of the last 30 days; a window without a finished run took the mean."""
    known = [w.hours for w in windows if w.hours is not None]
    mean = sum(known) / len(known) if known else 0.0
    lately = [w for w in windows if w.at + BUDGET_SPAN > now]
    return len(lately), sum(mean if w.hours is None else w.hours for w in lately)


def _is_above(hours: float, runs: int, most: float) -> bool:
    """Whether one more run of the mean length is too much; the first is never."""
    return runs > 0 and hours + hours / runs > most


@dataclass(frozen=True)
class QuietHours:
    """A part of the day in which nothing starts, by a wall clock."""

    settings: TriggerSettings
    outcome = "quiet_hours"

    def evaluate(self, inputs: Inputs) -> Opinion:
        """For, outside of the quiet hours."""
        is_quiet = self._is_quiet(inputs.now)
        what = self.settings.quiet_hours or "none"
        why = f"quiet hours {what}" if is_quiet else f"outside of quiet hours ({what})"
        return Opinion(policy="quiet_hours", is_for=not is_quiet, why=why)

    def ends_at(self, inputs: Inputs) -> datetime:
        """The first full minute that is not quiet.

        Looked for minute by minute: where clocks are put forward or back, the end is missing or
        comes twice.
        """
        moment = inputs.now
        while self._is_quiet(moment):
            moment = moment.replace(second=0, microsecond=0) + _MINUTE
        return moment

    def _is_quiet(self, now: datetime) -> bool:
        if not self.settings.quiet_hours:
            return False
        begin, end = (time.fromisoformat(t) for t in self.settings.quiet_hours.split("-"))
        if begin == end:
            raise ConfigError(
                f"trigger.quiet_hours: {self.settings.quiet_hours!r} begins when it ends; leave"
                " out a part of the day, or pause the trigger"
            )
        clock = now.astimezone(zone_of(self.settings)).time()
        return begin <= clock < end if begin < end else clock >= begin or clock < end


def zone_of(settings: TriggerSettings) -> tzinfo:
    """The time zone of the settings.

    Raises:
        ConfigError: nobody knows it, or the machine has no time zone data.
    """
    if settings.time_zone == "UTC":
        return UTC
    try:
        return ZoneInfo(settings.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"trigger.time_zone: no zone {settings.time_zone!r} on this machine; write an IANA"
            " name such as Europe/Berlin, and install tzdata where there are none"
        ) from error


def holds_of(settings: TriggerSettings) -> list[Hold]:
    """Every hold; the first that holds names the outcome."""
    return [CoolDown(settings), Budget(settings), QuietHours(settings)]
