from dataclasses import replace

import pytest

from deskwheel.settings import TrainSettings
from tests.train.preference.rows import judged, preferences
from train.preference.answers import Preferences
from train.preference.choice import choose_method, decide
from train.preference.rewards import Standing

SETTINGS = TrainSettings(preference="auto", min_preferences=40, min_thumbs=20)
ENOUGH = preferences(pair_count=40, judged_count=20)


def standing(accuracy: float, dev_loss: float | None) -> Standing:
    return Standing(accuracy=accuracy, margin=0.0, dev_loss=dev_loss)


def test_nothing_is_learnt_unless_it_is_asked_for() -> None:
    method, reason = choose_method(ENOUGH, TrainSettings())
    assert (method, reason) == ("none", "train.preference is none")


@pytest.mark.parametrize(
    ("preference", "found", "method"),
    [
        ("dpo", ENOUGH, "dpo"),
        ("kto", ENOUGH, "kto"),
        ("auto", ENOUGH, "dpo"),
        ("auto", preferences(pair_count=39, judged_count=20), "kto"),
        ("dpo", preferences(pair_count=39, judged_count=20), "none"),
        ("auto", preferences(pair_count=39, judged_count=19), "none"),
    ],
)
def test_the_method_is_the_first_with_enough(
    preference: str, found: Preferences, method: str
) -> None:
    assert choose_method(found, replace(SETTINGS, preference=preference))[0] == method


def test_the_reason_says_what_is_lacking() -> None:
    _, reason = choose_method(preferences(pair_count=39, judged_count=19), SETTINGS)
    assert (
        reason
        == "dpo: 39 of 40 edited drafts in train; kto: 19 of 20 thumbs and negatives in train"
    )


def test_too_few_in_dev_are_no_judge() -> None:
    found = replace(ENOUGH, pairs={**ENOUGH.pairs, "dev": ENOUGH.pairs["dev"][:1]})
    method, reason = choose_method(found, replace(SETTINGS, preference="dpo"))
    assert (method, reason) == ("none", "dpo: 1 of 2 edited drafts in dev")


def test_kto_needs_good_and_bad_answers() -> None:
    bad = {**ENOUGH.judged, "train": judged(range(30), is_wanted=False)}
    method, reason = choose_method(replace(ENOUGH, judged=bad), replace(SETTINGS, preference="kto"))
    assert (method, reason) == ("none", "kto: 0 of 2 good answers in train")


@pytest.mark.parametrize(
    ("before", "after", "is_taken", "why"),
    [
        (
            standing(0.5, 2.0),
            standing(0.6, 2.01),
            True,
            "0.500 → 0.600, loss on dev 2.0000 → 2.0100",
        ),
        (standing(0.5, 2.0), standing(0.5, 1.0), False, "no better"),
        (standing(0.5, 2.0), standing(0.9, 2.03), False, "more than"),
        (standing(0.5, 2.0), standing(0.9, float("nan")), False, "more than"),
        (standing(0.5, None), standing(0.9, None), False, "no ideal example"),
    ],
)
def test_preferences_are_taken_only_if_they_help_and_cost_little(
    before: Standing, after: Standing, is_taken: bool, why: str
) -> None:
    found, reason = decide(before, after, loss_margin=0.02)
    assert found == is_taken
    assert why in reason
