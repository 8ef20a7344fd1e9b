import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from deskwheel.errors import BaseModelError, CheckpointError, DivergedError, NoRoomError
from deskwheel.settings import TrainSettings
from tests.train.rows import chat_rows, quick
from train.files import BEST, WEIGHTS, export_adapter
from train.finetune.checkpoints import RunState, newest_whole
from train.finetune.engine import Pace
from train.finetune.loop import Outcome, train_adapter
from train.finetune.packed import PackedSet
from train.finetune.prepare import pack_chats
from train.model import attach, generate, load_base, load_tokenizer, render

ROWS = chat_rows(12)
ENGINES = ("sft", "fast")


class Killed(Exception):
    """Stands for the death of a worker."""


def plain(engine: str, **changes: object) -> TrainSettings:
    return quick(engine=engine, precision="fp32", **changes)


def dev_of(settings: TrainSettings) -> PackedSet:
    return pack_chats(chat_rows(16)[12:], load_tokenizer(settings), settings)


def train(
    folder: Path,
    settings: TrainSettings,
    *,
    resume_from: Path | None = None,
    die_at: int | None = None,
    dev: PackedSet | None = None,
) -> Outcome:
    """A short run that keeps each model checkpoint under `folder/kept` and may die after one."""

    def report(metrics: Mapping[str, float], checkpoint: Path | None) -> None:
        if checkpoint is not None:
            shutil.copytree(checkpoint, folder / "kept" / checkpoint.name)
            if checkpoint.name == f"checkpoint-{die_at}":
                raise Killed

    folder.mkdir()
    return train_adapter(
        ROWS,
        settings,
        directory=folder / "local",
        report=report,
        dev=dev,
        resume_from=resume_from,
    )


def weights(checkpoint: Path) -> dict[str, Any]:
    return {name: w.tolist() for name, w in load_file(str(checkpoint / WEIGHTS)).items()}


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, engine: str) -> tuple[Path, Outcome]:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    return folder, train(folder, plain(engine), dev=dev_of(plain(engine)))


def test_the_resumed_run_equals_the_uninterrupted_one_bit_for_bit(
    whole: tuple[Path, Outcome], engine: str, tmp_path: Path
) -> None:
    folder, uninterrupted = whole
    settings = plain(engine)
    with pytest.raises(Killed):
        train(tmp_path / "first", settings, die_at=3, dev=dev_of(settings))
    resumed = train(
        tmp_path / "second",
        settings,
        resume_from=tmp_path / "first/kept/checkpoint-3",
        dev=dev_of(settings),
    )
    assert [e["step"] for e in resumed.history] == [1, 2, 3, 4, 5, 6]
    assert resumed.history == uninterrupted.history
    assert resumed.dev_loss == uninterrupted.dev_loss
    last = "kept/checkpoint-6"
    assert weights(tmp_path / "second" / last) == weights(folder / last)
    assert weights(tmp_path / "second" / last / BEST) == weights(folder / last / BEST)


def test_resuming_a_finished_run_trains_no_further(
    whole: tuple[Path, Outcome], engine: str, tmp_path: Path
) -> None:
    folder, finished = whole
    again = train(
        tmp_path / "again", plain(engine), resume_from=folder / "kept/checkpoint-6",
        dev=dev_of(plain(engine)),
    )  # fmt: skip
    assert again.steps == finished.steps == 6
    assert again.history == finished.history
    assert not (tmp_path / "again/kept").exists()
    prompts = [render(again.tokenizer, ROWS[0].messages())]
    assert generate(again.tokenizer, again.model, prompts, max_new_tokens=12) == generate(
        finished.tokenizer, finished.model, prompts, max_new_tokens=12
    )


def test_an_exported_adapter_answers_as_the_trained_model_did(
    whole: tuple[Path, Outcome], tmp_path: Path
) -> None:
    folder, outcome = whole
    export_adapter(folder / "kept/checkpoint-6", tmp_path / "adapter")
    loaded = attach(load_base(quick()), tmp_path / "adapter", name="x", tokenizer=outcome.tokenizer)
    prompts = [render(outcome.tokenizer, row.messages()) for row in ROWS[:3]]
    assert generate(outcome.tokenizer, loaded, prompts, max_new_tokens=12) == generate(
        outcome.tokenizer, outcome.model, prompts, max_new_tokens=12
    )


def test_training_lowers_the_loss(whole: tuple[Path, Outcome]) -> None:
    history = whole[1].history
    assert history[-1]["loss"] < history[0]["loss"]


@pytest.mark.slow
def test_both_engines_end_at_about_the_same_loss(tmp_path: Path) -> None:
    losses = [
        train(tmp_path / e, plain(e, steps=40, checkpoint_steps=40), dev=dev_of(plain(e))).dev_loss
        for e in ENGINES
    ]
    assert losses[0] == pytest.approx(losses[1], abs=0.15)


def test_training_stops_when_dev_gets_no_better_and_keeps_the_best(
    engine: str, tmp_path: Path
) -> None:
    settings = plain(engine, steps=40, checkpoint_steps=2, patience=2, min_delta=100.0)
    outcome = train(tmp_path / "run", settings, dev=dev_of(settings))
    assert (outcome.steps, outcome.best_step) == (6, 2)
    kept = tmp_path / "run/kept"
    assert weights(kept / "checkpoint-6" / BEST) == weights(kept / "checkpoint-2")
    assert weights(kept / "checkpoint-6") != weights(kept / "checkpoint-2")
    export_adapter(kept / "checkpoint-6", tmp_path / "adapter")
    assert weights(tmp_path / "adapter") == weights(kept / "checkpoint-2")
    again = train(
        tmp_path / "again", settings, resume_from=kept / "checkpoint-6", dev=dev_of(settings)
    )
    assert (again.steps, again.best_step) == (6, 2)


def test_the_report_of_the_last_checkpoint_says_so_after_an_early_stop_too(
    engine: str, tmp_path: Path
) -> None:
    settings = plain(engine, steps=40, checkpoint_steps=2, patience=1, min_delta=100.0)
    told: list[tuple[float, float]] = []

    def report(metrics: Mapping[str, float], checkpoint: Path | None) -> None:
        if checkpoint is not None:
            told.append((metrics["checkpoint_step"], metrics["is_over"]))

    train_adapter(ROWS, settings, directory=tmp_path / "run", report=report, dev=dev_of(settings))
    assert told == [(2.0, 0.0), (4.0, 1.0)]
    told.clear()
    uneven = replace(settings, steps=3, patience=0)
    train_adapter(ROWS, uneven, directory=tmp_path / "uneven", report=report)
    assert told == [(2.0, 0.0), (3.0, 1.0)]


def test_without_patience_or_dev_the_last_step_is_kept(engine: str, tmp_path: Path) -> None:
    settings = plain(engine, steps=2, checkpoint_steps=2, patience=0)
    outcome = train(tmp_path / "run", settings, dev=dev_of(settings))
    assert (outcome.best_step, outcome.dev_loss) == (2, None)
    assert not (tmp_path / "run/kept/checkpoint-2" / BEST).exists()


def test_a_loss_that_is_no_number_ends_the_run_at_once(engine: str, tmp_path: Path) -> None:
    settings = plain(engine, lr=1.0, steps=40, checkpoint_steps=40)
    base = load_base(settings)
    with torch.no_grad():
        base.model.embed_tokens.weight[3:] = float("inf")
    base.save_pretrained(tmp_path / "base")
    load_tokenizer(settings).save_pretrained(tmp_path / "base")
    with pytest.raises(DivergedError, match="optimizer step 1 is nan") as found:
        train(tmp_path / "run", replace(settings, base_model=str(tmp_path / "base")))
    assert found.value.step == 1
    assert found.value.value != found.value.value
    assert not (tmp_path / "run/kept").exists()


def test_a_truncated_checkpoint_is_refused_and_the_one_before_it_goes_on(
    whole: tuple[Path, Outcome], engine: str, tmp_path: Path
) -> None:
    folder, uninterrupted = whole
    kept = tmp_path / "kept"
    shutil.copytree(folder / "kept", kept)
    file = kept / "checkpoint-6" / WEIGHTS
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="adapter_model.safetensors is missing or has other"):
        train(tmp_path / "no", plain(engine), resume_from=kept / "checkpoint-6")
    sound = newest_whole([kept / "checkpoint-6", kept / "checkpoint-3"])
    assert sound == kept / "checkpoint-3"
    resumed = train(tmp_path / "yes", plain(engine), resume_from=sound, dev=dev_of(plain(engine)))
    assert resumed.history == uninterrupted.history


def test_a_full_disk_leaves_the_last_good_checkpoint(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = 0
    write = RunState.write

    def full_at_second(state: RunState, folder: Path) -> None:
        nonlocal writes
        writes += 1
        if writes == 2:
            raise OSError(28, "No space left on device")
        write(state, folder)

    monkeypatch.setattr(RunState, "write", full_at_second)
    with pytest.raises(NoRoomError, match="no room left"):
        train(tmp_path / "run", plain(engine))
    assert newest_whole(
        [tmp_path / "run/local/checkpoint-6", tmp_path / "run/local/checkpoint-3"]
    ) == (tmp_path / "run/local/checkpoint-3")


def test_a_resume_keeps_the_precision_that_the_run_began_with(
    whole: tuple[Path, Outcome], engine: str, tmp_path: Path
) -> None:
    settings = replace(plain(engine), precision="bf16")
    resumed = train(tmp_path / "run", settings, resume_from=whole[0] / "kept/checkpoint-3")
    assert resumed.precision == "fp32"


@pytest.mark.slow
def test_bf16_learns_about_the_same(engine: str, tmp_path: Path) -> None:
    losses = [
        train(tmp_path / p, replace(plain(engine), precision=p)).history[-1]["loss"]
        for p in ("fp32", "bf16")
    ]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)


@pytest.mark.parametrize("name", ["no/such/folder", "/nowhere"])
def test_a_missing_base_is_named_before_anything_is_trained(name: str, tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match=f"base model '{name}' cannot be loaded"):
        train(tmp_path / "run", plain("sft", base_model=name))


def test_a_base_of_another_digest_is_not_trained_on(tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match="nothing was trained"):
        train(tmp_path / "run", plain("sft", base_sha256="0" * 64))


@pytest.mark.slow
def test_a_full_fine_tune_saves_the_whole_model(tmp_path: Path) -> None:
    outcome = train(tmp_path / "run", plain("sft", method="full", lr=1e-4))
    saved = tmp_path / "run/kept/checkpoint-6"
    assert (saved / "model.safetensors").is_file()
    assert not (saved / WEIGHTS).exists()
    assert json.loads((saved / "config.json").read_text())["model_type"] == "llama"
    assert outcome.history[-1]["loss"] < outcome.history[0]["loss"]


def test_pace_counts_useful_tokens_between_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 12.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    settings = plain("sft", global_batch=2)
    packed = dev_of(settings)

    class Job:
        train = packed

    Job.settings = settings  # type: ignore[attr-defined]
    pace = Pace(Job)  # type: ignore[arg-type]
    assert pace.at(1) == {}
    per_step = 2 * packed.tokens / len(packed)
    assert pace.at(5) == {"tokens_per_s": pytest.approx(4 * per_step / 2)}
