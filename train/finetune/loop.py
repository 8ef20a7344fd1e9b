"""An adapter out of chat rows: checks first, then one of two engines, behind this one file.

Reads rows or packed sets and a model checkpoint; writes model checkpoints into a folder and hands
each to `report`. On a CPU the continued run equals the uninterrupted one bit for bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import get_peft_model
from torch.distributed import get_world_size, is_initialized

from deskwheel.settings import TrainSettings
from train.data.training_set import ChatRow
from train.finetune.base import check_base
from train.finetune.checkpoints import RunState, check_seal
from train.finetune.engine import Job, Metrics, Report, Trained
from train.finetune.fast import train_fast
from train.finetune.methods import adapter_config, check_method, quantization
from train.finetune.packed import PackedSet
from train.finetune.precision import DTYPES, choose_precision
from train.finetune.prepare import pack_chats
from train.finetune.sft import train_by_sft
from train.model import check_adapter, load_base, load_tokenizer, manifest_of

__all__ = ["Metrics", "Outcome", "Report", "train_adapter"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A trained adapter on its base model, ready to answer."""

    model: Any
    tokenizer: Any
    steps: int
    history: tuple[Metrics, ...]
    """One entry a report: step, loss (nats a token, mean since the last entry), lr."""
    precision: str
    """bf16, fp16 or fp32: of the products."""
    compiled: str
    """See `Trained`."""
    best_step: int
    """Step of the adapter that is in the model; the last one where dev was not looked at."""
    dev_loss: float | None
    """Its loss on dev in nats a token."""


def train_adapter(
    train: Sequence[ChatRow] | PackedSet,
    settings: TrainSettings,
    *,
    directory: Path,
    report: Report,
    dev: PackedSet | None = None,
    resume_from: Path | None = None,
    start_from: Path | None = None,
) -> Outcome:
    """Fine-tune an adapter of the frozen base model, or with `train.method=full` the base itself.

    Args:
        train: packed examples, or rows, in an order that does not change between attempts.
        settings: base model, method, engine, optimizer and seed.
        directory: where model checkpoints are written; local to this worker.
        report: receives metrics and model checkpoints.
        dev: packed examples that decide when to stop and which model checkpoint is the best.
        resume_from: a model checkpoint of the same data and settings.
        start_from: folder of an adapter whose weights are the first ones (`train.continual`).

    Raises:
        AdapterError: `start_from` was trained on another base, or has another shape.
        BaseModelError: the base model is missing, or not the one of `train.base_sha256`.
        ConfigError: this machine cannot train as the settings have it.
        SnapshotError: no row fits into `train.max_length`.
        DivergedError: the loss of a step was not finite.
        CheckpointError: a model checkpoint is broken, or cannot be written.
    """
    check_method(settings)
    check_base(settings)
    if resume_from is not None:
        check_seal(resume_from)
    torch.set_num_threads(settings.threads)
    tokenizer = load_tokenizer(settings)
    packed = train if isinstance(train, PackedSet) else pack_chats(train, tokenizer, settings)
    precision = _precision(settings, resume_from)
    model = _load(settings, precision)
    job = Job(
        settings=settings,
        train=packed,
        dev=dev,
        model=model,
        tokenizer=tokenizer,
        manifest=manifest_of(model, tokenizer, base_model=settings.base_model),
        precision=precision,
        workers=get_world_size() if is_initialized() else 1,
        directory=directory,
        report=report,
        start_from=start_from,
    )
    if start_from is not None:
        check_adapter(model, start_from, tokenizer)
    engine = train_fast if settings.engine == "fast" else train_by_sft
    trained: Trained = engine(job, resume_from)
    return Outcome(
        model=trained.model,
        tokenizer=tokenizer,
        steps=trained.steps,
        history=trained.history,
        precision=job.precision,
        compiled=trained.compiled,
        best_step=_step_of(trained, settings),
        dev_loss=trained.stopping.best_loss,
    )


def _step_of(trained: Trained, settings: TrainSettings) -> int:
    """The step whose weights are in the model; of a whole model only the last are kept."""
    is_last = settings.method == "full" or trained.stopping.best_loss is None
    return trained.steps if is_last else trained.stopping.best_step


def _precision(settings: TrainSettings, resume_from: Path | None) -> str:
    """As the run began with, whatever a probe would find now: else a resume would not be exact."""
    if resume_from is not None:
        return RunState.read(resume_from).precision
    return choose_precision(settings)


def _load(settings: TrainSettings, precision: str) -> Any:
    """The base model; weights that are trained, and all on a CPU, are float32."""
    is_wide = settings.method == "full" or not settings.use_gpu
    base = load_base(
        settings,
        DTYPES["fp32" if is_wide else precision],
        quantization=quantization(settings, DTYPES[precision]),
    )
    if settings.engine != "fast":
        return base
    torch.manual_seed(settings.seed)
    return get_peft_model(base, adapter_config(settings))
