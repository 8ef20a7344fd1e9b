import math
from dataclasses import replace

import pytest

from deskwheel.settings import GateSettings
from train.judging.gate import difference, judge
from train.judging.scores import Score

GATE = GateSettings(min_test_conversations=20, alpha=0.01, margin=0.02)
BASIS = {"rouge_l": 0.4, "token_f1": 0.5, "needless_apology": 0.1, "nll": 1.0}


def scores(count: int = 30, *, wobble: float = 0.01, **shifts: float) -> list[Score]:
    """Scores of a model, alternating by `wobble` around a basis shifted per metric."""
    swing = wobble if shifts else 0.0
    return [
        Score(
            example_id=f"ex-{i}",
            conversation_id=f"conv-{i}",
            values={
                metric: value + shifts.get(metric, 0.0) + (swing if i % 2 else -swing)
                for metric, value in BASIS.items()
            },
        )
        for i in range(count)
    ]


def test_a_better_model_is_promoted_with_its_numbers() -> None:
    verdict = judge(scores(), scores(rouge_l=0.2), settings=GATE)
    assert verdict.verdict == "PROMOTE"
    assert "rouge_l lead +0.2000 over 30 conversations" in verdict.reasons[0]


def test_an_equal_model_is_held() -> None:
    verdict = judge(scores(), scores(), settings=GATE)
    assert verdict.verdict == "HOLD"
    assert "not superior" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("metric", "shift"),
    [("rouge_l", -0.2), ("token_f1", -0.2), ("needless_apology", 0.5), ("nll", 0.5)],
)
def test_a_model_that_is_worse_on_any_metric_is_rejected(metric: str, shift: float) -> None:
    better = {"rouge_l": 0.2} if metric != "rouge_l" else {}
    verdict = judge(scores(), scores(**{**better, metric: shift}), settings=GATE)
    assert verdict.verdict == "REJECT"
    assert verdict.reasons[0].startswith(f"{metric} lead -")


def test_a_model_that_may_be_worse_on_a_guarded_metric_is_held() -> None:
    # Mean of the lead -0.015, within the margin, but its bound is not.
    verdict = judge(scores(), scores(rouge_l=0.3, nll=0.015, wobble=0.1), settings=GATE)
    assert verdict.verdict == "HOLD"
    assert "nll lead -0.0150" in " ".join(verdict.reasons)


def test_too_few_conversations_hold_whatever_the_lead() -> None:
    verdict = judge(scores(19), scores(19, rouge_l=0.4), settings=GATE)
    assert verdict.verdict == "HOLD"
    assert verdict.reasons == ("19 test conversations, 20 are needed",)


def test_no_scores_at_all_hold() -> None:
    assert judge([], [], settings=GATE).verdict == "HOLD"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_missing_number_holds(value: float) -> None:
    broken = scores(rouge_l=0.3)
    broken[3] = replace(broken[3], values={**broken[3].values, "nll": value})
    verdict = judge(scores(), broken, settings=GATE)
    assert verdict.verdict == "HOLD"
    assert verdict.reasons == ("nll of the challenger is missing for 1 of 30",)


def test_a_missing_metric_holds() -> None:
    broken = [replace(s, values={"rouge_l": 0.9}) for s in scores()]
    assert judge(scores(), broken, settings=GATE).verdict == "HOLD"


def test_scores_of_other_examples_hold() -> None:
    verdict = judge(scores(30), scores(29, rouge_l=0.3), settings=GATE)
    assert verdict.verdict == "HOLD"
    assert "not of the same examples" in verdict.reasons[0]


def test_an_unknown_primary_metric_holds() -> None:
    settings = replace(GATE, primary="vibes")
    verdict = judge(scores(), scores(rouge_l=0.3), settings=settings)
    assert verdict.verdict == "HOLD"
    assert "'vibes'" in verdict.reasons[0]


def test_answers_of_one_conversation_count_as_one_observation() -> None:
    champion = scores(4)
    challenger = scores(4, rouge_l=0.1, wobble=0.0)
    one = [replace(s, conversation_id="same") for s in challenger[:3]] + challenger[3:]
    found = difference(champion, one, metric="rouge_l")
    assert found.conversations == 2
    assert found.mean == pytest.approx(0.1)


def test_the_bound_uses_students_t() -> None:
    # Leads 0.1, 0.2, 0.3: mean 0.2, standard error 0.1 / sqrt(3), t(0.975; 2) = 4.302653.
    champion = scores(3)
    challenger = [
        replace(s, values={**s.values, "rouge_l": s.values["rouge_l"] + 0.1 * (i + 1)})
        for i, s in enumerate(champion)
    ]
    found = difference(champion, challenger, metric="rouge_l")
    assert found.bound(0.025) == pytest.approx(0.2 - 4.302653 * 0.1 / math.sqrt(3), abs=1e-6)


def test_a_lower_apology_rate_is_a_lead() -> None:
    found = difference(scores(), scores(needless_apology=-0.1), metric="needless_apology")
    assert found.mean == pytest.approx(0.1)
