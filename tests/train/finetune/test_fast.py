import math
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from transformers import Qwen2Config, Qwen2ForCausalLM

from deskwheel.errors import ConfigError
from deskwheel.settings import TrainSettings
from tests.train.rows import chat_rows
from train.files import WEIGHTS
from train.finetune.fast import learning_rate_share, order_of
from train.finetune.loop import train_adapter
from train.finetune.native import load_kernels


@given(st.integers(1, 9), st.integers(0, 30), st.integers(1, 12))
def test_each_epoch_has_every_sequence_once(sequences: int, start: int, count: int) -> None:
    whole = order_of(sequences, seed=1, start=0, count=start + count)
    assert order_of(sequences, seed=1, start=start, count=count) == whole[start:]
    epoch = order_of(sequences, seed=1, start=2 * sequences, count=sequences)
    assert sorted(epoch) == list(range(sequences))


def test_epochs_and_seeds_differ_in_order() -> None:
    orders = [
        tuple(order_of(50, seed=seed, start=start, count=50))
        for seed in (1, 2)
        for start in (0, 50)
    ]
    assert len(set(orders)) == 4


def test_the_learning_rate_rises_and_falls_as_that_of_transformers() -> None:
    share = [learning_rate_share(s, warmup=2, steps=6) for s in range(6)]
    halves = [0.5 * (1 + math.cos(math.pi * s / 4)) for s in range(4)]
    assert share == [0.0, 0.5, *halves]


def test_another_kind_of_model_is_refused(
    settings: TrainSettings, tokenizer: Any, tmp_path: Path
) -> None:
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=2, bos_token_id=None, eos_token_id=2,
    )  # fmt: skip
    Qwen2ForCausalLM(config).save_pretrained(tmp_path / "other")
    tokenizer.save_pretrained(tmp_path / "other")
    other = replace(settings, base_model=str(tmp_path / "other"), engine="fast")
    with pytest.raises(ConfigError, match=r"is qwen2; set train.engine='sft'"):
        train_adapter(chat_rows(2), other, directory=tmp_path, report=lambda *_: None)


@pytest.mark.parametrize("compiles", ["auto", "off"])
def test_a_run_in_bfloat16_on_two_lanes_goes_on_bit_for_bit(
    settings: TrainSettings, tmp_path: Path, compiles: str
) -> None:
    settings = replace(
        settings, engine="fast", precision="bf16", threads=2, lora_r=16, steps=4,
        checkpoint_steps=2, patience=0, compile=compiles,
    )  # fmt: skip

    def run(name: str, start: Path | None = None) -> dict[str, object]:
        def keep(_: Mapping[str, float], checkpoint: Path | None) -> None:
            if checkpoint is not None:
                shutil.copytree(checkpoint, tmp_path / name / checkpoint.name)

        out = train_adapter(
            chat_rows(8), settings, directory=tmp_path / f"{name}-local", report=keep,
            resume_from=start,
        )  # fmt: skip
        has_kernels = compiles == "auto" and load_kernels() is not None
        assert out.compiled == ("kernels" if has_kernels else "off")
        stored = load_file(str(tmp_path / name / "checkpoint-4" / WEIGHTS))
        return {key: value.tolist() for key, value in stored.items()}

    whole = run("whole")
    assert run("resumed", tmp_path / "whole/checkpoint-2") == whole
    assert run("again") == whole
