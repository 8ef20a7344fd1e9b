import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from deskwheel.errors import AdapterError
from deskwheel.settings import TrainSettings
from tests.train.rows import chat_rows, quick
from train.files import MANIFEST, WEIGHTS, export_adapter
from train.finetune.loop import train_adapter


def train(folder: Path, settings: TrainSettings, *, start_from: Path | None = None) -> Path:
    """A short run; the folder of its adapter."""

    def report(metrics: Mapping[str, float], checkpoint: Path | None) -> None:
        if checkpoint is not None:
            export_adapter(checkpoint, folder / "adapter")

    train_adapter(
        chat_rows(6), settings, directory=folder / "local", report=report, start_from=start_from
    )
    return folder / "adapter"


def plain(engine: str, **changes: object) -> TrainSettings:
    return quick(engine=engine, precision="fp32", steps=2, checkpoint_steps=2, **changes)


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("champion"), plain("fast"))


@pytest.mark.parametrize("engine", ["sft", "fast"])
def test_a_warm_start_goes_on_from_the_champions_weights(
    engine: str, champion: Path, tmp_path: Path
) -> None:
    # Two steps of so small a learning rate change nothing that could be seen.
    warm = train(tmp_path, plain(engine, lr=1e-7), start_from=champion)
    before, after = load_file(str(champion / WEIGHTS)), load_file(str(warm / WEIGHTS))
    assert set(before) == set(after)
    assert any(w.abs().max() > 1e-4 for name, w in before.items() if "lora_B" in name)
    for name, weights in before.items():
        torch.testing.assert_close(after[name], weights, atol=1e-5, rtol=0)


def test_an_adapter_of_another_rank_is_refused(champion: Path, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="no adapter of the shape"):
        train(tmp_path, plain("fast", lora_r=2), start_from=champion)


def test_an_adapter_of_another_base_is_refused(champion: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(champion, other)
    manifest = json.loads((other / MANIFEST).read_text())
    (other / MANIFEST).write_text(json.dumps({**manifest, "base_fingerprint": "0" * 64}))
    with pytest.raises(AdapterError, match="base_fingerprint"):
        train(tmp_path, replace(plain("fast"), steps=1), start_from=other)
