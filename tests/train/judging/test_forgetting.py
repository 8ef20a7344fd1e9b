import math
import random
from dataclasses import replace

import pytest

from train.judging.forgetting import (
    ALPHA,
    LEAST_CONVERSATIONS,
    hold_losses,
    loss_sentence,
    measure_shifts,
    time_slices,
)
from train.judging.gate import Verdict
from train.judging.metrics import HIGHER_IS_BETTER
from train.judging.scores import Score

PROMOTE = Verdict(verdict="PROMOTE", reasons=("rouge_l lead +0.1000",))


def score(number: int, value: float, *, category: str, month: str = "2026-03") -> Score:
    return Score(
        example_id=f"ex-{number}",
        conversation_id=f"conv-{number}",
        values=dict.fromkeys(HIGHER_IS_BETTER, value),
        category=category,
        month=month,
    )


def models(
    leads: list[float], *, category: str = "BILLING", metric: str = "rouge_l"
) -> tuple[list[Score], list[Score]]:
    """Champion and challenger that differ by these leads on one metric."""
    champion = [score(i, 0.5, category=category) for i in range(len(leads))]
    challenger = [
        replace(s, values={**s.values, metric: 0.5 + lead})
        for s, lead in zip(champion, leads, strict=True)
    ]
    return champion, challenger


def wobble(count: int, mean: float) -> list[float]:
    return [mean + (0.01 if i % 2 else -0.01) for i in range(count)]


def test_a_slice_has_its_mean_interval_and_p_value() -> None:
    # Leads -0.1, -0.2, -0.3: mean -0.2, standard error 0.1 / sqrt(3), t(0.975; 2) = 4.302653.
    # t = -3.4641; P(T < t) with 2 degrees of freedom is (1 + t / sqrt(t² + 2)) / 2 = 0.037.
    shifts = measure_shifts(*models([-0.1, -0.2, -0.3]))
    found = next(s for s in shifts if (s.by, s.metric) == ("category", "rouge_l"))
    assert (found.slice, found.conversations) == ("BILLING", 3)
    half = 4.302653 * 0.1 / math.sqrt(3)
    assert (found.mean, found.low, found.high) == pytest.approx(
        (-0.2, -0.2 - half, -0.2 + half), abs=1e-6
    )
    assert found.p_loss == pytest.approx((1 - math.sqrt(12 / 14)) / 2)
    assert not found.is_loss


def test_a_higher_apology_rate_is_a_loss() -> None:
    shifts = measure_shifts(*models(wobble(60, 0.2), metric="needless_apology"))
    lost = {(s.by, s.metric) for s in shifts if s.is_loss}
    assert lost == {("category", "needless_apology"), ("time", "needless_apology")}


def test_a_loss_in_one_category_is_named_whatever_the_others_gained() -> None:
    champion = [score(i, 0.5, category="SHIPPING" if i < 300 else "BILLING") for i in range(360)]
    challenger = [
        replace(s, values={**s.values, "rouge_l": 0.7 if i < 300 else 0.3 + 0.01 * (i % 2)})
        for i, s in enumerate(champion)
    ]
    shifts = measure_shifts(champion, challenger)
    held = hold_losses(PROMOTE, shifts)
    assert held.verdict == "HOLD"
    assert held.reasons[0].startswith("forgotten in category BILLING: rouge_l lead -0.1950 (")
    assert "over 60 conversations" in held.reasons[0]
    assert held.reasons[1:] == PROMOTE.reasons


def test_a_slice_below_the_least_number_of_conversations_decides_nothing() -> None:
    few = measure_shifts(*models(wobble(LEAST_CONVERSATIONS - 1, -0.3)))
    assert not any(s.is_loss for s in few)
    assert any(s.is_loss for s in measure_shifts(*models(wobble(LEAST_CONVERSATIONS, -0.3))))


def test_answers_of_one_conversation_are_one_observation() -> None:
    champion, challenger = models(wobble(60, -0.3))
    one = [[replace(s, conversation_id="same") for s in part] for part in (champion, challenger)]
    assert measure_shifts(*one) == ()


def test_holms_correction_asks_for_more_where_more_is_tested() -> None:
    # 8 tests, so the smallest p-value must be at most 0.05 / 8.
    leads = [0.1 * (i % 2) - 0.0615 for i in range(60)]
    shifts = measure_shifts(*models(leads))
    lowest = min(s.p_loss for s in shifts)
    assert ALPHA / 8 < lowest < ALPHA
    assert not any(s.is_loss for s in shifts)


def test_a_rejected_challenger_stays_rejected() -> None:
    shifts = measure_shifts(*models(wobble(60, -0.3)))
    assert hold_losses(Verdict(verdict="REJECT", reasons=("worse",)), shifts).verdict == "REJECT"


def test_without_a_loss_the_verdict_stays() -> None:
    assert hold_losses(PROMOTE, measure_shifts(*models(wobble(60, 0.1)))) is PROMOTE


def test_scores_of_other_examples_or_without_a_number_are_no_evidence() -> None:
    champion, challenger = models(wobble(60, -0.3))
    assert measure_shifts(champion[1:], challenger) == ()
    challenger[0] = replace(challenger[0], values={**challenger[0].values, "rouge_l": math.nan})
    assert "rouge_l" not in {s.metric for s in measure_shifts(champion, challenger)}


def test_more_than_a_year_of_months_is_cut_into_quarters() -> None:
    months = [f"2025-{m:02}" for m in range(1, 13)]
    assert time_slices(months)["2025-12"] == "2025-12"
    longer = time_slices([*months, "2026-01", ""])
    assert longer["2025-03"] == "2025-Q1"
    assert longer["2026-01"] == "2026-Q1"
    assert "" not in longer


def test_an_example_without_category_and_time_is_in_no_slice() -> None:
    champion, challenger = models(wobble(60, -0.3), category="")
    assert {s.by for s in measure_shifts(champion, challenger)} == {"time"}


def test_a_loss_is_a_sentence_with_its_numbers() -> None:
    shift = next(s for s in measure_shifts(*models(wobble(60, -0.3))) if s.is_loss)
    assert "forgotten in category BILLING: rouge_l lead -0.3000" in loss_sentence(shift)


def equal_models(draw: random.Random, conversations: int) -> tuple[list[Score], list[Score]]:
    """Two models whose every score comes from one distribution, apologies rare and skewed."""

    def answers() -> list[Score]:
        return [
            Score(
                example_id=f"ex-{i}",
                conversation_id=f"conv-{i // 2}",
                values={
                    "rouge_l": draw.betavariate(2, 3),
                    "token_f1": draw.betavariate(2, 2),
                    "needless_apology": float(draw.random() < 0.05),
                    "nll": draw.gammavariate(2, 0.7),
                },
                category=f"C{(i // 2) % 4}",
                month=f"2026-{1 + (i // 2) % 3:02}",
            )
            for i in range(2 * conversations)
        ]

    return answers(), answers()


def test_equal_models_are_held_at_most_at_the_nominal_rate() -> None:
    draw = random.Random(20260302)
    rounds = 200
    held = sum(
        any(s.is_loss for s in measure_shifts(*equal_models(draw, 240))) for _ in range(rounds)
    )
    # Two standard errors above the rate of ALPHA.
    assert held / rounds <= ALPHA + 2 * math.sqrt(ALPHA * (1 - ALPHA) / rounds)
