"""TRL's DPO and KTO trainers over an adapter that was fine-tuned before.

Reads encoded preferences; changes the adapter of a model and writes no model checkpoint. TRL adds a
frozen copy of the adapter, named `ref`, as the reference policy, because it is given a model that
has an adapter already: the log-ratios of the first step are zero. Given a bare base and a
`peft_config` it would take the base.

Source: TRL 1.16, `DPOTrainer.__init__` and `KTOTrainer.__init__`, "PEFT".
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch.distributed import is_initialized
from transformers import TrainerCallback
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer

from deskwheel.settings import TrainSettings
from train.finetune.engine import Metrics, check_finite
from train.finetune.memory import recomputes
from train.preference.encode import Answer, paired_rows, unpaired_rows
from train.preference.lean import is_lean

REFERENCE = "ref"
"""TRL's name of the frozen copy."""
_AT_ONCE = (4, 3, 2)
"""Pairs or answers that a worker computes together, the first that its part of a step is a multiple
of; KTO needs two for its reference point."""
_LEAN_AT_ONCE = (8, *_AT_ONCE)
"""Of a tiny model, where small products leave most of the time to what is around them."""
_WARMUP_SHARE = 0.1
"""Source: Rafailov et al. 2023, DPO, appendix B warms up linearly; the share is Zephyr's
(Tunstall et al. 2023)."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What a preference trainer needs to run once."""

    settings: TrainSettings
    model: Any
    """With the fine-tuned adapter active, under the name `default`."""
    tokenizer: Any
    precision: str
    workers: int
    directory: Path
    report: Callable[[Metrics], None]
    """Receives each entry of the history, on every worker."""


def dpo_trainer(lesson: Lesson, pairs: Sequence[tuple[Answer, Answer]]) -> Any:
    """A trainer that raises the chosen answers over the rejected ones.

    Source: Rafailov et al. 2023, "Direct Preference Optimization", equation 7.
    """
    return _Dpo(
        model=lesson.model,
        processing_class=lesson.tokenizer,
        train_dataset=Dataset.from_list(paired_rows(pairs)),
        args=DPOConfig(**_arguments(lesson, len(pairs))),
        callbacks=[_Reports(lesson.report)],
    )


def kto_trainer(lesson: Lesson, judged: Sequence[tuple[Answer, bool]]) -> Any:
    """A trainer that raises wanted answers and lowers unwanted ones.

    The rarer side weighs as much more as it is rarer.
    Source: Ethayarajh et al. 2024, "KTO", equations 7 and 8.
    """
    wanted = sum(is_wanted for _, is_wanted in judged)
    ratio = (len(judged) - wanted) / wanted
    arguments = _arguments(lesson, len(judged))
    rows = unpaired_rows(
        judged,
        seed=lesson.settings.seed,
        at_once=arguments["per_device_train_batch_size"],
    )
    return _Kto(
        model=lesson.model,
        processing_class=lesson.tokenizer,
        train_dataset=Dataset.from_list(rows),
        args=KTOConfig(
            **arguments, desirable_weight=max(1.0, ratio), undesirable_weight=max(1.0, 1 / ratio)
        ),
        callbacks=[_Reports(lesson.report)],
    )


def count_steps(settings: TrainSettings, count: int) -> int:
    """Optimizer steps in which so many preferences are learnt `train.preference_epochs` times."""
    return max(1, math.ceil(settings.preference_epochs * count / settings.preference_batch))


class _Sound:
    """What both trainers do as the fine-tune before does it."""

    state: Any

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        """The rows are tokens already."""
        return dataset

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """The loss of a step, stopped at the first that is no number, on every worker at once."""
        loss: torch.Tensor = super().training_step(*args, **kwargs)  # type: ignore[misc]
        check_finite(float(loss), step=self.state.global_step + 1)
        return loss


class _Dpo(_Sound, DPOTrainer):
    pass


class _Kto(_Sound, KTOTrainer):
    pass


class _Reports(TrainerCallback):
    def __init__(self, report: Callable[[Metrics], None]) -> None:
        self._report = report

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        log = state.log_history[-1]
        if "loss" in log:
            self._report(_entry_of(log))


def _entry_of(log: Mapping[str, Any]) -> Metrics:
    """What is kept of a trainer's log line; `preference_margin` is in units of beta times nats.

    KTO has no margin where a batch holds only one of the two.
    """
    names = {"loss": "preference_loss", "rewards/margins": "preference_margin"}
    found = {name: float(log[key]) for key, name in names.items() if key in log}
    return {"step": float(log["step"]), **found}


def _arguments(lesson: Lesson, count: int) -> dict[str, Any]:
    """What both trainers are told.

    The default peak learning rate, 1e-4, is for adapters and some hundred preferences: LoRA wants
    about ten times the rate of all weights, and the rates of long runs over all weights (TRL's
    default is 1e-6) or over 60,000 pairs (Zephyr's adapter: 5e-6) change nothing in 13 steps.
    Reference log-probabilities are not computed beforehand: in one epoch each is needed once.
    Source: ms-swift, `examples/train/rlhf/dpo/lora.sh` and `kto.sh` (1e-4 with 16 a step, one
    epoch, alpha 32; torchtune's `8B_lora_dpo.yaml` has 5e-4); Schulman et al. 2025, "LoRA Without
    Regret" (ten times).
    """
    settings = lesson.settings
    each = max(2, settings.preference_batch // lesson.workers)
    offered = _LEAN_AT_ONCE if is_lean(lesson.model, settings) else _AT_ONCE
    at_once = next((some for some in offered if each % some == 0), offered[-1])
    steps = count_steps(settings, count)
    return {
        "output_dir": str(lesson.directory),
        "beta": settings.preference_beta,
        "max_steps": steps,
        "learning_rate": settings.preference_lr,
        "lr_scheduler_type": "cosine",
        "warmup_steps": math.ceil(_WARMUP_SHARE * steps),
        "per_device_train_batch_size": at_once,
        "gradient_accumulation_steps": -(-each // at_once),
        "max_length": None,
        "remove_unused_columns": False,
        "gradient_checkpointing": recomputes(
            settings,
            lesson.model,
            # Of a pair, or of an answer and its reference.
            tokens=2 * at_once * settings.max_length,
            is_wide=lesson.precision == "fp32",
        ),
        "bf16": lesson.precision == "bf16",
        "fp16": lesson.precision == "fp16",
        "use_cpu": not settings.use_gpu,
        "ddp_backend": "gloo" if is_initialized() and not settings.use_gpu else None,
        "seed": settings.seed,
        "data_seed": settings.seed,
        "logging_steps": max(1, min(10, steps // 10)),
        "logging_first_step": True,
        "logging_nan_inf_filter": False,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": settings.use_gpu,
    }
