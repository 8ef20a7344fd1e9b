import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate.annotation.agreement import (
    Metric,
    agreement,
    bootstrap_alphas,
    cohen_kappa,
    judge,
    krippendorff_alpha,
)

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers,
# twelve units, values from 1 to 5, a dot where nothing was said.
FOUR_OBSERVERS = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""
# The same, section A: two observers, ten units, two values.
TWO_OBSERVERS = """
0 1 0 0 0 0 0 0 1 0
1 1 1 0 0 1 0 0 0 0
"""
# The same, section B: two observers, twelve units, five values.
NOMINAL = """
a a b b d c c c e d d a
b a b b b c c c e d d d
"""
# Krippendorff's alpha in Wikipedia, "A computational example": three coders, fifteen units.
THREE_CODERS = """
. . . . . 3 4 1 2 1 1 3 3 . 3
1 . 2 1 3 3 4 3 . . . . . . .
. . 2 1 3 4 4 . 2 1 1 3 3 . 4
"""


def units(table: str) -> list[dict[str, int]]:
    rows = [line.split() for line in table.strip().splitlines()]
    places = {v: i for i, v in enumerate(sorted({v for row in rows for v in row if v != "."}))}
    return [
        {str(i): places[v] for i, v in enumerate(column) if v != "."}
        for column in zip(*rows, strict=True)
    ]


@pytest.mark.parametrize(
    ("table", "metric", "values", "published"),
    [
        (FOUR_OBSERVERS, "nominal", 5, 0.743),
        (FOUR_OBSERVERS, "ordinal", 5, 0.815),
        (FOUR_OBSERVERS, "interval", 5, 0.849),
        (TWO_OBSERVERS, "nominal", 2, 0.095),
        (NOMINAL, "nominal", 5, 0.692),
        (THREE_CODERS, "nominal", 4, 0.691),
        (THREE_CODERS, "interval", 4, 0.811),
    ],
)
def test_alpha_is_the_published_one(
    table: str, metric: Metric, values: int, published: float
) -> None:
    found = krippendorff_alpha(units(table), metric, values=values)
    assert found == pytest.approx(published, abs=5e-4)


def pairs(table: list[list[int]]) -> list[tuple[int, int]]:
    return [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]


@pytest.mark.parametrize(
    ("table", "published"),
    [
        ([[88, 14, 18], [10, 40, 10], [2, 6, 12]], 0.492),  # Cohen 1960, table 2
        ([[20, 5], [10, 15]], 0.4),
        ([[45, 15], [25, 15]], 0.1304),
        ([[25, 35], [5, 35]], 0.2593),
    ],
)
def test_kappa_is_the_published_one(table: list[list[int]], published: float) -> None:
    assert cohen_kappa(pairs(table)) == pytest.approx(published, abs=5e-4)


CODED = st.lists(
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 4), max_size=4), min_size=1, max_size=12
)
METRICS = st.sampled_from(["nominal", "ordinal", "interval"])


@given(coded=CODED, metric=METRICS)
def test_alpha_does_not_exceed_one(coded: list[dict[str, int]], metric: Metric) -> None:
    found = krippendorff_alpha(coded, metric, values=5)
    assert found is None or found <= 1 + 1e-9


@given(coded=CODED, metric=METRICS, random=st.randoms(use_true_random=False))
def test_alpha_does_not_depend_on_who_said_it_or_on_the_order(
    coded: list[dict[str, int]], metric: Metric, random: object
) -> None:
    names = list("abcd")
    random.shuffle(names)  # type: ignore[attr-defined]
    renamed = [{names["abcd".index(k)]: v for k, v in unit.items()} for unit in coded]
    random.shuffle(renamed)  # type: ignore[attr-defined]
    before = krippendorff_alpha(coded, metric, values=5)
    after = krippendorff_alpha(renamed, metric, values=5)
    assert (before is None) == (after is None)
    assert before is None or before == pytest.approx(after)


@given(
    said=st.lists(st.tuples(st.integers(2, 4), st.integers(0, 4)), min_size=2, max_size=12),
    metric=METRICS,
)
def test_perfect_agreement_is_one_and_agreement_without_variation_proves_nothing(
    said: list[tuple[int, int]], metric: Metric
) -> None:
    coded = [{str(k): value for k in range(coders)} for coders, value in said]
    found = krippendorff_alpha(coded, metric, values=5)
    varies = len({value for _, value in said}) > 1
    assert found == (pytest.approx(1) if varies else None)


@given(coded=CODED, metric=METRICS)
def test_a_unit_with_one_answer_changes_nothing(
    coded: list[dict[str, int]], metric: Metric
) -> None:
    alone = krippendorff_alpha([*coded, {"a": 3}, {}], metric, values=5)
    assert alone == krippendorff_alpha(coded, metric, values=5)


@given(values=st.permutations(range(5)))
def test_nominal_values_may_be_renamed(values: list[int]) -> None:
    coded = units(FOUR_OBSERVERS)
    renamed = [{k: values[v] for k, v in unit.items()} for unit in coded]
    assert krippendorff_alpha(renamed, "nominal", values=5) == pytest.approx(0.743421, abs=1e-6)


@given(said=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=20))
def test_kappa_is_symmetric_and_within_its_bounds(said: list[tuple[int, int]]) -> None:
    found = cohen_kappa(said)
    assert found == cohen_kappa([(b, a) for a, b in said])
    assert found is None or -1 <= found <= 1


def test_two_who_never_agree_are_below_chance() -> None:
    coded = [{"a": v, "b": 1 - v} for v in (0, 1, 0, 1)]
    assert (krippendorff_alpha(coded, "nominal", values=2) or 0) < 0
    assert cohen_kappa([(0, 1), (1, 0)]) == -1


def test_bootstrap_repeats_with_its_seed_and_lies_around_the_estimate() -> None:
    coded = units(FOUR_OBSERVERS) * 8
    first, again, other = (
        bootstrap_alphas(coded, "ordinal", values=5, seed=seed, resamples=500) for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()
    found = agreement("tone", "ordinal", coded, values=5, seed=1)
    assert found.low is not None
    assert found.high is not None
    assert found.alpha is not None
    assert found.low < found.alpha < found.high


def test_more_examples_narrow_the_interval() -> None:
    few = agreement("x", "nominal", units(FOUR_OBSERVERS), values=5, seed=1)
    many = agreement("x", "nominal", units(FOUR_OBSERVERS) * 16, values=5, seed=1)
    widths = [(one.high or 0) - (one.low or 0) for one in (few, many)]
    assert widths[1] < widths[0] / 2


def test_the_lower_bound_is_judged_and_not_the_estimate() -> None:
    few = agreement("x", "ordinal", units(FOUR_OBSERVERS), values=5, seed=1)
    assert (few.alpha or 0) > 0.8
    assert few.verdict == "refuse"


def test_gates_are_krippendorffs() -> None:
    assert [judge(x) for x in (0.8, 0.799, 0.667, 0.666, None)] == [
        "accept", "tentative", "tentative", "refuse", "refuse",
    ]  # fmt: skip


def test_nobody_asked_twice_gives_no_agreement() -> None:
    found = agreement("x", "nominal", [{"a": 1}, {"b": 0}], values=2, seed=1)
    assert (found.units, found.alpha, found.verdict) == (0, None, "refuse")


def test_share_equal_counts_pairs_of_answers() -> None:
    found = agreement("x", "nominal", [{"a": 0, "b": 0, "c": 1}], values=2, seed=1)
    assert math.isclose(found.share_equal or 0, 1 / 3)
    assert set(found.kappa) == {" ".join(p) for p in itertools.combinations("abc", 2)}
