from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel.annotations import AnnotationStrategy
from deskwheel.errors import ConfigError
from validate.annotation.plan import SPLITS, Candidate, assign, rank

POOL = [
    Candidate(f"ex-{i}", ("ORDER", "REFUND", "OTHER")[i % 3 if i < 60 else 0], i / 99)
    for i in range(100)
]
EVERY: list[AnnotationStrategy] = ["random", "uncertain", "category", "disputed"]
IDS = [c.example_id for c in POOL]


@pytest.mark.parametrize("strategy", EVERY)
@given(pool=st.permutations(POOL))
def test_a_ranking_holds_all_once_whatever_the_order_of_rows(
    strategy: AnnotationStrategy, pool: list[Candidate]
) -> None:
    ranked = rank(pool, strategy, seed=3, threshold=0.65)
    assert sorted(ranked) == sorted(IDS)
    assert ranked == rank(POOL, strategy, seed=3, threshold=0.65)


def test_another_seed_draws_others() -> None:
    first, second = (set(rank(POOL, "random", seed=s, threshold=0.65)[:30]) for s in (1, 2))
    assert len(first & second) < 20


def test_categories_come_by_turns_until_one_is_empty() -> None:
    ranked = rank(POOL, "category", seed=1, threshold=0.65)
    names = {c.example_id: c.category for c in POOL}
    assert Counter(names[i] for i in ranked[:45]) == {"ORDER": 15, "OTHER": 15, "REFUND": 15}
    assert {names[i] for i in ranked[60:]} == {"ORDER"}


def test_uncertain_ones_are_near_the_threshold_or_of_no_known_category() -> None:
    ranked = rank(POOL, "uncertain", seed=1, threshold=0.65)
    by_id = {c.example_id: c for c in POOL}
    near = [by_id[i] for i in ranked[:20] if by_id[i].category != "OTHER"]
    assert max(abs(c.resolution_probability - 0.65) for c in near) < 0.1
    assert sum(by_id[i].category == "OTHER" for i in ranked[:20]) >= 10


RATERS = ("rater-1", "rater-2", "rater-3")
GOLD = [f"gold-{i}" for i in range(50)]


@given(
    size=st.integers(1, 100),
    raters=st.integers(1, 3),
    share=st.floats(0, 1),
    seed=st.integers(0, 9),
)
def test_everybody_is_asked_once_and_the_shares_hold(
    size: int, raters: int, share: float, seed: int
) -> None:
    asked = assign(
        IDS[:size], RATERS[:raters], seed=seed, double_share=share, gold=GOLD, gold_share=0.05
    )
    assert asked == assign(
        IDS[:size], RATERS[:raters], seed=seed, double_share=share, gold=GOLD, gold_share=0.05
    )
    pairs = [(a.annotator_key, a.example_id) for a in asked]
    assert len(set(pairs)) == len(pairs)
    counts = Counter(a.example_id for a in asked if not a.is_gold)
    assert set(counts) == set(IDS[:size])
    doubled = {i for i, n in counts.items() if n == 2}
    assert len(doubled) == (round(share * size) if raters > 1 else 0)
    assert doubled == {a.example_id for a in asked if a.is_double}
    for rater in RATERS[:raters]:
        mine = [a for a in asked if a.annotator_key == rater]
        assert sorted(a.position for a in mine) == list(range(len(mine)))
        others = sum(not a.is_gold for a in mine)
        assert len(mine) - others == (max(1, round(0.05 * others)) if others else 0)


def test_work_is_shared_evenly() -> None:
    asked = assign(IDS, RATERS, seed=1, double_share=0.1)
    counts = Counter(a.annotator_key for a in asked).values()
    assert max(counts) - min(counts) <= 10


def test_gold_lies_anywhere() -> None:
    asked = assign(IDS, RATERS[:1], seed=1, double_share=0, gold=GOLD, gold_share=0.2)
    places = [a.position for a in asked if a.is_gold]
    assert min(places) < 40
    assert max(places) > 80


def test_nobody_is_asked_again() -> None:
    done = {i: frozenset(RATERS[:2]) for i in IDS} | {GOLD[0]: frozenset(RATERS)}
    asked = assign(
        IDS[:10], RATERS, seed=1, double_share=0, gold=GOLD[:1], gold_share=0.5, answered=done
    )
    assert {a.annotator_key for a in asked} == {"rater-3"}
    assert not any(a.is_gold for a in asked)


def test_a_plan_without_annotators_is_refused() -> None:
    with pytest.raises(ConfigError, match="--annotators"):
        assign(IDS, (), seed=1, double_share=0)


def test_the_test_split_is_drawn_for_nothing() -> None:
    assert "test" not in SPLITS.values()
