"""An adapter out of chat rows: TRL's SFT trainer with LoRA, behind this one file.

Reads rows and a model checkpoint; writes model checkpoints into a folder and hands each to
`report`. The continued run equals the uninterrupted one, because a model checkpoint holds
optimizer, schedule, random state and data position.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, set_peft_model_state_dict
from safetensors.torch import load_file
from torch.distributed import is_initialized
from transformers import TrainerCallback, TrainerState
from trl import SFTConfig, SFTTrainer

from deskwheel.errors import SnapshotError
from deskwheel.settings import TrainSettings
from train.data import ChatRow
from train.files import WEIGHTS
from train.model import encode_pair, load_base, load_tokenizer, write_manifest

Metrics = Mapping[str, float]
Report = Callable[[Metrics, Path | None], None]
"""Takes the newest metrics and, after a save, the folder of a model checkpoint, which may be
deleted once it returns. Called on every worker, equally often."""

_STATE_FILE = "trainer_state.json"
_IGNORED = -100


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A trained adapter on its base model, ready to answer."""

    model: Any
    tokenizer: Any
    steps: int
    history: tuple[Metrics, ...]
    """One entry a report: step, loss (nats a token, mean since the last entry), lr."""


def train_adapter(
    rows: Sequence[ChatRow],
    settings: TrainSettings,
    *,
    directory: Path,
    report: Report,
    resume_from: Path | None = None,
) -> Outcome:
    """Fine-tune an adapter of the frozen base model on rows.

    Args:
        rows: examples of the train split, in an order that does not change between attempts.
        settings: base model, optimizer, LoRA and seed.
        directory: where model checkpoints are written; local to this worker.
        report: receives metrics and model checkpoints.
        resume_from: a model checkpoint of the same rows and settings.

    Raises:
        SnapshotError: no row fits into `train.max_length`.
    """
    torch.set_num_threads(settings.threads)
    tokenizer = load_tokenizer(settings)
    dataset = tokenize(rows, tokenizer, max_length=settings.max_length)
    trainer = SFTTrainer(
        model=load_base(settings),
        processing_class=tokenizer,
        train_dataset=dataset,
        peft_config=_lora(settings),
        args=_arguments(settings, directory),
        callbacks=[_Reporting(report, tokenizer, settings.base_model)],
    )
    if resume_from is not None and _steps_done(resume_from) >= settings.steps:
        _restore(trainer, resume_from)
    else:
        trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
    model = trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    return Outcome(
        model=model.eval(),
        tokenizer=tokenizer,
        steps=trainer.state.global_step,
        history=tuple(_history(trainer.state)),
    )


def tokenize(rows: Sequence[ChatRow], tokenizer: Any, *, max_length: int) -> Dataset:
    """Token ids and labels, one row an example; only the answer's tokens have labels.

    A row that is too long loses its context, and is left out when that is not enough. Labels are
    set here and not by the chat template's generation marks, which most bases do not have.

    Raises:
        SnapshotError: nothing is left.
    """
    encoded = []
    for row in rows:
        ids, prompt = encode_pair(tokenizer, row.messages(), row.response)
        if len(ids) > max_length and row.context:
            bare = [{"role": "user", "content": row.query}]
            ids, prompt = encode_pair(tokenizer, bare, row.response)
        if len(ids) <= max_length:
            labels = [_IGNORED] * prompt + ids[prompt:]
            encoded.append({"input_ids": ids, "labels": labels})
    if not encoded:
        raise SnapshotError(
            f"none of {len(rows)} train examples fits into train.max_length={max_length} tokens;"
            " raise it"
        )
    return Dataset.from_list(encoded)


class _Reporting(TrainerCallback):
    """Hands metrics and model checkpoints to `report`; every rank calls it equally often."""

    def __init__(self, report: Report, tokenizer: Any, base_model: str) -> None:
        self._report = report
        self._tokenizer = tokenizer
        self._base_model = base_model

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if "loss" in state.log_history[-1]:
            self._report(_entry(state.log_history[-1]), None)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if state.is_world_process_zero:
            write_manifest(kwargs["model"], self._tokenizer, folder, base_model=self._base_model)
        history = _history(state)
        newest = history[-1] if history else {"step": float(state.global_step)}
        self._report(newest, folder if state.is_world_process_zero else None)


def _lora(settings: TrainSettings) -> LoraConfig:
    return LoraConfig(
        r=settings.lora_r,
        lora_alpha=settings.lora_alpha,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def _arguments(settings: TrainSettings, directory: Path) -> SFTConfig:
    return SFTConfig(
        output_dir=str(directory),
        max_steps=settings.steps,
        learning_rate=settings.lr,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, settings.steps // 20),
        per_device_train_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.accumulation,
        packing=True,
        max_length=settings.max_length,
        gradient_checkpointing=False,
        bf16=True,
        use_cpu=not settings.use_gpu,
        ddp_backend="gloo" if is_initialized() and not settings.use_gpu else None,
        seed=settings.seed,
        data_seed=settings.seed,
        # A mean that spans a model checkpoint would differ after a resume.
        logging_steps=math.gcd(10, settings.checkpoint_steps),
        logging_first_step=True,
        save_strategy="steps",
        save_steps=settings.checkpoint_steps,
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=settings.use_gpu,
    )


def _steps_done(checkpoint: Path) -> int:
    return int(TrainerState.load_from_json(str(checkpoint / _STATE_FILE)).global_step)


def _restore(trainer: Any, checkpoint: Path) -> None:
    """Load a finished run: the Trainer itself would train one step more than asked."""
    set_peft_model_state_dict(trainer.model, load_file(str(checkpoint / WEIGHTS)))
    trainer.state = TrainerState.load_from_json(str(checkpoint / _STATE_FILE))


def _history(state: Any) -> list[Metrics]:
    return [_entry(log) for log in state.log_history if "loss" in log]


def _entry(log: Mapping[str, Any]) -> Metrics:
    return {
        "step": float(log["step"]),
        "loss": float(log["loss"]),
        "lr": float(log["learning_rate"]),
    }
