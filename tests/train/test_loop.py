import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from deskwheel.errors import SnapshotError
from tests.train.rows import chat_rows, quick
from train.data import ChatRow
from train.files import WEIGHTS, export_adapter
from train.loop import Outcome, tokenize, train_adapter
from train.model import attach, encode_pair, generate, load_base, load_tokenizer, render

ROWS = chat_rows(12)


class Killed(Exception):
    """Stands for the death of a worker."""


def train(folder: Path, *, resume_from: Path | None = None, die_at: int | None = None) -> Outcome:
    """A short run that keeps each model checkpoint under `folder/kept` and may die after one."""

    def report(metrics: Mapping[str, float], checkpoint: Path | None) -> None:
        if checkpoint is not None:
            shutil.copytree(checkpoint, folder / "kept" / checkpoint.name)
            if checkpoint.name == f"checkpoint-{die_at}":
                raise Killed

    folder.mkdir()
    return train_adapter(
        ROWS, quick(), directory=folder / "work", report=report, resume_from=resume_from
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    return folder, train(folder)


def weights(checkpoint: Path) -> dict[str, Any]:
    return {name: w.tolist() for name, w in load_file(str(checkpoint / WEIGHTS)).items()}


@pytest.mark.slow
def test_the_resumed_run_equals_the_uninterrupted_one_bit_for_bit(
    whole: tuple[Path, Outcome], tmp_path: Path
) -> None:
    folder, uninterrupted = whole
    with pytest.raises(Killed):
        train(tmp_path / "first", die_at=3)
    resumed = train(tmp_path / "second", resume_from=tmp_path / "first/kept/checkpoint-3")
    assert [e["step"] for e in resumed.history] == [1, 2, 3, 4, 5, 6]
    assert resumed.history == uninterrupted.history
    last = "kept/checkpoint-6"
    assert weights(tmp_path / "second" / last) == weights(folder / last)


@pytest.mark.slow
def test_resuming_a_finished_run_trains_no_further(
    whole: tuple[Path, Outcome], tmp_path: Path
) -> None:
    folder, finished = whole
    again = train(tmp_path / "again", resume_from=folder / "kept/checkpoint-6")
    assert again.steps == finished.steps == 6
    assert again.history == finished.history
    assert not (tmp_path / "again/kept").exists()
    prompts = [render(again.tokenizer, ROWS[0].messages())]
    assert generate(again.tokenizer, again.model, prompts, max_new_tokens=12) == generate(
        finished.tokenizer, finished.model, prompts, max_new_tokens=12
    )


@pytest.mark.slow
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


@pytest.mark.slow
def test_training_lowers_the_loss(whole: tuple[Path, Outcome]) -> None:
    history = whole[1].history
    assert history[-1]["loss"] < history[0]["loss"]


def test_only_the_answers_tokens_carry_labels() -> None:
    tokenizer = load_tokenizer(quick())
    (row,) = tokenize(ROWS[:1], tokenizer, max_length=96)
    _, prompt = encode_pair(tokenizer, ROWS[0].messages(), ROWS[0].response)
    assert row["labels"] == [-100] * prompt + row["input_ids"][prompt:]


def test_a_row_that_is_too_long_loses_its_context_before_it_is_left_out() -> None:
    tokenizer = load_tokenizer(quick())
    row = ROWS[0]
    wordy = _with_context(row, "agent: hello\n" * 50)
    kept = tokenize([wordy], tokenizer, max_length=96)
    assert kept[0]["input_ids"] == tokenize([row], tokenizer, max_length=96)[0]["input_ids"]
    with pytest.raises(SnapshotError, match="max_length=20"):
        tokenize([wordy], tokenizer, max_length=20)


def _with_context(row: ChatRow, context: str) -> ChatRow:
    return ChatRow(
        example_id=row.example_id,
        conversation_id=row.conversation_id,
        query=row.query,
        context=context,
        response=row.response,
    )
