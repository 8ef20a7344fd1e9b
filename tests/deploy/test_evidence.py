from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from deploy import evidence as stats
from tests.deploy.conftest import NOW

_ids: Iterator[int] = count()


def row(kind: str, trace: str, **fields: Any) -> dict[str, Any]:
    return {
        "feedback_id": f"fb-{next(_ids)}",
        "kind": kind,
        "verdict": "accepted",
        "trace_id": trace,
        "subject_key": None,
        "variant": None,
        "csat": None,
        "is_completed": None,
        "occurred_at": NOW,
        **fields,
    }


def assigned(trace: str, customer: str | None, variant: str, **fields: Any) -> dict[str, Any]:
    return row("assignment", trace, subject_key=customer, variant=variant, **fields)


def outcome(trace: str, **fields: Any) -> dict[str, Any]:
    return row("outcome", trace, **fields)


def gather(rows: list[dict[str, Any]], **more: Any) -> stats.Evidence:
    return stats.gather(rows, champion="old", challenger="new", **{"since": None, **more})


def test_outcomes_are_joined_to_assignments_by_trace() -> None:
    found = gather(
        [
            assigned("t1", "ann", "old"),
            assigned("t2", "bob", "new"),
            outcome("t2", csat=5, variant="old"),  # the assignment decides, not the outcome
            outcome("t1", csat=2, is_completed=False),
        ]
    )
    assert (found.champion.csat, found.champion.completed) == ([2.0], [0.0])
    assert (found.challenger.csat, found.challenger.completed) == ([5.0], [])
    assert (found.champion.judged, found.challenger.judged) == (1, 1)


def test_a_customer_with_many_outcomes_counts_once() -> None:
    rows = [assigned(f"t{i}", "ann", "old") for i in range(3)]
    rows += [outcome(f"t{i}", csat=c, is_completed=c > 2) for i, c in enumerate((1, 3, 5))]
    arm = gather([*rows, assigned("t9", "bob", "old"), outcome("t9", csat=5)]).champion
    assert sorted(arm.csat) == [3.0, 5.0]
    assert arm.completed == [pytest.approx(2 / 3)]
    assert (arm.assignments, arm.outcomes, arm.customers, arm.judged) == (4, 4, 2, 2)


def test_a_repeated_event_counts_once_and_a_correction_wins() -> None:
    first = outcome("t1", csat=1, is_completed=True)
    later = outcome("t1", csat=4, occurred_at=NOW + timedelta(minutes=1))
    found = gather([later, assigned("t1", "ann", "old"), first, first])
    assert (found.champion.csat, found.champion.completed) == ([4.0], [1.0])
    assert found.champion.outcomes == 1


def test_rejected_rows_are_no_evidence() -> None:
    bad = {**outcome("t1", csat=1), "verdict": "rejected", "kind": None}
    assert gather([assigned("t1", "ann", "old"), bad]).champion.csat == []


def test_outcomes_without_an_assignment_are_counted_but_not_used() -> None:
    found = gather([outcome("lost", csat=1, variant="new")])
    assert (found.orphans, found.challenger.outcomes) == (1, 0)


def test_a_customer_seen_by_both_arms_is_in_neither() -> None:
    rows = [
        assigned("t1", "ann", "old"),
        assigned("t2", "ann", "new"),
        assigned("t3", "bob", "new"),
        outcome("t1", csat=1),
        outcome("t3", csat=4),
    ]
    found = gather(rows)
    assert (found.crossed, found.champion.csat, found.challenger.csat) == (1, [], [4.0])
    assert (found.champion.customers, found.challenger.customers) == (0, 1)


def test_answers_to_nobody_in_particular_are_left_out() -> None:
    found = gather([assigned("t1", None, "old"), outcome("t1", csat=1)])
    assert (found.anonymous, found.champion.csat, found.champion.customers) == (1, [], 0)


def test_assignments_before_the_test_do_not_count() -> None:
    early = assigned("t1", "ann", "old", occurred_at=NOW - timedelta(seconds=1))
    late = assigned("t2", "ann", "new")
    found = gather([early, late, outcome("t1", csat=1), outcome("t2", csat=5)], since=NOW)
    assert (found.crossed, found.champion.assignments, found.challenger.csat) == (0, 0, [5.0])
    assert found.orphans == 0


def test_other_variants_are_not_mixed_in() -> None:
    assert gather([assigned("t1", "ann", "older"), outcome("t1", csat=1)]).champion.csat == []


def test_t_interval_by_hand() -> None:
    found = stats.mean_with_t_interval([3, 4, 5], 0.95)
    # standard error 1/√3 = 0.57735, t(0.975, 2) = 4.30265
    assert found.value == 4
    assert found.interval == pytest.approx((4 - 2.48414, 4 + 2.48414), abs=1e-4)


def test_wilson_interval_of_eight_in_ten() -> None:
    found = stats.rate_with_wilson_interval([1.0] * 8 + [0.0] * 2, 0.95)
    assert found.value == pytest.approx(0.8)
    assert found.interval == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_newcombe_interval_of_the_papers_first_example() -> None:
    found = stats.rate_difference([1.0] * 56 + [0.0] * 14, [1.0] * 48 + [0.0] * 32, 0.95)
    assert found.value == pytest.approx(0.2)
    assert found.interval == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_welch_interval_equals_scipys() -> None:
    new, old = [5, 4, 4, 3, 5, 2], [2, 3, 3, 1]
    oracle = ttest_ind(new, old, equal_var=False).confidence_interval(0.9)
    found = stats.csat_difference(new, old, 0.9)
    assert found.interval == pytest.approx((float(oracle.low), float(oracle.high)))


@pytest.mark.parametrize("values", [[], [4.0]])
def test_too_few_values_have_no_interval(values: list[float]) -> None:
    assert stats.mean_with_t_interval(values, 0.95).interval is None
    assert stats.csat_difference(values, [1.0, 2.0], 0.95).interval is None
    assert stats.rate_difference([], values, 0.95).value is None
    assert stats.rate_with_wilson_interval([], 0.95).value is None


def test_sample_ratio_by_hand() -> None:
    assert stats.sample_ratio_p(0, 10, 0.5) == pytest.approx(2 / 1024)
    assert stats.sample_ratio_p(5, 5, 0.5) == 1.0
    assert stats.sample_ratio_p(0, 0, 0.5) == 1.0
    assert stats.sample_ratio_p(500, 500, 0.05) < 1e-100


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_wilson_interval_holds_the_rate_and_stays_in_range(values: list[float]) -> None:
    found = stats.rate_with_wilson_interval(values, 0.95)
    assert found.interval is not None
    assert found.value is not None
    low, high = found.interval
    assert 0 <= low <= found.value + 1e-12
    assert found.value - 1e-12 <= high <= 1
