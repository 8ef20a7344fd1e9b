"""The engine for any base on any device: TRL's SFT trainer over packed sequences.

Reads packed sets; writes model checkpoints into a folder. The continued run equals the
uninterrupted one, because a model checkpoint holds optimizer, schedule, random state and data
position.
"""

import importlib
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from peft import set_peft_model_state_dict
from safetensors.torch import load_file
from torch.distributed import is_initialized
from transformers import TrainerCallback, TrainerState
from trl import SFTConfig, SFTTrainer

from train.files import BEST, WEIGHTS
from train.finetune.batches import Frame, collate, dataset_of, lay_side_by_side
from train.finetune.checkpoints import RunState, storing
from train.finetune.compiled import compiled_layers, compiles
from train.finetune.engine import (
    Job,
    Metrics,
    Pace,
    Trained,
    check_finite,
    entry_of,
    finish_checkpoint,
    load_best,
    load_start,
    logging_steps,
    warmup_steps,
)
from train.finetune.lean_loss import LeanLoss
from train.finetune.memory import recomputes
from train.finetune.merged import MergedProducts
from train.finetune.methods import (
    adapter_config,
    attends_by_length,
    has_lean_form,
    split_batch,
)
from train.finetune.precision import DTYPES
from train.finetune.stopping import Stopping

_STATE_FILE = "trainer_state.json"


def train_by_sft(job: Job, resume_from: Path | None) -> Trained:
    """Train with TRL; a finished run is only loaded.

    Raises:
        DivergedError: a loss was not finite.
        CheckpointError: a model checkpoint could not be written.
    """
    state = RunState.read(resume_from) if resume_from else None
    is_able = attends_by_length(job.settings, job.model, precision=job.precision)
    is_compiled = is_able and compiles(job.settings, job.model)
    frame = _frame(job, is_fixed=is_compiled) if is_able else None
    keeping = _Keeping(job, state.stopping if state else Stopping(), resume_from)
    arguments = _arguments(job)
    trainer = _Trainer(
        model=job.model,
        processing_class=job.tokenizer,
        train_dataset=dataset_of(job.train),
        peft_config=adapter_config(job.settings),
        args=arguments,
        data_collator=lambda rows: collate(rows, job.tokenizer.pad_token_id, frame),
        callbacks=[keeping],
    )
    keeping.trainer = trainer
    load_start(trainer.model, job)
    if not job.settings.use_gpu and job.settings.method == "lora":
        is_lean = not arguments.gradient_checkpointing
        keeping.merged = _stand_in(trainer.model, DTYPES[job.precision], is_lean=is_lean)
    if resume_from is not None and state is not None and state.is_over:
        _restore(trainer, resume_from)
    else:
        with ExitStack() as how:
            if frame is not None and frame.has_lengths:
                # Loads PyTorch's kernels, for which a CPU has no use.
                varlen = importlib.import_module("train.finetune.varlen")
                how.enter_context(varlen.attending_by_length(job.model))
            if is_compiled:
                how.enter_context(compiled_layers(job.model))
            trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
    if keeping.merged is not None:
        keeping.merged.remove()
    model = trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    load_best(model, keeping.best)
    return Trained(
        model=model.eval(),
        steps=trainer.state.global_step,
        history=tuple(_history(trainer.state)),
        stopping=keeping.stopping,
        compiled="layers" if is_compiled else "off",
    )


def _frame(job: Job, *, is_fixed: bool) -> Frame:
    """Holds every packed sequence of train and dev."""
    most = max(packed.most_examples for packed in (job.train, job.dev) if packed is not None)
    return Frame(width=job.settings.max_length if is_fixed else None, examples=most)


def _stand_in(model: Any, dtype: torch.dtype, *, is_lean: bool) -> MergedProducts | LeanLoss:
    """What computes a model under an adapter on a CPU: the whole of a Llama, or its products.

    The whole keeps its activations.
    """
    if is_lean and has_lean_form(model.get_base_model().config):
        return LeanLoss(model, dtype)
    return MergedProducts(model, dtype)


class _Trainer(SFTTrainer):
    """TRL's trainer that stops at the first loss that is no number, on every worker at once."""

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        loss: torch.Tensor = super().training_step(*args, **kwargs)
        check_finite(float(loss), step=self.state.global_step + 1)
        return loss

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        with storing(f"model checkpoint of step {self.state.global_step}"):
            super()._save_checkpoint(*args, **kwargs)


class _Keeping(TrainerCallback):
    """Reports metrics, judges each model checkpoint on dev, and keeps the best adapter in it."""

    def __init__(self, job: Job, stopping: Stopping, resume_from: Path | None) -> None:
        self._job = job
        self.stopping = stopping
        self.trainer: Any = None
        self.merged: MergedProducts | LeanLoss | None = None
        self._pace = Pace(job)
        self.best = resume_from / BEST if resume_from else None

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._merge()

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if "loss" in state.log_history[-1]:
            entry = entry_of(state.log_history[-1])
            self._job.report({**entry, **self._pace.at(state.global_step)}, None)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        metrics = self._newest(state)
        if self._job.settings.patience and self._job.dev is not None and len(self._job.dev):
            loss = self._dev_loss()
            metrics = {**metrics, "dev_loss": loss}
            self.stopping = self.stopping.after(
                loss, step=state.global_step, min_delta=self._job.settings.min_delta
            )
            control.should_training_stop |= self.stopping.is_over(self._job.settings.patience)
        now = self._now(state, control)
        if state.is_world_process_zero:
            with storing(f"model checkpoint {folder.name}"):
                self.best = finish_checkpoint(folder, self._job, now, best=self.best)
        metrics = {**metrics, **now.told()}
        self._job.report(metrics, folder if state.is_world_process_zero else None)

    def _merge(self) -> None:
        if self.merged is not None:
            self.merged.merge()

    def _now(self, state: Any, control: Any) -> RunState:
        is_over = bool(control.should_training_stop) or state.global_step >= state.max_steps
        return RunState(
            step=state.global_step,
            precision=self._job.precision,
            stopping=self.stopping,
            is_over=is_over,
        )

    def _newest(self, state: Any) -> Metrics:
        history = _history(state)
        return history[-1] if history else {"step": float(state.global_step)}

    def _dev_loss(self) -> float:
        """Mean loss a token of dev in nats; every worker computes it, and all get the same."""
        trainer, dev = self.trainer, self._job.dev
        assert dev is not None
        self._merge()
        model = trainer.model
        was_training = model.training
        model.eval()
        total, tokens = 0.0, 0
        with torch.no_grad(), trainer.compute_loss_context_manager():
            for number in range(len(dev)):
                rows = [lay_side_by_side(dev.examples(number))]
                # As the trainer does with what is learnt.
                batch = trainer._prepare_inputs(trainer.data_collator(rows))  # noqa: SLF001
                outputs = model(**batch, use_cache=False, fused_lm_head=True)
                total -= float(outputs.log_probs.sum())
                tokens += int(outputs.label_mask.sum())
        model.train(was_training)
        return total / max(1, tokens)


def _arguments(job: Job) -> SFTConfig:
    settings = job.settings
    at_once, times = split_batch(settings, job.workers)
    parallel: dict[str, Any] = {}
    if settings.parallel == "fsdp2":
        parallel = {
            "fsdp": True,
            "fsdp_config": {"version": 2, "auto_wrap_policy": "TRANSFORMER_BASED_WRAP"},
        }
    return SFTConfig(
        output_dir=str(job.directory),
        max_steps=settings.steps,
        learning_rate=settings.lr,
        lr_scheduler_type="cosine",
        warmup_steps=warmup_steps(settings),
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=times,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        max_length=None,
        gradient_checkpointing=recomputes(
            settings,
            job.model,
            tokens=at_once * settings.max_length,
            is_wide=job.precision == "fp32",
        ),
        bf16=job.precision == "bf16",
        fp16=job.precision == "fp16",
        use_cpu=not settings.use_gpu,
        ddp_backend="gloo" if is_initialized() and not settings.use_gpu else None,
        seed=settings.seed,
        data_seed=settings.seed,
        # A mean that spans a model checkpoint would differ after a resume.
        logging_steps=logging_steps(settings),
        logging_first_step=True,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=settings.checkpoint_steps,
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=settings.use_gpu,
        **parallel,
    )


def _restore(trainer: Any, checkpoint: Path) -> None:
    """Load a finished run: the Trainer itself would train one step more than asked."""
    if (checkpoint / WEIGHTS).is_file():
        set_peft_model_state_dict(trainer.model, load_file(str(checkpoint / WEIGHTS)))
    else:
        trainer._load_from_checkpoint(str(checkpoint))  # noqa: SLF001  no public way
    trainer.state = TrainerState.load_from_json(str(checkpoint / _STATE_FILE))


def _history(state: Any) -> list[Metrics]:
    return [entry_of(log) for log in state.log_history if "loss" in log]
