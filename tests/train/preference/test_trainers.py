from dataclasses import replace
from typing import Any

import pytest
import torch

from deskwheel.settings import TrainSettings
from tests.train.preference.rows import judged, pairs
from train.preference.encode import encode_judged, encode_pairs
from train.preference.trainers import REFERENCE, Lesson, count_steps, dpo_trainer, kto_trainer


def of_adapter(model: Any, name: str) -> dict[str, torch.Tensor]:
    part = f".{name}."
    return {
        key.replace(part, "."): value.detach().clone()
        for key, value in model.named_parameters()
        if part in key
    }


def test_the_reference_begins_as_the_adapter_and_is_not_trained(lesson: Lesson) -> None:
    trainer = dpo_trainer(lesson, encode_pairs(pairs(range(8)), lesson.tokenizer, max_length=96))
    before = of_adapter(lesson.model, "default")
    torch.testing.assert_close(of_adapter(lesson.model, REFERENCE), before, rtol=0, atol=0)
    trainer.train()
    torch.testing.assert_close(of_adapter(lesson.model, REFERENCE), before, rtol=0, atol=0)
    after = of_adapter(lesson.model, "default")
    assert any(not torch.equal(before[key], after[key]) for key in before)


def test_the_rarer_side_weighs_more(lesson: Lesson) -> None:
    both = judged(range(3), is_wanted=True) + judged(range(3, 12), is_wanted=False)
    trainer = kto_trainer(lesson, encode_judged(both, lesson.tokenizer, max_length=96))
    assert (trainer.desirable_weight, trainer.undesirable_weight) == (3.0, 1.0)


@pytest.mark.parametrize(
    ("batch", "workers", "at_once", "times"),
    [(16, 1, 8, 2), (6, 1, 3, 2), (8, 2, 4, 1), (2, 2, 2, 1)],
)
def test_a_step_has_the_preferences_of_the_settings(
    lesson: Lesson, batch: int, workers: int, at_once: int, times: int
) -> None:
    settings = replace(lesson.settings, preference_batch=batch)
    encoded = encode_pairs(pairs(range(8)), lesson.tokenizer, max_length=96)
    args = dpo_trainer(replace(lesson, settings=settings, workers=workers), encoded).args
    assert (args.per_device_train_batch_size, args.gradient_accumulation_steps) == (at_once, times)


def test_a_model_without_a_lean_form_computes_fewer_at_once(lesson: Lesson) -> None:
    lesson.model.get_base_model().config.attention_bias = True
    encoded = encode_pairs(pairs(range(8)), lesson.tokenizer, max_length=96)
    settings = replace(lesson.settings, preference_batch=16)
    args = dpo_trainer(replace(lesson, settings=settings), encoded).args
    assert (args.per_device_train_batch_size, args.gradient_accumulation_steps) == (4, 4)


def test_steps_follow_from_epochs() -> None:
    settings = TrainSettings(preference_epochs=1.5, preference_batch=16)
    assert [count_steps(settings, n) for n in (1, 16, 400)] == [1, 2, 38]
