from dataclasses import replace
from datetime import timedelta

import pytest

from deskwheel.settings import TriggerSettings
from tests.train.trigger.moments import DAY, HOUR, NOW, inputs
from train.trigger.forecast import forecast, told

POLICY = TriggerSettings(min_fresh_examples=100, max_category_share=0.5)
MINUTE = timedelta(minutes=1)


def test_a_forecast_carries_on_the_lately_seen_rate() -> None:
    facts = inputs({"A": 40, "B": 40}, per_day={"A": 24.0, "B": 24.0})
    found = forecast(facts, POLICY)
    assert found is not None
    assert found - (NOW + 10 * HOUR) < 2 * MINUTE


def test_a_category_at_its_cap_helps_no_more() -> None:
    facts = inputs({"A": 50, "B": 40}, per_day={"A": 1000.0, "B": 24.0})
    found = forecast(facts, POLICY)
    assert found is not None
    assert abs(found - (NOW + 10 * HOUR)) < 2 * MINUTE


@pytest.mark.parametrize("rates", [{}, {"A": 5.0}, {"A": 0.0}])
def test_there_is_no_forecast_where_it_would_never_fire(rates: dict[str, float]) -> None:
    assert forecast(inputs({"A": 50, "B": 1}, per_day=rates), POLICY) is None


def test_holds_push_a_forecast_on() -> None:
    settings = replace(POLICY, cool_down_s=7200, quiet_hours="12:30-18:00")
    facts = inputs({"A": 50, "B": 50}, last_window_at=NOW - HOUR)
    assert forecast(facts, settings) == NOW + 6 * HOUR


def test_age_is_forecast_by_the_clock() -> None:
    settings = replace(POLICY, policies=("age",), max_age_d=7, min_aged_examples=10)
    facts = inputs({"A": 20}, oldest_at=NOW - 6 * DAY, per_day={"A": 1.0})
    found = forecast(facts, settings)
    assert found is not None
    assert abs(found - (NOW + DAY)) < 2 * MINUTE


def test_a_moment_far_away_is_told_by_its_date() -> None:
    zone = NOW.tzinfo
    assert zone is not None
    assert told(NOW + 20 * DAY, now=NOW, zone=zone) == "2026-03-22 12:00 UTC"
