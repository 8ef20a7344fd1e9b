from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from deskwheel.settings import TrainSettings
from tests.train.rows import quick
from train.finetune.methods import adapter_config
from train.finetune.packed import Example
from train.model import load_base, load_tokenizer


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    return load_tokenizer(quick())


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> Path:
    """A random Llama of two layers whose keys and values are shared by two heads."""
    folder = tmp_path_factory.mktemp("base")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256,
        tie_word_embeddings=True, pad_token_id=0, bos_token_id=None, eos_token_id=2,
        attn_implementation="sdpa",
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    for layer in model.model.layers:
        torch.nn.init.normal_(layer.input_layernorm.weight, mean=1.0, std=0.3)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def settings(tiny_base: Path) -> TrainSettings:
    """A run of seconds in full precision on the tiny base."""
    return replace(quick(), base_model=str(tiny_base), precision="fp32", threads=1)


@pytest.fixture
def model(settings: TrainSettings) -> Any:
    """The tiny base under an adapter that is no longer the zero it begins as."""
    torch.manual_seed(1)
    model = get_peft_model(load_base(settings), adapter_config(settings))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


@pytest.fixture
def examples() -> list[Example]:
    rng = np.random.default_rng(3)
    return [
        Example(ids=rng.integers(4, 1900, size).astype(np.int32), prompt_tokens=size // 2)
        for size in (30, 7, 31, 12, 29, 2)
    ]
