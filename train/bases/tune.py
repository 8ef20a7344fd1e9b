"""A micro fine-tune: how well a candidate predicts held-out answers after a few examples.

The only file of the package that trains; it does so by the recipe of a real run.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from deskwheel.settings import TrainSettings
from train.bases.score import answer_nlls
from train.data.training_set import ChatRow
from train.finetune.loop import train_adapter
from train.finetune.methods import FAST_MODELS
from train.finetune.prepare import pack_chats
from train.model import load_tokenizer

_LOOKS = 3
"""Model checkpoints a run, of which the best on dev counts: few examples are soon learnt by heart,
and the paper's losses are the lowest of each run, too."""


def recipe_for(model_type: str, settings: TrainSettings, *, steps: int) -> TrainSettings:
    """The settings of a real run with so many steps, none of them saved by stopping early.

    The fast engine gives way to TRL's trainer for a base that it does not know.
    """
    is_known = settings.engine != "fast" or model_type in FAST_MODELS
    return replace(
        settings,
        steps=steps,
        checkpoint_steps=max(1, -(-steps // _LOOKS)),
        patience=_LOOKS + 1,
        engine=settings.engine if is_known else "sft",
        base_sha256="",
    )


def tune(
    rows: Sequence[ChatRow],
    recipe: TrainSettings,
    *,
    dev: Sequence[ChatRow],
    test: Sequence[ChatRow],
) -> dict[str, Any]:
    """Fine-tune on rows and measure test at the step that was best on dev; the last without dev.

    Returns:
        A point of the scaling curve: examples, step, and nats of each test answer.
    """
    packed = pack_chats(dev, load_tokenizer(recipe), recipe) if dev else None
    with tempfile.TemporaryDirectory(prefix="deskwheel-bases-") as folder:
        outcome = train_adapter(rows, recipe, directory=Path(folder), report=_ignore, dev=packed)
        nll = answer_nlls(outcome.tokenizer, outcome.model, test)
    return {"examples": len(rows), "step": outcome.best_step, "nll": nll}


def _ignore(metrics: Mapping[str, float], checkpoint: Path | None) -> None:
    """Nobody watches a micro fine-tune."""
