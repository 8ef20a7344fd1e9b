from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel.settings import Settings, TriggerSettings
from deskwheel.state import State
from tests.train.trigger.moments import DAY, NOW, claim, fill, inputs
from train.trigger.decide import OUTCOMES, decide, judge, outcome_of
from train.trigger.inputs import Order, Spent

POLICY = TriggerSettings(min_fresh_examples=100, max_category_share=0.5, cool_down_s=60)
ORDER = Order(id="order-1", by="ann@desk", reason="new product", at=NOW)


def test_too_few_fresh_examples_do_not_fire() -> None:
    decision = judge(inputs({"A": 50, "B": 49}), POLICY)
    assert (decision.outcome, decision.effective, decision.fired) == ("too_few", 99, False)
    assert decision.reason == "99 of 100 fresh; no forecast: fewer than 5 came lately"


def test_a_sentence_says_that_a_trickle_is_not_enough_within_ninety_days() -> None:
    decision = judge(inputs({"A": 10, "B": 10}, per_day={"A": 0.2, "B": 0.2}), POLICY)
    assert decision.reason == "20 of 100 fresh; no forecast: not within 90 days at this rate"
    assert decision.next_at is None


def test_enough_fresh_examples_fire() -> None:
    decision = judge(inputs({"A": 50, "B": 50}), POLICY)
    assert decision.fired
    assert decision.reason == "100 effective of 100 fresh examples reach the minimum of 100"


def test_one_category_alone_never_fires() -> None:
    decision = judge(inputs({"A": 10_000}), POLICY)
    assert (decision.outcome, decision.effective) == ("too_few", 50)


def test_nothing_fresh_does_not_fire() -> None:
    assert judge(inputs(), POLICY).effective == 0
    assert judge(inputs(version=None), replace(POLICY, policies=("age",))).outcome == "too_few"


def test_a_sentence_says_what_is_missing_and_when_it_may_be_there() -> None:
    settings = TriggerSettings(policies=("amount+quota",), quotas=("billing=50",))
    counted = {"billing": 38, "order": 475, "setup": 200}
    rates = {"billing": 123.5, "order": 2000.0, "setup": 3000.0}
    decision = judge(inputs(counted, per_day=rates), settings)
    assert decision.reason == (
        "713 of 1,000 fresh; billing below its quota of 50; next at about 14:20 UTC"
    )


def test_the_cool_down_holds_a_window_back_and_the_sentence_says_so() -> None:
    early, late = (NOW - timedelta(seconds=s) for s in (59, 60))
    decision = judge(inputs({"A": 80, "B": 80}, last_window_at=early), POLICY)
    assert decision.outcome == "cooling_down"
    assert "; the cool-down of 60 s is not over; next at about 12:00 UTC" in decision.reason
    assert judge(inputs({"A": 80, "B": 80}, last_window_at=late), POLICY).fired


def test_any_entry_suffices_and_all_of_its_parts_must_agree() -> None:
    settings = replace(
        POLICY, policies=("amount+quota", "age"), quotas=("B=30",), min_aged_examples=1
    )
    enough = inputs({"A": 50, "C": 50}, oldest_at=NOW)
    assert not judge(enough, settings).fired
    assert judge(replace(enough, counted={"A": 50, "B": 50}), settings).fired
    assert judge(replace(enough, oldest_at=NOW - 8 * DAY), settings).fired


def test_budget_and_quiet_hours_hold_back_what_is_due() -> None:
    due = inputs({"A": 50, "B": 50}, spent=[Spent(at=NOW - DAY, hours=1.0)])
    assert judge(due, replace(POLICY, max_runs_30d=1)).outcome == "over_budget"
    assert judge(due, replace(POLICY, quiet_hours="11:00-13:00")).outcome == "quiet_hours"


def test_an_order_beats_policies_and_holds_but_not_a_pause() -> None:
    settings = replace(POLICY, quiet_hours="11:00-13:00", max_runs_30d=1)
    facts = inputs({"A": 1}, request=ORDER, spent=[Spent(at=NOW, hours=1.0)], last_window_at=NOW)
    decision = judge(facts, settings)
    assert (decision.outcome, decision.request_id) == ("fired", "order-1")
    assert decision.detail()["request"] == "order-1"
    assert decision.reason.startswith("asked for by ann@desk: new product")
    paused = judge(replace(facts, pause=ORDER), settings)
    assert (paused.outcome, paused.request_id) == ("paused", None)
    assert paused.reason.startswith("paused by ann@desk: new product; 1 of 100 fresh")


def test_an_order_waits_for_an_example_and_for_a_version_that_no_window_has() -> None:
    assert judge(inputs(request=ORDER), POLICY).outcome == "too_few"
    taken = inputs({"A": 1}, request=ORDER, why_taken="no version since window 0")
    decision = judge(taken, POLICY)
    assert decision.outcome == "waiting"
    assert decision.reason == "no version since window 0; asked for by ann@desk: new product"
    assert decision.request_id is None
    due = judge(replace(taken, counted={"A": 50, "B": 50}, rows=100, request=None), POLICY)
    assert due.reason == (
        "no version since window 0; 100 effective of 100 fresh examples reach the minimum of 100"
    )


COUNTS = st.dictionaries(st.sampled_from("ABC"), st.integers(0, 120))


@given(found=COUNTS, more=COUNTS, is_paused=st.booleans(), minutes=st.integers(0, 3))
def test_more_examples_never_turn_a_fire_into_none(
    found: dict[str, int], more: dict[str, int], is_paused: bool, minutes: int
) -> None:
    facts = inputs(
        found,
        pause=ORDER if is_paused else None,
        last_window_at=NOW - timedelta(minutes=minutes),
    )
    larger = {n: found.get(n, 0) + more.get(n, 0) for n in found.keys() | more.keys()}
    outcome = outcome_of(facts, POLICY)
    assert outcome in OUTCOMES
    assert outcome != "fired" or outcome_of(replace(facts, counted=larger), POLICY) == "fired"
    assert judge(facts, POLICY).outcome == outcome


def test_a_decision_is_read_out_of_table_and_windows(settings: Settings, state: State) -> None:
    nothing = decide(settings, state, now=NOW)
    assert (nothing.outcome, nothing.version) == ("too_few", None)
    version = fill(settings)
    decision = decide(settings, state, now=NOW)
    assert (decision.outcome, decision.effective, decision.version) == ("fired", 4, version)
    claim(state, version, phase="failed")
    later = decide(settings, state, now=NOW + 400 * DAY)
    assert later.outcome == "waiting"
    assert later.reason == (
        "window 0 failed; its examples are claimed again with the next version, or `python -m train"
        " retry 0` goes on with it; 4 effective of 4 fresh examples reach the minimum of 4"
    )


@pytest.mark.parametrize("phase", ["claimed", "trained"])
def test_a_table_without_a_newer_version_has_nothing_fresh(
    settings: Settings, state: State, phase: str
) -> None:
    claim(state, fill(settings), phase=phase)
    assert decide(settings, state, now=NOW + 400 * DAY).effective == 0
