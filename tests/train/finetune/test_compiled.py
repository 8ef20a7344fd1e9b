from dataclasses import replace
from typing import Any

import pytest
import torch
from peft import get_peft_model
from torch._dynamo.testing import CompileCounter
from transformers import LlamaConfig, LlamaForCausalLM

from deskwheel.settings import TrainSettings
from train.finetune import compiled
from train.finetune.compiled import compiled_layers, compiles
from train.finetune.methods import adapter_config

LARGE = TrainSettings(
    use_gpu=True, steps=100, max_length=4096, batch_size=1, accumulation=4, workers=1
)


class EightB:
    """What is asked of Llama-3-8B, without its weights."""

    def num_parameters(self) -> int:
        return 8 * 10**9


@pytest.fixture
def _gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(compiled.importlib.util, "find_spec", lambda name: name)


@pytest.mark.usefixtures("_gpu")
def test_a_long_run_of_a_large_base_is_compiled_and_no_other() -> None:
    assert compiles(LARGE, EightB())
    assert not compiles(replace(LARGE, steps=20), EightB())
    for other in (
        {"compile": "off"}, {"use_gpu": False}, {"method": "qlora"}, {"parallel": "fsdp2"},
    ):  # fmt: skip
        assert not compiles(replace(LARGE, **other), EightB()), other


@pytest.mark.usefixtures("_gpu")
def test_what_several_workers_share_counts_for_each_of_them_in_part() -> None:
    shared = replace(LARGE, steps=40, global_batch=4)
    assert compiles(shared, EightB())
    assert not compiles(replace(shared, workers=4), EightB())


def test_layers_share_their_code_and_are_themselves_again(monkeypatch: pytest.MonkeyPatch) -> None:
    size: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2}
    base = LlamaForCausalLM(LlamaConfig(vocab_size=64, num_hidden_layers=4, **size))
    model: Any = get_peft_model(base, adapter_config(TrainSettings()))
    counter = CompileCounter()
    plain = torch.compile
    monkeypatch.setattr(torch, "compile", lambda f, **more: plain(f, backend=counter, **more))
    ids = torch.arange(12)[None]
    wanted = model(input_ids=ids, labels=ids, use_cache=False).loss
    with compiled_layers(base):
        for _ in range(3):
            loss = model(input_ids=ids, labels=ids, use_cache=False).loss
            loss.backward()
    torch.testing.assert_close(loss, wanted)
    # The first layer's input needs no gradient; that of all others does.
    assert counter.frame_count == 2
    assert all("forward" not in vars(layer) for layer in base.model.layers)
