from datetime import UTC, datetime, timedelta

from deskwheel.settings import TriggerSettings
from train.trigger import evaluate_trigger

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
POLICY = TriggerSettings(min_fresh_examples=100, max_category_share=0.5, cool_down_s=60)


def test_too_few_fresh_examples_do_not_fire() -> None:
    decision = evaluate_trigger({"A": 50, "B": 49}, POLICY, last_window_at=None, now=NOW)
    assert (decision.outcome, decision.effective, decision.fired) == ("too_few", 99, False)
    assert "99 effective of 99 fresh examples, 100 are needed" in decision.reason


def test_enough_fresh_examples_fire() -> None:
    decision = evaluate_trigger({"A": 50, "B": 50}, POLICY, last_window_at=None, now=NOW)
    assert decision.fired


def test_one_category_alone_never_fires() -> None:
    decision = evaluate_trigger({"A": 10_000}, POLICY, last_window_at=None, now=NOW)
    assert (decision.outcome, decision.effective) == ("too_few", 50)


def test_the_cool_down_holds_a_window_back_until_it_is_over() -> None:
    fresh = {"A": 80, "B": 80}
    early = NOW - timedelta(seconds=59)
    late = NOW - timedelta(seconds=60)
    assert evaluate_trigger(fresh, POLICY, last_window_at=early, now=NOW).outcome == "cooling_down"
    assert evaluate_trigger(fresh, POLICY, last_window_at=late, now=NOW).fired


def test_nothing_fresh_does_not_fire() -> None:
    assert evaluate_trigger({}, POLICY, last_window_at=None, now=NOW).effective == 0
