from typing import Any

import numpy as np
import pytest
import torch
from peft import get_peft_model
from trl.trainer.utils import add_fused_lm_head

from deskwheel.settings import TrainSettings
from train.finetune.batches import collate, lay_side_by_side
from train.finetune.lean_loss import LeanLoss
from train.finetune.methods import adapter_config
from train.finetune.packed import Example
from train.model import load_base


@pytest.fixture
def model(settings: TrainSettings) -> Any:
    """The tiny base as TRL has it: with its head, under an adapter that is no longer zero."""
    torch.manual_seed(1)
    base = load_base(settings)
    add_fused_lm_head(base, outputs=("log_probs", "entropy", "is_top1"))
    model = get_peft_model(base, adapter_config(settings))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(3)
    examples = [
        Example(ids=rng.integers(4, 1900, size).astype(np.int32), prompt_tokens=size // 2)
        for size in (30, 7, 12)
    ]
    return collate([lay_side_by_side(examples), lay_side_by_side(examples[:1])], pad=0)


def sums_and_gradient(model: Any, batch: dict[str, torch.Tensor]) -> tuple[Any, Any]:
    model.zero_grad()
    outputs = model(**batch, use_cache=False, fused_lm_head=True)
    sums = [float(outputs[name].detach().sum())
            for name in ("log_probs", "entropy", "is_top1", "label_mask")]  # fmt: skip
    (-outputs.log_probs.sum()).backward()
    return sums, {n: p.grad.clone() for n, p in model.named_parameters() if p.requires_grad}


def test_trl_gets_the_sums_and_the_gradient_of_its_own_head(
    model: Any, batch: dict[str, torch.Tensor]
) -> None:
    wanted_sums, wanted = sums_and_gradient(model, batch)
    lean = LeanLoss(model, torch.float32)
    lean.merge()
    sums, found = sums_and_gradient(model, batch)
    assert sums == pytest.approx(wanted_sums, rel=1e-5)
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-4, msg=name)


def test_other_calls_and_a_model_that_is_given_back_have_their_own_pass(
    model: Any, batch: dict[str, torch.Tensor]
) -> None:
    before = model(input_ids=batch["input_ids"], use_cache=False).logits
    wanted = model(**batch, fused_lm_head=True).log_probs
    lean = LeanLoss(model, torch.float32)
    lean.merge()
    torch.testing.assert_close(model(input_ids=batch["input_ids"], use_cache=False).logits, before)
    lean.remove()
    torch.testing.assert_close(model(**batch, fused_lm_head=True).log_probs, wanted)


def test_a_mask_is_refused_because_it_would_be_left_out(
    model: Any, batch: dict[str, torch.Tensor]
) -> None:
    LeanLoss(model, torch.float32).merge()
    mask = torch.ones_like(batch["input_ids"])
    with pytest.raises(TypeError, match="no attention mask"):
        model(**batch, attention_mask=mask, fused_lm_head=True)
