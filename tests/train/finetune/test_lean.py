from typing import Any

import pytest
import torch

from train.finetune import attention
from train.finetune.batches import IGNORED, collate, lay_side_by_side
from train.finetune.lean import LeanLlama, lay_out, lay_rows
from train.finetune.packed import Example


def by_transformers(model: Any, examples: list[Example]) -> float:
    """The loss of each example alone, summed, with its gradient left in the model."""
    total = 0.0
    for example in examples:
        laid = lay_side_by_side([example])
        logits = model(input_ids=laid["input_ids"][None], use_cache=False).logits[0]
        loss = torch.nn.functional.cross_entropy(
            logits[:-1], laid["labels"][1:], ignore_index=IGNORED, reduction="sum"
        )
        loss.backward()
        total += loss.item()
    return total


def gradients(model: Any) -> dict[str, torch.Tensor]:
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return found


@pytest.mark.parametrize("longest_square", [512, 0])
def test_loss_and_gradient_are_those_of_transformers(
    model: Any, examples: list[Example], monkeypatch: pytest.MonkeyPatch, longest_square: int
) -> None:
    monkeypatch.setattr(attention, "_LONGEST_SQUARE", longest_square)
    wanted_loss, wanted = by_transformers(model, examples), gradients(model)
    lean = LeanLlama(model, dtype=torch.float32)
    lean.merge()
    loss = lean.loss(lay_out(examples))
    loss.backward()
    assert loss.item() == pytest.approx(wanted_loss, rel=1e-5)
    found = gradients(model)
    assert found.keys() == wanted.keys()
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-4, msg=name)


def test_bfloat16_keeps_the_loss_and_the_direction(model: Any, examples: list[Example]) -> None:
    wanted_loss, wanted = by_transformers(model, examples), gradients(model)
    lean = LeanLlama(model, dtype=torch.bfloat16)
    lean.merge()
    loss = lean.loss(lay_out(examples))
    loss.backward()
    assert loss.item() == pytest.approx(wanted_loss, rel=0.01)
    ours, theirs = (torch.cat([g.flatten() for _, g in sorted(found.items())])
                    for found in (gradients(model), wanted))  # fmt: skip
    assert float(torch.nn.functional.cosine_similarity(ours, theirs, dim=0)) > 0.99


def test_a_step_is_not_seen_before_the_weights_are_merged_again(
    model: Any, examples: list[Example]
) -> None:
    lean = LeanLlama(model, dtype=torch.float32)
    lean.merge()
    flat = lay_out(examples)
    before = lean.loss(flat).item()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.add_(0.1)
    assert lean.loss(flat).item() == before
    lean.merge()
    assert lean.loss(flat).item() != before


def test_examples_are_laid_out_by_length_in_buckets_with_little_padding(
    examples: list[Example],
) -> None:
    flat = lay_out(examples)
    assert flat.lengths == (2, 7, 12, 29, 30, 31)
    assert flat.buckets == ((0, 1), (1, 3), (3, 6))
    assert len(flat.ids) == sum(flat.lengths)
    assert len(flat.labels) == sum(len(e.ids) - e.prompt_tokens for e in examples)
    assert flat.ids[flat.predicting + 1].tolist() == flat.labels.tolist()


def test_rows_and_their_examples_are_laid_out_alike_but_for_what_nobody_learns(
    examples: list[Example],
) -> None:
    rows = [lay_side_by_side(examples[:2]), lay_side_by_side(examples[2:])]
    found, wanted = lay_rows(collate(rows, pad=0)), lay_out(examples)
    assert found.lengths == wanted.lengths
    assert torch.equal(found.ids, wanted.ids)
    assert torch.equal(found.positions, wanted.positions)
    assert torch.equal(found.predicting, wanted.predicting)
    assert torch.equal(found.labels, wanted.labels)
