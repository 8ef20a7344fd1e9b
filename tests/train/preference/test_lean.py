from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from trl.trainer.utils import use_adapter

from tests.train.preference.rows import pairs
from train.finetune.batches import collate, lay_side_by_side
from train.preference.encode import encode_pairs
from train.preference.lean import LeanAnswers, is_lean
from train.preference.trainers import REFERENCE, Lesson, dpo_trainer

SAID = ("log_probs", "entropy", "mean_logits", "is_top1", "label_mask")


@pytest.fixture
def trainer(lesson: Lesson) -> Any:
    """TRL's trainer; the adapter has moved away from its frozen copy."""
    numbers = [7, 1000, 123_456, 5]
    trainer = dpo_trainer(lesson, encode_pairs(pairs(numbers), lesson.tokenizer, max_length=96))
    torch.manual_seed(2)
    with torch.no_grad():
        for name, weight in lesson.model.named_parameters():
            if ".default." in name:
                weight.add_(torch.randn_like(weight), alpha=0.05)
    return trainer


@pytest.fixture
def batch(trainer: Any) -> dict[str, torch.Tensor]:
    """Answers of several lengths as TRL pads them."""
    batch = trainer.data_collator([trainer.train_dataset[n] for n in range(4)])
    labels = batch["input_ids"].masked_fill(batch.pop("completion_mask") == 0, -100)
    assert not batch["attention_mask"].all()
    return {**batch, "labels": labels}


@pytest.fixture
def stand_in(lesson: Lesson) -> Iterator[Any]:
    """Takes the model over when it is called."""
    made: list[LeanAnswers] = []
    yield lambda: made.append(LeanAnswers(lesson.model, frozen=REFERENCE, dtype=torch.float32))
    for lean in made:
        lean.remove()


def answers_and_gradient(model: Any, batch: dict[str, torch.Tensor]) -> tuple[Any, Any]:
    model.zero_grad()
    outputs = model(**batch, use_cache=False, fused_lm_head=True)
    # Each row has a weight of its own, as a loss of preferences gives it.
    (outputs.log_probs.sum(1) * torch.linspace(-1, 1, len(batch["labels"]))).sum().backward()
    gradient = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    return {name: outputs[name].detach().float() for name in SAID}, gradient


def test_trl_gets_each_answer_s_place_and_the_gradient_of_its_own_pass(
    lesson: Lesson, trainer: Any, batch: dict[str, torch.Tensor], stand_in: Any
) -> None:
    wanted, wanted_gradient = answers_and_gradient(lesson.model, batch)
    stand_in()
    found, gradient = answers_and_gradient(lesson.model, batch)
    for name in SAID:
        torch.testing.assert_close(found[name], wanted[name], rtol=1e-3, atol=1e-4, msg=name)
    assert wanted_gradient
    assert gradient.keys() == wanted_gradient.keys()
    for name, value in wanted_gradient.items():
        torch.testing.assert_close(gradient[name], value, rtol=1e-3, atol=1e-4, msg=name)


def test_the_frozen_adapter_and_none_are_told_from_the_trained_one(
    lesson: Lesson, trainer: Any, batch: dict[str, torch.Tensor], stand_in: Any
) -> None:
    def all_three() -> list[torch.Tensor]:
        found = [lesson.model(**batch, fused_lm_head=True).log_probs]
        for name in (REFERENCE, None):
            with use_adapter(lesson.model, name):
                found.append(lesson.model(**batch, fused_lm_head=True).log_probs)
        return [log_probs.detach() for log_probs in found]

    wanted = all_three()
    stand_in()
    for found, own in zip(all_three(), wanted, strict=True):
        torch.testing.assert_close(found, own, rtol=1e-3, atol=1e-4)
    assert len({float(one.sum()) for one in wanted}) == 3


def test_packed_rows_are_told_apart_by_their_positions(
    lesson: Lesson, trainer: Any, stand_in: Any
) -> None:
    encoded = encode_pairs(pairs([7, 1000]), lesson.tokenizer, max_length=96)
    examples = [answer.example() for pair in encoded for answer in pair]
    rows = [lay_side_by_side(examples), lay_side_by_side(examples[:1])]
    packed = collate(rows, lesson.tokenizer.pad_token_id)
    wanted = lesson.model(**packed, fused_lm_head=True).log_probs.sum(1)
    stand_in()
    found = lesson.model(**packed, fused_lm_head=True).log_probs.sum(1)
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3)


def test_a_gpu_computes_the_model_s_own_pass(lesson: Lesson) -> None:
    assert is_lean(lesson.model, lesson.settings)
    assert not is_lean(lesson.model, replace(lesson.settings, use_gpu=True))
