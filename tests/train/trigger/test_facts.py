from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.times import to_us
from tests.train.trigger.moments import DAY, HOUR, NOW, claim, fill
from train.trigger.facts import next_start, rates, read_inputs


def times(*ages_h: float) -> np.ndarray:
    return np.asarray([to_us(NOW - h * HOUR) for h in sorted(ages_h, reverse=True)])


def test_a_rate_is_of_the_last_day() -> None:
    found = rates({"A": times(30, 20, 10, 5, 1), "B": times(2)}, since=None, now=NOW)
    assert found == {"A": 4.0, "B": 1.0}


def test_a_rate_is_of_the_time_since_the_window_where_that_is_less() -> None:
    found = rates({"A": times(5, 4, 3, 2, 1)}, since=NOW - 6 * HOUR, now=NOW)
    assert found == {"A": pytest.approx(20.0)}


def test_too_few_arrivals_are_no_rate() -> None:
    assert rates({"A": times(4, 3, 2, 1)}, since=None, now=NOW) == {}
    assert rates({"A": times(50, 49, 48, 47, 46, 1)}, since=None, now=NOW) == {}
    assert rates({}, since=None, now=NOW) == {}


def test_windows_start_after_the_last_one(state: State) -> None:
    assert next_start(state.windows("support")) == 0
    claim(state, 4)
    assert next_start(state.windows("support")) == 5


def test_a_run_costs_its_hours_times_its_workers(settings: Settings, state: State) -> None:
    fill(settings)
    claim(state, 0)
    now = datetime.now(UTC)
    run = {"started_at": now - 3 * HOUR, "finished_at": now - HOUR, "settings": {"workers": "4"}}
    state.put("run", "run-1", run)
    (spent,) = read_inputs(settings, state, now=now).spent
    assert spent.hours == pytest.approx(8.0)
    assert read_inputs(settings, state, now=now + 31 * DAY).spent == []
    state.put("run", "run-1", {**run, "earlier_s": 1800.0})
    (spent,) = read_inputs(settings, state, now=now).spent
    assert spent.hours == pytest.approx(10.0)


def test_the_oldest_example_is_the_first_that_was_judged(settings: Settings, state: State) -> None:
    fill(settings)
    found = read_inputs(settings, state, now=NOW + timedelta(days=2))
    assert found.oldest_at == NOW
    assert found.why_taken == ""
