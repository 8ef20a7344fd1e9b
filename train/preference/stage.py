"""The stage between a fine-tune and its evaluation: preferences learnt, and taken if they help.

Changes the adapter of a model, and writes a model checkpoint with the adapter that was decided on.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from peft import get_peft_model_state_dict, set_peft_model_state_dict
from torch.distributed import broadcast_object_list, get_rank, get_world_size, is_initialized

from deskwheel.errors import DivergedError
from deskwheel.settings import TrainSettings
from train.files import BEST
from train.finetune.checkpoints import seal, storing
from train.finetune.engine import Metrics, Report
from train.finetune.loop import Outcome
from train.finetune.packed import PackedSet
from train.finetune.precision import DTYPES
from train.model import save_adapter
from train.preference.answers import Preferences
from train.preference.choice import choose_method, decide
from train.preference.comparisons import Comparisons, compare_judged, compare_pairs
from train.preference.encode import encode_judged, encode_pairs, only_fitting
from train.preference.lean import LeanAnswers, is_lean
from train.preference.rewards import Judge, Standing
from train.preference.trainers import REFERENCE, Lesson, count_steps, dpo_trainer, kto_trainer

RECORD = "preference.json"
"""In a model checkpoint: the stage is done, and what came of it."""


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """What came of the stage."""

    method: str
    """dpo, kto, or none where it was skipped."""
    is_taken: bool
    reason: str
    """Why it was skipped, taken or not taken, with numbers."""
    steps: int = 0
    before: Standing | None = None
    after: Standing | None = None
    left_out: str = ""
    """Preferences that were not learnt, in words; empty where all were."""
    history: tuple[Metrics, ...] = ()
    """One entry a report, its steps counted on from those of the fine-tune."""

    def to_plain(self) -> dict[str, Any]:
        """For the run's answer: `told` in one line, and the history, dev before and after in it."""
        standings = {"before": self.before, "after": self.after}
        ends = {
            f"preference_dev_{name}_{when}": value
            for when, standing in standings.items()
            if standing is not None
            for name, value in asdict(standing).items()
            if value is not None
        }
        history = [dict(entry) for entry in self.history]
        if history:
            history[-1] |= ends
        told = f"{self.method}: {self.reason}"
        if self.before:
            told += " (taken)" if self.is_taken else " (not taken)"
        if self.left_out:
            told += f"; left out: {self.left_out}"
        return {"told": told, "history": history}

    def write(self, folder: Path) -> None:
        """Into a model checkpoint, before it is sealed."""
        (folder / RECORD).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Learnt | None":
        """Out of a model checkpoint; None where the stage was not done yet."""
        if not (folder / RECORD).is_file():
            return None
        plain = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        for name in ("before", "after"):
            plain[name] = Standing(**plain[name]) if plain[name] else None
        return cls(**{**plain, "history": tuple(plain["history"])})


@dataclass(frozen=True)
class _Task:
    """Encoded preferences of one method."""

    method: str
    train: Sequence[Any]
    comparisons: Comparisons
    left_out: str


def learn_preferences(
    tuned: Outcome,
    found: Preferences | None,
    settings: TrainSettings,
    *,
    dev: PackedSet | None,
    directory: Path,
    report: Report,
    resume_from: Path | None = None,
) -> Learnt:
    """Train the fine-tuned adapter on; afterwards the model has it as before, or the better one.

    The result is taken if it ranks dev's answers better than the fine-tuned adapter did, and the
    loss on dev has not risen by more than `train.preference_loss_margin`. A loss that is no number
    ends the stage, not the run.

    Args:
        tuned: the fine-tuned adapter on its base.
        found: the preferences, on rank 0; the other workers may have None.
        settings: method, minimums, optimizer and seed.
        dev: packed ideal examples.
        directory: where the fine-tune has written its model checkpoints.
        report: receives metrics, and the model checkpoint of this stage.
        resume_from: a model checkpoint; if the stage was done in it, its outcome is returned.

    Raises:
        CheckpointError: the model checkpoint cannot be written.
    """
    done = Learnt.read(resume_from) if resume_from else None
    if done is not None:
        return done
    task = _task(_shared(found), settings, tuned)
    if isinstance(task, Learnt):
        return task
    learnt = _learn(tuned, task, settings, dev=dev, directory=directory, report=report)
    source = _newest(directory, resume_from)
    folder = None
    if source is not None and (not is_initialized() or get_rank() == 0):
        folder = directory / "preferred"
        with storing("model checkpoint of preferences"):
            _write(folder, source, tuned, learnt, base_model=settings.base_model)
    report({"step": float(tuned.steps + learnt.steps), "is_over": 1.0}, folder)
    return learnt


def _task(found: Preferences, settings: TrainSettings, tuned: Outcome) -> "_Task | Learnt":
    """What is to be learnt, or why nothing is."""
    tokenizer, length = tuned.tokenizer, settings.max_length
    found = only_fitting(found, tokenizer, max_length=length)
    method, reason = choose_method(found, settings)
    if method == "none":
        return Learnt(method="none", is_taken=False, reason=reason, left_out=found.left_out())
    if method == "dpo":
        train, dev = (
            encode_pairs(found.pairs[split], tokenizer, max_length=length)
            for split in ("train", "dev")
        )
        comparisons = compare_pairs(dev)
        return _Task(method, train, comparisons=comparisons, left_out=found.left_out())
    judged, dev_judged = (
        encode_judged(found.judged[split], tokenizer, max_length=length)
        for split in ("train", "dev")
    )
    comparisons = compare_judged(dev_judged)
    return _Task(method, judged, comparisons=comparisons, left_out=found.left_out())


def _learn(
    tuned: Outcome,
    task: _Task,
    settings: TrainSettings,
    *,
    dev: PackedSet | None,
    directory: Path,
    report: Report,
) -> Learnt:
    model, history = tuned.model, list[Metrics]()

    planned = float(count_steps(settings, len(task.train)))

    def tell(entry: Metrics) -> None:
        counted_on = {**entry, "step": entry["step"] + tuned.steps}
        history.append(counted_on)
        own = {"preference_step": entry["step"], "preference_steps": planned}
        report({**counted_on, **own}, None)

    lesson = Lesson(
        settings=settings,
        model=model,
        tokenizer=tuned.tokenizer,
        precision=tuned.precision,
        workers=get_world_size() if is_initialized() else 1,
        directory=directory / "preference",
        report=tell,
    )
    kept = {name: value.clone() for name, value in get_peft_model_state_dict(model).items()}
    trainer = (dpo_trainer if task.method == "dpo" else kto_trainer)(lesson, task.train)
    lean = None
    if is_lean(model, settings):
        lean = LeanAnswers(model, frozen=REFERENCE, dtype=DTYPES[tuned.precision])
        trainer.add_callback(lean)
    pad = tuned.tokenizer.pad_token_id
    judge = Judge(model, task.comparisons, dev, pad=pad, precision=tuned.precision)
    learnt = Learnt(
        method=task.method,
        is_taken=False,
        reason="",
        before=judge.judge(),
        left_out=task.left_out,
    )
    try:
        trainer.train()
    except DivergedError as error:
        reason = f"its loss was {error.value} at step {error.step}: the fine-tuned adapter stays"
        learnt = replace(learnt, reason=reason)
    trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    model.delete_adapter(REFERENCE)
    if not learnt.reason:
        learnt = _with_verdict(learnt, judge.judge(), settings)
    if lean is not None:
        lean.remove()
    if not learnt.is_taken:
        set_peft_model_state_dict(model, kept)
    model.eval()
    steps = min(int(planned), trainer.state.global_step)
    return replace(learnt, steps=steps, history=tuple(history))


def _with_verdict(learnt: Learnt, after: Standing, settings: TrainSettings) -> Learnt:
    assert learnt.before is not None
    margin = settings.preference_loss_margin
    is_taken, reason = decide(learnt.before, after, loss_margin=margin)
    return replace(learnt, is_taken=is_taken, reason=reason, after=after)


def _write(folder: Path, source: Path, tuned: Outcome, learnt: Learnt, *, base_model: str) -> None:
    """The fine-tune's last model checkpoint again, with this stage's outcome."""
    shutil.copytree(source, folder)
    if learnt.is_taken:
        save_adapter(tuned.model, tuned.tokenizer, folder / BEST, base_model=base_model)
    learnt.write(folder)
    seal(folder)


def _newest(directory: Path, resume_from: Path | None) -> Path | None:
    """The last model checkpoint of the fine-tune; that of a finished one lies elsewhere."""
    folders = sorted(directory.glob("checkpoint-*"), key=lambda f: int(f.name.split("-")[1]))
    return folders[-1] if folders else resume_from


def _shared(found: Preferences | None) -> Preferences:
    """What rank 0 has found, on every worker."""
    carried = [found]
    if is_initialized():
        broadcast_object_list(carried, src=0)
    return carried[0] or Preferences.none()
