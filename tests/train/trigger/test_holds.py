from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel.errors import ConfigError
from deskwheel.settings import TriggerSettings
from tests.train.trigger.moments import DAY, HOUR, NOW, inputs
from train.trigger.holds import Budget, CoolDown, QuietHours, holds_of, zone_of
from train.trigger.inputs import Spent

PLAIN = TriggerSettings()
NIGHT = replace(PLAIN, quiet_hours="22:00-06:00", time_zone="Europe/Berlin")
BERLIN = ZoneInfo("Europe/Berlin")


def is_quiet(settings: TriggerSettings, now: datetime) -> bool:
    return not QuietHours(settings).evaluate(inputs(now=now)).is_for


def end_of_quiet(settings: TriggerSettings, now: datetime) -> datetime:
    return QuietHours(settings).ends_at(inputs(now=now))


def test_the_cool_down_holds_a_window_back_until_it_is_over() -> None:
    hold = CoolDown(replace(PLAIN, cool_down_s=60))
    early, late = (inputs(last_window_at=NOW - timedelta(seconds=s)) for s in (59, 60))
    assert not hold.evaluate(early).is_for
    assert hold.evaluate(late).is_for
    assert hold.ends_at(early) == NOW + timedelta(seconds=1)
    assert hold.ends_at(inputs()) == NOW


def test_quiet_hours_cross_midnight() -> None:
    def at(hour: int, minute: int = 0) -> datetime:
        return datetime(2026, 1, 10, hour, minute, tzinfo=BERLIN).astimezone(UTC)

    assert [is_quiet(NIGHT, at(h)) for h in (21, 22, 23, 0, 5, 6, 12)] == [
        False, True, True, True, True, False, False,
    ]  # fmt: skip
    assert end_of_quiet(NIGHT, at(23, 30)) == at(6) + DAY
    day = replace(NIGHT, quiet_hours="08:00-18:00")
    assert [is_quiet(day, at(h)) for h in (7, 8, 17, 18)] == [False, True, True, False]


def test_quiet_hours_end_by_the_wall_clock_when_clocks_are_put_forward() -> None:
    """Berlin, 2026-03-29: 02:00 becomes 03:00, so 02:30 is never."""
    settings = replace(NIGHT, quiet_hours="23:00-02:30")
    before = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
    assert is_quiet(settings, before)
    assert end_of_quiet(settings, before) == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_quiet_hours_come_twice_when_clocks_are_put_back() -> None:
    """Berlin, 2026-10-25: 03:00 becomes 02:00, so 02:00 to 02:30 is twice."""
    settings = replace(NIGHT, quiet_hours="23:00-02:30")
    times = [
        datetime(2026, 10, 25, h, m, tzinfo=UTC) for h, m in ((0, 29), (0, 30), (1, 0), (1, 30))
    ]
    assert [is_quiet(settings, at) for at in times] == [True, False, True, False]


@given(
    now=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    begin=st.integers(0, 1439),
    length=st.integers(1, 1439),
)
def test_the_end_of_quiet_hours_is_the_first_minute_that_is_not_quiet(
    now: datetime, begin: int, length: int
) -> None:
    def clock(minute: int) -> str:
        return f"{minute // 60 % 24:02}:{minute % 60:02}"

    settings = replace(NIGHT, quiet_hours=f"{clock(begin)}-{clock(begin + length)}")
    end = end_of_quiet(settings, now)
    assert not is_quiet(settings, end)
    assert end >= now
    assert end - now <= DAY + HOUR
    if end > now:
        assert is_quiet(settings, now)
        assert is_quiet(settings, end - timedelta(minutes=1)) or end - now < timedelta(minutes=1)


def test_quiet_hours_without_a_length_and_an_unknown_zone_are_refused() -> None:
    with pytest.raises(ConfigError, match="begins when it ends"):
        is_quiet(replace(NIGHT, quiet_hours="08:00-08:00"), NOW)
    with pytest.raises(ConfigError, match="no zone 'Europe/Atlantis'"):
        zone_of(replace(NIGHT, time_zone="Europe/Atlantis"))


def windows(*ages_d: float, hours: float | None = 2.0) -> list[Spent]:
    return [Spent(at=NOW - age * DAY, hours=hours) for age in ages_d]


def test_a_budget_of_runs_is_free_again_when_the_oldest_is_thirty_days_past() -> None:
    hold = Budget(replace(PLAIN, max_runs_30d=2))
    facts = inputs(spent=windows(29, 10))
    assert hold.evaluate(facts).why == "2 of 2 runs of 30 days are used up"
    assert hold.ends_at(facts) == NOW + DAY
    assert hold.evaluate(inputs(spent=windows(30, 10))).is_for


def test_a_budget_of_hours_has_room_for_one_more_run_of_the_usual_length() -> None:
    hold = Budget(replace(PLAIN, max_hours_30d=6))
    assert hold.evaluate(inputs(spent=windows(5, 1))).is_for
    full = hold.evaluate(inputs(spent=windows(20, 5, 1)))
    assert (full.is_for, full.why) == (False, "6.0 of 6 hours of 30 days are used up")
    unknown = [*windows(20, 5), *windows(1, hours=None)]
    assert not hold.evaluate(inputs(spent=unknown)).is_for, "a failed run took the mean"
    assert hold.ends_at(inputs(spent=unknown)) == NOW + 10 * DAY


def test_without_limits_nothing_holds_back() -> None:
    facts = inputs(spent=windows(*range(29)))
    assert all(hold.evaluate(facts).is_for for hold in holds_of(PLAIN))
