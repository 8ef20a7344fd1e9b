from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel.errors import ConfigError
from deskwheel.settings import TriggerSettings
from tests.train.trigger.moments import DAY, NOW, inputs
from train.trigger.policies import (
    POLICIES,
    Age,
    Amount,
    Corrections,
    Drift,
    Quota,
    cap_of,
    effective,
    policies_of,
    psi,
    quotas_of,
)

POLICY = TriggerSettings(min_fresh_examples=100, max_category_share=0.5)
counts = st.dictionaries(st.sampled_from("ABCDE"), st.integers(0, 500))


def test_amount_counts_a_category_up_to_its_cap() -> None:
    assert Amount(POLICY).evaluate(inputs({"A": 50, "B": 50})).is_for
    alone = Amount(POLICY).evaluate(inputs({"A": 10_000}))
    assert (alone.is_for, alone.numbers["effective"]) == (False, 50)
    assert alone.why == "50 of 100 fresh (besides 9,950 over the cap of 50 a category)"
    copies = Amount(POLICY).evaluate(inputs({"A": 13}, rows=20))
    assert copies.why == "13 of 100 fresh (besides 7 near-copies)"


@given(found=counts, more=counts)
def test_more_examples_never_turn_amount_quota_or_corrections_against(
    found: dict[str, int], more: dict[str, int]
) -> None:
    larger = {n: found.get(n, 0) + more.get(n, 0) for n in found.keys() | more.keys()}
    settings = replace(POLICY, quotas=("A=20", "B=5%"))
    for policy in (Amount(settings), Quota(settings), Corrections(settings)):
        if policy.evaluate(inputs(found)).is_for:
            assert policy.evaluate(inputs(larger)).is_for


@given(found=counts, share=st.floats(0.01, 1))
def test_no_category_counts_beyond_its_cap(found: dict[str, int], share: float) -> None:
    cap = cap_of(replace(POLICY, max_category_share=share))
    assert effective(found, cap) <= min(sum(found.values()), cap * len(found))
    assert all(effective({n: c}, cap) == min(c, cap) for n, c in found.items())


def test_quota_names_the_category_that_is_furthest_below() -> None:
    settings = replace(POLICY, quotas=("billing=50", "setup=10%"))
    assert quotas_of(settings) == {"billing": 50, "setup": 10}
    said = Quota(settings).evaluate(inputs({"billing": 40, "setup": 10}))
    assert (said.is_for, said.why) == (False, "billing below its quota of 50")
    said = Quota(settings).evaluate(inputs({"billing": 40}))
    assert said.why == "setup below its quota of 10, 1 more below theirs"
    assert Quota(settings).evaluate(inputs({"billing": 50, "setup": 10})).is_for


@given(
    found=counts, quotas=st.dictionaries(st.sampled_from("ABCDE"), st.integers(1, 400), min_size=1)
)
def test_quota_is_for_exactly_when_no_category_is_below(
    found: dict[str, int], quotas: dict[str, int]
) -> None:
    settings = replace(POLICY, quotas=tuple(f"{n}={q}" for n, q in quotas.items()))
    is_kept = all(found.get(n, 0) >= q for n, q in quotas.items())
    assert Quota(settings).evaluate(inputs(found)).is_for == is_kept


@pytest.mark.parametrize("entry", ["billing", "=5", "billing=", "billing=-1", "billing=x%"])
def test_a_quota_that_is_none_is_refused_by_its_text(entry: str) -> None:
    with pytest.raises(ConfigError, match="is no quota; write CATEGORY=COUNT"):
        quotas_of(replace(POLICY, quotas=(entry,)))


def test_quota_without_quotas_is_refused() -> None:
    with pytest.raises(ConfigError, match="set trigger.quotas"):
        Quota(POLICY).evaluate(inputs({"A": 1}))


def test_a_correction_weighs_more_than_a_plain_example() -> None:
    settings = replace(POLICY, correction_weight=4)
    facts = inputs({"A": 40, "B": 40}, plain={"A": 30, "B": 40}, corrections={"A": 10})
    said = Corrections(settings).evaluate(facts)
    assert (said.is_for, said.numbers["weighted"]) == (False, 50 + 40)
    assert said.why == "90 of 100 with 10 corrections weighed 4 each"
    assert Corrections(settings).evaluate(replace(facts, corrections={"A": 10, "B": 3})).is_for


def test_drift_of_the_mix_is_seen_and_chance_is_not() -> None:
    before = {"A": 5000, "B": 5000}
    same = Drift(POLICY).evaluate(inputs({"A": 480, "B": 520}, before=before))
    moved = Drift(POLICY).evaluate(inputs({"A": 150, "B": 850}, before=before))
    assert not same.is_for
    assert moved.is_for
    assert moved.why.startswith("categories drifted by a PSI of 0.61")
    few = Drift(POLICY).evaluate(inputs({"A": 1, "B": 5}, before=before))
    assert few.numbers["categories"] > POLICY.drift_psi
    assert not few.is_for, "six examples are spread like that by chance"


def test_drift_of_lengths_is_seen() -> None:
    before, same, longer = range(0, 1000), range(0, 1000, 2), range(400, 1400, 2)
    mix = {"counted": {"A": 500}, "before": {"A": 1000}}
    facts = inputs(**mix, lengths_before=tuple(before), lengths=tuple(same))
    assert not Drift(POLICY).evaluate(facts).is_for
    said = Drift(POLICY).evaluate(replace(facts, lengths=tuple(longer)))
    assert said.why.startswith("lengths drifted")


def test_without_a_window_before_there_is_nothing_to_see_drift_by() -> None:
    assert Drift(POLICY).evaluate(inputs({"A": 10})).why == "nothing to see drift by"


@given(found=counts.filter(lambda c: sum(c.values()) > 0))
def test_psi_of_equal_counts_is_zero_and_never_negative(found: dict[str, int]) -> None:
    assert psi(found, found) == pytest.approx(0)
    assert psi(found, {"A": 3, "Z": 1}) >= 0


def test_age_waits_for_days_and_for_enough_examples() -> None:
    settings = replace(POLICY, max_age_d=7, min_aged_examples=10)
    old = inputs({"A": 10}, oldest_at=NOW - 7 * DAY)
    assert Age(settings).evaluate(old).is_for
    assert not Age(settings).evaluate(replace(old, oldest_at=NOW - 6.9 * DAY)).is_for
    few = Age(settings).evaluate(replace(old, counted={"A": 9}))
    assert not few.is_for
    assert few.why.endswith("7 are allowed, with 9 of at least 10 examples")
    assert not Age(settings).evaluate(inputs()).is_for


def test_entries_are_alternatives_and_parts_joined_by_plus_must_agree() -> None:
    settings = replace(POLICY, policies=("amount + quota", "age"), quotas=("A=1",))
    assert [[type(p) for p in e] for e in policies_of(settings)] == [[Amount, Quota], [Age]]
    assert set(POLICIES) == {"amount", "quota", "corrections", "drift", "age"}


@pytest.mark.parametrize("policies", [(), ("amuont",), ("amount+",)])
def test_an_unknown_policy_is_refused(policies: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="choose from amount, quota"):
        policies_of(replace(POLICY, policies=policies))
