from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deskwheel.settings import TrainSettings
from tests.train.finetune.conftest import tiny_base, tokenizer  # noqa: F401  fixtures
from tests.train.rows import chat_rows, quick
from train.finetune.engine import Metrics
from train.finetune.loop import Outcome, train_adapter
from train.finetune.packed import PackedSet
from train.finetune.prepare import pack_chats
from train.model import load_tokenizer
from train.preference.trainers import Lesson


@pytest.fixture
def settings(tiny_base: Path) -> TrainSettings:  # noqa: F811  the fixture above
    """A run of seconds in full precision on the tiny base, with few preferences enough."""
    return replace(
        quick(), base_model=str(tiny_base), precision="fp32", engine="fast", preference="auto",
        min_preferences=8, min_thumbs=8, preference_lr=5e-3, preference_batch=4,
        preference_epochs=3.0, preference_loss_margin=1.0,
    )  # fmt: skip


@pytest.fixture
def dev(settings: TrainSettings) -> PackedSet:
    return pack_chats(chat_rows(4), load_tokenizer(settings), settings)


@pytest.fixture
def tune(settings: TrainSettings, tmp_path: Path, dev: PackedSet) -> Callable[..., Outcome]:
    """Fine-tunes an adapter into a folder named `run`, always the same one."""

    def run(resume_from: Path | None = None, **changes: Any) -> Outcome:
        def report(metrics: Metrics, folder: Path | None) -> None:
            """Nobody looks."""

        return train_adapter(
            chat_rows(8), replace(settings, **changes), directory=tmp_path / "run",
            report=report, dev=dev, resume_from=resume_from,
        )  # fmt: skip

    return run


@pytest.fixture
def lesson(tune: Callable[[], Outcome], settings: TrainSettings, tmp_path: Path) -> Lesson:
    tuned = tune()
    return Lesson(
        settings=settings, model=tuned.model, tokenizer=tuned.tokenizer, precision="fp32",
        workers=1, directory=tmp_path / "preference", report=lambda _: None,
    )  # fmt: skip
