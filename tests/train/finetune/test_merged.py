from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from deskwheel.settings import TrainSettings
from train.finetune.merged import MergedProducts
from train.model import load_base

IDS = torch.arange(10, 40).view(2, 15)


def loss_and_gradient(model: Any) -> tuple[float, dict[str, torch.Tensor]]:
    model.zero_grad()
    loss = model(input_ids=IDS, labels=IDS, use_cache=False).loss
    loss.backward()
    return loss.item(), {n: p.grad.clone() for n, p in model.named_parameters() if p.requires_grad}


def test_merged_products_have_the_gradient_of_pefts_layers(model: Any) -> None:
    loss, wanted = loss_and_gradient(model)
    merged = MergedProducts(model, torch.float32)
    assert len(merged) == 2 * 7
    merged.merge()
    found_loss, found = loss_and_gradient(model)
    assert found_loss == pytest.approx(loss, rel=1e-6)
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-6, msg=name)


def test_layers_get_their_own_way_back(model: Any) -> None:
    before = model(input_ids=IDS, use_cache=False).logits
    merged = MergedProducts(model, torch.float32)
    merged.merge()
    merged.remove()
    assert len(merged) == 0
    torch.testing.assert_close(model(input_ids=IDS, use_cache=False).logits, before)
    with model.disable_adapter():
        bare = model(input_ids=IDS, use_cache=False).logits
    assert not torch.equal(bare, before)


def test_layers_with_a_dropout_are_left_alone(settings: TrainSettings) -> None:
    config = LoraConfig(r=2, lora_dropout=0.1, target_modules="all-linear", task_type="CAUSAL_LM")
    assert len(MergedProducts(get_peft_model(load_base(settings), config), torch.float32)) == 0
