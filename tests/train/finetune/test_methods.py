from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import LlamaConfig

from deskwheel.errors import ConfigError
from deskwheel.settings import TrainSettings
from train.finetune.methods import (
    adapter_config,
    check_method,
    has_lean_form,
    quantization,
    split_batch,
)
from train.finetune.served import check_served

PLAIN = TrainSettings()


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"method": "qlora"}, "set train.method='lora'"),
        ({"parallel": "fsdp2"}, "train.parallel='ddp'"),
        ({"engine": "fast", "method": "full"}, "set train.engine='sft'"),
        ({"engine": "fast", "use_gpu": True}, "set train.engine='sft'"),
        ({"engine": "fast", "gradient_checkpointing": "on"}, "set train.engine='sft'"),
    ],
)
def test_what_this_machine_cannot_do_is_refused_with_a_remedy(
    change: dict[str, object], remedy: str
) -> None:
    with pytest.raises(ConfigError, match=remedy):
        check_method(replace(PLAIN, **change))


def test_qlora_names_the_package_that_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match="package bitsandbytes"):
        check_method(replace(PLAIN, method="qlora", use_gpu=True))


def test_only_qlora_holds_the_base_in_four_bits() -> None:
    assert quantization(PLAIN, torch.bfloat16) is None
    found = quantization(replace(PLAIN, method="qlora"), torch.float16)
    assert (found.bnb_4bit_quant_type, found.bnb_4bit_compute_dtype) == ("nf4", torch.float16)


@pytest.mark.parametrize("change", [{"method": "full"}, {"parallel": "fsdp2"}])
def test_what_cannot_be_judged_is_not_for_the_pipeline(change: dict[str, str]) -> None:
    check_served(PLAIN)
    with pytest.raises(ConfigError, match="call train.finetune.loop.train_adapter"):
        check_served(replace(PLAIN, **change))


def test_a_full_fine_tune_has_no_adapter() -> None:
    assert adapter_config(replace(PLAIN, method="full")) is None
    assert adapter_config(PLAIN).r == PLAIN.lora_r


@pytest.mark.parametrize(
    ("settings", "workers", "expected"),
    [
        ({"batch_size": 2, "accumulation": 3, "workers": 2}, 2, (2, 3)),
        ({"batch_size": 4, "global_batch": 16, "workers": 2}, 2, (4, 2)),
        ({"batch_size": 4, "global_batch": 6, "workers": 2}, 2, (3, 1)),
        ({"batch_size": 8, "global_batch": 2, "workers": 1}, 1, (2, 1)),
        ({"batch_size": 1, "global_batch": 8, "workers": 4, "min_workers": 1}, 3, (1, 3)),
    ],
)
def test_accumulation_follows_from_the_global_batch(
    settings: dict[str, int], workers: int, expected: tuple[int, int]
) -> None:
    assert split_batch(replace(PLAIN, **settings), workers) == expected


def test_a_global_batch_that_workers_cannot_share_is_refused() -> None:
    with pytest.raises(ConfigError, match="set it to 6"):
        split_batch(replace(PLAIN, global_batch=5, workers=2), 2)


@pytest.mark.parametrize(
    "other", [{"attention_bias": True}, {"hidden_act": "gelu"}, {"attention_dropout": 0.1}]
)
def test_a_llama_with_parts_that_are_not_known_has_no_lean_form(other: dict[str, Any]) -> None:
    assert has_lean_form(LlamaConfig())
    assert not has_lean_form(LlamaConfig(**other))
