from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from deskwheel.settings import TriggerSettings
from tests.train.trigger.moments import DAY, NOW
from train.trigger.inputs import Spent
from train.trigger.replay import Traffic, replay, replay_windows

POLICY = TriggerSettings(min_fresh_examples=100, max_category_share=1.0, cool_down_s=0)


def daily(counts: Sequence[int], corrections: Sequence[int] | None = None) -> Traffic:
    """So many examples of one category a day."""
    counted = np.asarray(counts, dtype=np.int64).reshape(-1, 1)
    changed = np.asarray(corrections or [0] * len(counts), dtype=np.int64).reshape(-1, 1)
    return Traffic(
        begin=NOW, step=DAY, names=["A"], counted=counted, plain=counted - changed,
        corrections=changed,
    )  # fmt: skip


def test_a_small_case_comes_out_as_by_hand() -> None:
    """Days of 40: runs end days 3 and 6; ages are 2.5, 1.5 and 0.5 days, a third each."""
    found = replay(daily([40] * 7), POLICY, run_h=2.0)
    assert list(found.fired_at) == [NOW + 3 * DAY, NOW + 6 * DAY]
    assert (found.trained, found.left, found.hours) == (240, 40, 4.0)
    assert found.mean_age_d == pytest.approx(1.5)
    assert found.p95_age_d == pytest.approx(2.5)
    assert found.runs_a_year == pytest.approx(2 / 7 * 365)


def test_a_year_comes_out_as_by_hand() -> None:
    found = replay(daily([50] * 365), POLICY)
    assert (len(found.fired_at), found.left) == (182, 50)
    assert found.mean_age_d == pytest.approx(1.0)


def test_a_cool_down_holds_back_and_the_days_are_counted() -> None:
    settings = TriggerSettings(
        min_fresh_examples=10, max_category_share=1.0, cool_down_s=3 * 86_400
    )
    found = replay(daily([10] * 7), settings)
    assert list(found.fired_at) == [NOW + DAY, NOW + 4 * DAY, NOW + 7 * DAY]
    assert found.held_d == {"cooling_down": 4.0}


def test_a_budget_bounds_the_cost_whatever_comes() -> None:
    settings = TriggerSettings(
        min_fresh_examples=10, max_category_share=1.0, max_hours_30d=10, cool_down_s=0
    )
    found = replay(daily([10] * 90), settings, run_h=2.0)
    assert len(found.fired_at) == 15
    assert found.held_d["over_budget"] == 75


def test_corrections_fire_earlier_by_their_weight() -> None:
    settings = TriggerSettings(
        policies=("corrections",), min_fresh_examples=100, max_category_share=1.0,
        correction_weight=5, cool_down_s=0,
    )  # fmt: skip
    plain, corrected = daily([20] * 5), daily([20] * 5, [20] * 5)
    assert len(replay(plain, settings).fired_at) == 1
    assert len(replay(corrected, settings).fired_at) == 5


def test_answers_that_become_longer_fire_as_they_would_have() -> None:
    settings = TriggerSettings(
        policies=("amount", "drift"), min_fresh_examples=100, max_category_share=1.0, cool_down_s=0
    )
    plain = daily([100, 40, 0, 40, 0])
    like_before = np.arange(0, 100, 2.5)
    some = (np.arange(100), like_before)
    same = replace(plain, lengths=np.concatenate([*some, like_before]))
    longer = replace(plain, lengths=np.concatenate([*some, np.full(40, 900)]))
    assert [len(replay(t, settings).fired_at) for t in (plain, same, longer)] == [1, 1, 2]
    assert list(replay(longer, settings).fired_at) == [NOW + DAY, NOW + 4 * DAY]


def test_age_fires_for_few_examples() -> None:
    settings = TriggerSettings(
        policies=("age",), max_age_d=3, min_aged_examples=1, max_category_share=1.0
    )
    found = replay(daily([0, 1, 0, 0, 0, 0, 0]), settings)
    assert list(found.fired_at) == [NOW + 5 * DAY]


def test_what_was_really_claimed_is_replayed_by_its_times() -> None:
    windows = [Spent(at=NOW + 2 * DAY, hours=1.0), Spent(at=NOW + 5 * DAY, hours=None)]
    found = replay_windows(daily([40] * 7), windows, name="as it was", run_h=1.0)
    assert list(found.fired_at) == [NOW + 2 * DAY, NOW + 5 * DAY]
    assert (found.trained, found.left) == (200, 80)


def test_nothing_fired_has_no_age() -> None:
    found = replay(daily([1, 1]), POLICY)
    assert (found.mean_age_d, found.p95_age_d, found.left, found.trained) == (0, 0, 2, 0)
