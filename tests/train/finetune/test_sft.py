from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deskwheel.settings import TrainSettings
from tests.train.finetune.test_varlen import one_by_one
from tests.train.rows import chat_rows
from train.finetune import compiled, sft, varlen
from train.finetune.loop import train_adapter
from train.finetune.prepare import pack_chats
from train.model import load_tokenizer


@pytest.mark.parametrize("gradient_checkpointing", ["off", "on"])
def test_a_run_by_length_and_compiled_learns_what_a_run_with_a_mask_learns(
    settings: TrainSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gradient_checkpointing: str,
) -> None:
    settings = replace(
        settings, precision="fp32", steps=2, checkpoint_steps=1, patience=3, max_length=256,
        gradient_checkpointing=gradient_checkpointing,
    )  # fmt: skip
    tokenizer = load_tokenizer(settings)
    train, dev = (pack_chats(chat_rows(n), tokenizer, settings) for n in (9, 4))
    assert train.most_examples > 1
    monkeypatch.setattr(sft, "_stand_in", lambda *_, **__: None)

    def reports(name: str) -> list[Mapping[str, float]]:
        seen: list[Mapping[str, float]] = []
        train_adapter(
            train, settings, directory=tmp_path / name, dev=dev,
            report=lambda metrics, _: seen.append(
                {k: v for k, v in metrics.items() if k in ("loss", "dev_loss")}
            ),
        )  # fmt: skip
        return seen

    wanted = reports("mask")
    calls: list[int] = []

    def kernel(*arguments: Any, **more: Any) -> Any:
        calls.append(arguments[5])
        return one_by_one(*arguments, **more)

    monkeypatch.setattr(sft, "attends_by_length", lambda *_, **__: True)
    monkeypatch.setattr(varlen, "varlen_attn", kernel)
    assert_same(reports("length"), wanted)
    assert calls
    calls.clear()
    # Uncompiled code under the same wrapping: a compiler of C++ would take half a minute.
    monkeypatch.setattr(sft, "compiles", lambda *_: True)
    monkeypatch.setattr(compiled.torch, "compile", lambda forward, **_: forward)
    assert_same(reports("compiled"), wanted)
    assert set(calls) == {settings.max_length}


def assert_same(found: list[Mapping[str, float]], wanted: list[Mapping[str, float]]) -> None:
    """Losses of two runs, by report; sums in another order round differently."""
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one == pytest.approx(other, rel=1e-5)
