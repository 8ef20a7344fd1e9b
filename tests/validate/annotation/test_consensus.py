import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel.annotations import Annotation
from tests.validate.annotation.scene import ANSWERS, CATEGORIES, answered
from validate.annotation.consensus import Decided, decide, gold_scores, opinions, units_of
from validate.annotation.guide import QUESTIONS
from validate.annotation.store import latest

QUESTION = {q.name: q for q in QUESTIONS}


def decided(*annotations: Annotation) -> Decided:
    return decide(annotations)["ex-1"]


def test_one_annotator_decides_alone_and_settles_nothing() -> None:
    found = decided(answered("ex-1"))
    assert dict(found.answers) == ANSWERS
    assert not found.is_settled


def test_two_who_differ_decide_nothing() -> None:
    found = decided(answered("ex-1"), answered("ex-1", "rater-2", resolved="no"))
    assert found.disputed == ("resolved",)
    assert "resolved" not in found.answers


def test_a_third_makes_a_majority() -> None:
    found = decided(
        answered("ex-1"),
        answered("ex-1", "rater-2", resolved="no"),
        answered("ex-1", "rater-3", resolved="no"),
    )
    assert found.answers["resolved"] == "no"
    assert found.is_settled


def test_three_who_all_differ_decide_nothing() -> None:
    found = decided(*(answered("ex-1", f"rater-{i}", category=c) for i, c in enumerate(CATEGORIES)))
    assert found.disputed == ("category",)


@pytest.mark.parametrize(
    ("ratings", "value"), [((4, 5), 4), ((5, 5), 5), ((3, 5), None), ((1, 5, 5), 5), ((1, 3), None)]
)
def test_ratings_give_their_lower_median_unless_two_are_far_apart(
    ratings: tuple[int, ...], value: int | None
) -> None:
    found = decided(*(answered("ex-1", f"rater-{i}", tone=r) for i, r in enumerate(ratings)))
    assert found.answers.get("tone") == value


def test_an_adjudicator_decides_over_any_majority_and_questions_add_up() -> None:
    said = [answered("ex-1", f"rater-{i}", resolved="yes") for i in range(3)]
    nothing = dict.fromkeys(ANSWERS)
    first = answered(
        "ex-1", "lead-1", is_adjudicated=True, minute=1, **{**nothing, "resolved": "no"}
    )
    second = answered("ex-1", "lead-1", is_adjudicated=True, minute=2, **{**nothing, "tone": 1})
    found = decide(latest([*said, second, first]))["ex-1"]
    assert (found.answers["resolved"], found.answers["tone"]) == ("no", 1)
    assert found.answers["category"] == "REFUND"
    assert first.annotation_id in found.annotation_ids


def test_the_latest_answer_of_an_annotator_counts() -> None:
    found = decided(answered("ex-1", minute=5, resolved="no"), answered("ex-1", minute=1))
    assert found.answers["resolved"] == "no"
    assert found.annotators == ("rater-1",)


def test_skipped_and_gold_answers_are_no_opinions() -> None:
    rows = [answered("ex-1", is_skipped=True), answered("ex-2", is_gold=True)]
    assert opinions(rows) == {}


@given(order=st.permutations([answered("ex-1", f"rater-{i}", tone=1 + i) for i in range(4)]))
def test_what_is_decided_does_not_depend_on_the_order_of_rows(order: list[Annotation]) -> None:
    assert decide(order) == decide(sorted(order, key=lambda a: a.annotation_id))


def test_units_number_the_values_in_their_order() -> None:
    rows = [answered("ex-1", sentiment="negative"), answered("ex-1", "rater-2", category="GONE")]
    assert units_of(rows, QUESTION["sentiment"], CATEGORIES) == [{"rater-1": 0, "rater-2": 1}]
    assert units_of(rows, QUESTION["category"], CATEGORIES) == [{"rater-1": 1}]


def gold(count: int, *, wrong: int) -> list[Annotation]:
    known = [answered(f"ex-{i}", f"rater-{k}") for i in range(count) for k in (7, 8, 9)]
    other = {"resolved": "no", "category": "ORDER", "tone": 1}
    mine = [
        answered(f"ex-{i}", is_gold=True, minute=9, **(other if i < wrong else {"tone": 5}))
        for i in range(count)
    ]
    return [*known, *mine]


@pytest.mark.parametrize(("wrong", "is_flagged"), [(0, False), (4, False), (10, True)])
def test_an_annotator_below_the_threshold_is_flagged(wrong: int, is_flagged: bool) -> None:
    rows = gold(10, wrong=wrong)
    (score,) = gold_scores(rows, decide(rows), min_accuracy=0.8)
    assert score.accuracy == pytest.approx(1 - 3 * wrong / 90)
    assert score.is_flagged is is_flagged
    assert (score.low or 0) < (score.accuracy or 0) <= (score.high or 0) + 1e-9


def test_a_few_wrong_answers_flag_nobody() -> None:
    rows = gold(2, wrong=2)
    (score,) = gold_scores(rows, decide(rows), min_accuracy=0.8)
    assert not score.is_flagged
