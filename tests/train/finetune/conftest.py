from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from deskwheel.settings import TrainSettings
from tests.train.rows import quick
from train.model import load_tokenizer


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
