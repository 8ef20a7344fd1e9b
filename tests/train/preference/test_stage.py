import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import get_peft_model_state_dict
from safetensors.torch import load_file

from deskwheel.errors import CheckpointError
from deskwheel.settings import TrainSettings
from tests.train.preference.rows import preferences
from train.files import WEIGHTS, export_adapter
from train.finetune.checkpoints import check_seal
from train.finetune.engine import Metrics
from train.finetune.loop import Outcome
from train.finetune.packed import PackedSet
from train.preference.stage import Learnt, learn_preferences

FOUND = preferences(pair_count=12, judged_count=12)

Run = Callable[..., Learnt]


class Told(list[tuple[Metrics, Path | None]]):
    """Reports, as Ray would get them."""

    def __call__(self, metrics: Metrics, folder: Path | None) -> None:
        self.append((metrics, folder))

    def checkpoint(self) -> Path:
        return next(folder for _, folder in self if folder is not None)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def tuned(tune: Callable[[], Outcome]) -> Outcome:
    return tune()


@pytest.fixture
def learn(
    tuned: Outcome, settings: TrainSettings, dev: PackedSet, tmp_path: Path, told: Told
) -> Run:
    def run(resume_from: Path | None = None, **changes: Any) -> Learnt:
        return learn_preferences(
            tuned, FOUND, replace(settings, **changes), dev=dev, directory=tmp_path / "run",
            report=told, resume_from=resume_from,
        )  # fmt: skip

    return run


def weights(model: Any) -> dict[str, torch.Tensor]:
    return {k: v.detach().clone() for k, v in get_peft_model_state_dict(model).items()}


def is_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


@pytest.mark.parametrize("method", ["dpo", "kto"])
@pytest.mark.parametrize("engine", ["fast", "sft"])
def test_preferences_raise_the_wanted_answers_over_the_others(
    method: str, engine: str, settings: TrainSettings, tune: Callable[[], Outcome],
    dev: PackedSet, tmp_path: Path, told: Told,
) -> None:  # fmt: skip
    settings = replace(settings, preference=method)
    tuned = tune(engine=engine)
    before = weights(tuned.model)
    learnt = learn_preferences(
        tuned, FOUND, settings, dev=dev, directory=tmp_path / "run", report=told
    )
    assert learnt.is_taken, learnt.reason
    assert learnt.before is not None
    assert learnt.after is not None
    assert learnt.after.margin > learnt.before.margin
    assert learnt.after.accuracy > learnt.before.accuracy
    assert learnt.steps == 9
    assert not is_same(before, weights(tuned.model))
    assert list(tuned.model.peft_config) == [tuned.model.active_adapter] == ["default"]


@pytest.mark.parametrize(("method", "loss"), [("dpo", math.log(2)), ("kto", 0.5)])
def test_the_fine_tuned_adapter_is_the_reference(
    learn: Run, tuned: Outcome, told: Told, method: str, loss: float
) -> None:
    """Log-ratios are zero at first; with the bare base as the reference they would not be."""
    learnt = learn(preference=method)
    first = learnt.history[0]
    assert first["preference_loss"] == pytest.approx(loss, abs=1e-6)
    assert first["preference_margin"] == 0.0
    steps = [(m["preference_step"], m["preference_steps"]) for m, _ in told[:-1]]
    assert steps == [(entry["step"] - tuned.steps, learnt.steps) for entry in learnt.history]
    assert told[-1][0]["is_over"] == 1.0


def test_too_few_preferences_are_not_learnt(learn: Run, tuned: Outcome, told: Told) -> None:
    before = weights(tuned.model)
    learnt = learn(min_preferences=13, min_thumbs=13)
    assert (learnt.method, learnt.is_taken) == ("none", False)
    assert learnt.to_plain() == {
        "told": "none: dpo: 12 of 13 edited drafts in train;"
        " kto: 12 of 13 thumbs and negatives in train",
        "history": [],
    }
    assert is_same(before, weights(tuned.model))
    assert not told


def test_preferences_that_do_not_fit_are_not_learnt(learn: Run) -> None:
    assert learn(preference="dpo", max_length=16).to_plain()["told"] == (
        "none: dpo: 0 of 8 edited drafts in train; left out: 36 too long"
    )


def test_a_worse_loss_on_dev_keeps_the_fine_tuned_adapter(
    learn: Run, tuned: Outcome, told: Told, tmp_path: Path
) -> None:
    before = weights(tuned.model)
    learnt = learn(preference_epochs=12.0, preference_loss_margin=0.0)
    assert learnt.after is not None
    assert not learnt.is_taken
    assert "more than train.preference_loss_margin=0.0" in learnt.reason
    assert is_same(before, weights(tuned.model))
    export_adapter(told.checkpoint(), tmp_path / "served")
    assert is_same(before, load_file(str(tmp_path / "served" / WEIGHTS)))


def test_a_loss_that_is_no_number_keeps_the_fine_tuned_adapter(learn: Run, tuned: Outcome) -> None:
    before = weights(tuned.model)
    learnt = learn(preference_lr=1e30)
    assert not learnt.is_taken
    assert "its loss was nan at step" in learnt.reason
    assert learnt.after is None
    assert is_same(before, weights(tuned.model))


def test_the_adapter_that_is_taken_is_the_one_that_is_served(
    learn: Run, tuned: Outcome, told: Told, tmp_path: Path
) -> None:
    assert learn().is_taken
    check_seal(told.checkpoint())
    export_adapter(told.checkpoint(), tmp_path / "served")
    assert is_same(weights(tuned.model), load_file(str(tmp_path / "served" / WEIGHTS)))


def test_a_run_that_goes_on_does_not_learn_preferences_twice(
    learn: Run, tune: Callable[..., Outcome], told: Told, tmp_path: Path
) -> None:
    learnt = learn()
    stored = told.checkpoint().rename(tmp_path / "stored")
    again = tune(resume_from=stored)
    taken = load_file(str(stored / "best" / "adapter" / WEIGHTS))
    assert is_same(weights(again.model), taken)
    assert learn(resume_from=stored) == learnt
    assert is_same(weights(again.model), taken)


def test_a_run_that_goes_on_learns_what_the_first_would_have(
    learn: Run, tune: Callable[..., Outcome], told: Told, tmp_path: Path, settings: TrainSettings,
    dev: PackedSet,
) -> None:  # fmt: skip
    checkpoint = sorted((tmp_path / "run").glob("checkpoint-*"))[-1].rename(tmp_path / "stored")
    again = learn_preferences(
        tune(resume_from=checkpoint), FOUND, settings, dev=dev, directory=tmp_path / "other",
        report=told, resume_from=checkpoint,
    )  # fmt: skip
    assert again.history == learn(resume_from=checkpoint).history


def test_the_history_ends_with_what_dev_says(learn: Run, told: Told, tuned: Outcome) -> None:
    plain = learn().to_plain()
    assert plain["told"].startswith("dpo: accuracy on dev 0.")
    assert plain["told"].endswith("(taken)")
    steps = [entry["step"] for entry in plain["history"]]
    assert steps == sorted(steps)
    assert steps[0] == tuned.steps + 1
    assert plain["history"][-1]["preference_dev_accuracy_after"] == 1.0
    reports = [m for m, folder in told if folder is None]
    assert [m["preference_step"] for m in reports] == [step - tuned.steps for step in steps]
    assert {m["preference_steps"] for m in reports} == {9.0}
    for report, entry in zip(reports, plain["history"], strict=True):
        own = {"preference_step", "preference_steps"}
        assert {k: v for k, v in report.items() if k not in own}.items() <= entry.items()


def test_a_checkpoint_that_cannot_be_written_is_said(learn: Run, tmp_path: Path) -> None:
    (tmp_path / "run" / "preferred").write_text("in the way")
    with pytest.raises(CheckpointError, match="model checkpoint of preferences cannot be written"):
        learn()
