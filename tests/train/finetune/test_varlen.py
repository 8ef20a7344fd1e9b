from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, Qwen2Config

from deskwheel.settings import TrainSettings
from train.finetune import varlen
from train.finetune.batches import Frame, collate, lay_side_by_side
from train.finetune.methods import attends_by_length
from train.finetune.packed import Example
from train.finetune.varlen import attending_by_length

GPU = TrainSettings(use_gpu=True)
SIZE: dict[str, Any] = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2,
}  # fmt: skip
CONFIGS = {
    "llama": LlamaConfig(**SIZE),
    "qwen2": Qwen2Config(**SIZE),
    "mistral": MistralConfig(**SIZE, sliding_window=None),
}


def one_by_one(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    starts: torch.Tensor,
    _: torch.Tensor,
    *__: int,
    scale: float,
    window_size: tuple[int, int],
    enable_gqa: bool,
) -> torch.Tensor:
    """A stand-in for the GPU's kernel: PyTorch's plain attention, an example after the other."""
    assert window_size == (-1, 0)
    seen = [
        functional.scaled_dot_product_attention(
            *(part[start:end].transpose(0, 1) for part in (query, key, value)),
            is_causal=True,
            scale=scale,
            enable_gqa=enable_gqa,
        ).transpose(0, 1)
        for start, end in zip(starts.tolist(), starts.tolist()[1:], strict=False)
        if end > start
    ]
    return torch.cat(seen)


@pytest.fixture
def _kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(varlen, "varlen_attn", one_by_one)


def drawn(*sizes: int) -> list[Example]:
    rng = np.random.default_rng(0)
    return [
        Example(ids=rng.integers(4, 60, size).astype(np.int32), prompt_tokens=1) for size in sizes
    ]


@pytest.mark.usefixtures("_kernel")
@pytest.mark.parametrize("family", CONFIGS)
def test_attention_by_length_says_what_a_mask_says(family: str) -> None:
    torch.manual_seed(0)
    model: Any = AutoModelForCausalLM.from_config(CONFIGS[family], attn_implementation="sdpa")
    examples = drawn(9, 17, 5)
    rows = [lay_side_by_side(examples), lay_side_by_side(examples[:1])]
    masked = collate(rows, 0, Frame(width=40, examples=1))
    by_length = collate(rows, 0, Frame(width=40, examples=3))
    wanted = gradients(model, masked)
    with attending_by_length(model):
        found = gradients(model, by_length)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(gradients(model, masked), wanted)


def gradients(model: Any, batch: dict[str, Any]) -> list[torch.Tensor]:
    """Loss and what every weight is told."""
    model.zero_grad()
    loss = model(**batch, use_cache=False).loss
    loss.backward()
    return [loss.detach(), *(p.grad.clone() for p in model.parameters())]


@pytest.mark.usefixtures("_kernel")
def test_what_would_cross_examples_is_refused() -> None:
    model: Any = AutoModelForCausalLM.from_config(CONFIGS["llama"], attn_implementation="sdpa")
    batch = collate([lay_side_by_side(drawn(5, 7))], 0, Frame(width=12, examples=2))
    told = {name: batch.pop(name) for name in list(batch) if name.startswith(("cu_", "max_"))}
    with attending_by_length(model):
        with pytest.raises(TypeError, match="cu_seq_lens_q"):
            model(**batch, use_cache=False)
        with pytest.raises(TypeError, match="takes no attention mask"):
            model(**batch, **told, attention_mask=torch.tensor([[0] + [1] * 11]), use_cache=False)


@pytest.fixture
def _hopper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))


def holding(**more: Any) -> Any:
    return SimpleNamespace(config=LlamaConfig(**{**SIZE, **more}))


@pytest.mark.usefixtures("_hopper")
def test_a_gpu_attends_by_length_where_its_kernels_can(monkeypatch: pytest.MonkeyPatch) -> None:
    assert attends_by_length(GPU, holding(), precision="bf16")
    assert not attends_by_length(GPU, holding(), precision="fp32")
    assert not attends_by_length(GPU, holding(head_dim=12), precision="bf16")
    assert not attends_by_length(GPU, holding(attention_dropout=0.1), precision="bf16")
    assert not attends_by_length(GPU, holding(head_dim=512), precision="bf16")
    assert not attends_by_length(replace(GPU, use_gpu=False), holding(), precision="bf16")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (7, 5))
    assert not attends_by_length(GPU, holding(), precision="fp16")


@pytest.mark.usefixtures("_hopper")
def test_layers_that_see_the_nearest_tokens_alone_keep_their_mask() -> None:
    windowed = SimpleNamespace(config=MistralConfig(**SIZE, sliding_window=16))
    assert not attends_by_length(GPU, windowed, precision="bf16")
    assert attends_by_length(GPU, SimpleNamespace(config=Qwen2Config(**SIZE)), precision="bf16")
