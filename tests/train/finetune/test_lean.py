from typing import Any

import numpy as np
import pytest
import torch
from peft import get_peft_model
from transformers import LlamaForCausalLM

from deskwheel.settings import TrainSettings
from train.finetune import attention
from train.finetune.batches import IGNORED, lay_side_by_side
from train.finetune.layout import lay_out
from train.finetune.lean import LeanLlama
from train.finetune.methods import adapter_config
from train.finetune.packed import Example
from train.model import load_base


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


def check_against_transformers(model: Any, examples: list[Example]) -> None:
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


@pytest.fixture(params=["shared heads", "heads of its own", "heads of its own, by kernel"])
def any_model(
    request: pytest.FixtureRequest, settings: TrainSettings, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """A tiny Llama under an adapter, for each way to compute attention."""
    base = load_base(settings)
    if request.param != "shared heads":
        base.config.num_key_value_heads = base.config.num_attention_heads
        base = LlamaForCausalLM(base.config)
    if request.param.endswith("kernel"):
        monkeypatch.setattr(attention, "_LONGEST_SQUARE", 0)
    torch.manual_seed(1)
    model = get_peft_model(base, adapter_config(settings))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def test_loss_and_gradient_are_those_of_transformers(
    any_model: Any, examples: list[Example]
) -> None:
    check_against_transformers(any_model, examples)


def test_shared_beginnings_change_neither_loss_nor_gradient(
    any_model: Any, examples: list[Example]
) -> None:
    long, short = examples[0], examples[1]
    family = [
        long,
        long,
        Example(ids=long.ids[:20], prompt_tokens=3),
        Example(ids=np.concatenate([long.ids[:16], short.ids]), prompt_tokens=18),
        Example(ids=np.concatenate([long.ids[:16], short.ids[::-1]]), prompt_tokens=16),
        short,
    ]
    check_against_transformers(any_model, family)


def test_answers_at_the_end_are_all_that_the_last_layer_asks_for(any_model: Any) -> None:
    rng = np.random.default_rng(4)
    examples = [
        Example(ids=rng.integers(4, 1900, size).astype(np.int32), prompt_tokens=prompt)
        for size, prompt in ((40, 30), (44, 36), (41, 39))
    ]
    assert [bucket.first for bucket in lay_out(examples).buckets] == [16]
    check_against_transformers(any_model, examples)


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
