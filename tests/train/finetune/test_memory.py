from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaMLP

from deskwheel.settings import TrainSettings
from tests.train.rows import chat_rows
from train.finetune.loop import train_adapter
from train.finetune.memory import needed_bytes, recomputes

GPU = TrainSettings(use_gpu=True)
GIB = 2**30
TINY = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2,
    )
)  # fmt: skip


class EightB:
    """What is asked of Llama-3-8B, without its weights."""

    config = LlamaConfig(hidden_size=4096, num_hidden_layers=32)

    def get_memory_footprint(self) -> int:
        return 16 * 10**9


@pytest.fixture
def eighty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU with 80 GiB."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.current_device", lambda: 0)
    found = SimpleNamespace(total_memory=80 * GIB)
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda _: found)


def test_weights_and_activations_are_counted_as_by_hand() -> None:
    weights = TINY.get_memory_footprint()
    found = needed_bytes(GPU, TINY, tokens=10, is_wide=False)
    assert found == weights + 10 * 16 * 2 * 34
    assert needed_bytes(GPU, TINY, tokens=10, is_wide=True) == weights + 2 * 10 * 16 * 2 * 34
    full = replace(GPU, method="full", parallel="fsdp2", workers=2)
    assert needed_bytes(full, TINY, tokens=0, is_wide=False) == 2 * weights


@pytest.mark.parametrize(("tokens", "expected"), [(4096, False), (8192, False), (16384, True)])
def test_eight_billion_parameters_recompute_where_eighty_gib_do_not_hold_them(
    eighty: None, tokens: int, expected: bool
) -> None:
    assert recomputes(GPU, EightB(), tokens=tokens) is expected


@pytest.mark.parametrize(("said", "expected"), [("on", True), ("off", False)])
def test_what_a_person_says_is_done(eighty: None, said: str, expected: bool) -> None:
    settings = replace(GPU, gradient_checkpointing=said)
    assert recomputes(settings, EightB(), tokens=10**6 if expected else 1) is expected
    assert recomputes(replace(settings, use_gpu=False), TINY, tokens=1) is expected


def test_a_cpu_keeps_activations(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not recomputes(TrainSettings(), EightB(), tokens=10**9)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not recomputes(GPU, EightB(), tokens=10**9)


def test_losses_do_not_depend_on_recomputation(
    settings: TrainSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [0]
    forward = LlamaMLP.forward

    def count(self: LlamaMLP, *arguments: Any) -> Any:
        calls[0] += self.training
        return forward(self, *arguments)

    def losses(said: str) -> list[float]:
        mine = replace(settings, gradient_checkpointing=said)
        folder = tmp_path / said
        folder.mkdir()
        out = train_adapter(
            chat_rows(12), mine, directory=folder, report=lambda metrics, checkpoint: None
        )
        return [float(entry["loss"]) for entry in out.history]

    monkeypatch.setattr(LlamaMLP, "forward", count)
    kept = losses("off")
    assert calls == [0], "a Llama on a CPU is computed by its lean form"
    again = losses("on")
    assert again == pytest.approx(kept, rel=1e-4)
    layers = LlamaConfig.from_pretrained(settings.base_model).num_hidden_layers
    assert calls == [2 * layers * settings.steps * settings.accumulation]
