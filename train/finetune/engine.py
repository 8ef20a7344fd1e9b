"""What both engines of a fine-tune share: what they are given, what they leave, how they keep on.

Writes model checkpoints' folders, with the best adapter so far inside.
"""

import math
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import set_peft_model_state_dict
from safetensors.torch import load_file
from torch.distributed import ReduceOp, all_reduce, get_backend, is_initialized

from deskwheel.errors import AdapterError, DivergedError
from deskwheel.settings import TrainSettings
from train.files import BEST, MANIFEST, WEIGHTS, export_adapter
from train.finetune.checkpoints import RunState, seal
from train.finetune.methods import sequences_per_step
from train.finetune.packed import PackedSet
from train.finetune.stopping import Stopping

_OTHER_SHAPE = (
    "is no adapter of the shape that is trained: nothing was trained; set"
    " train.continual='retrain', or the champion's train.lora_r"
)

Metrics = Mapping[str, float]
Report = Callable[[Metrics, Path | None], None]
"""Takes the newest metrics and, after a save, the folder of a model checkpoint, which may be
deleted once it returns. Called on every worker, equally often. With a model checkpoint comes what
`RunState.told` says."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What an engine needs to train once."""

    settings: TrainSettings
    train: PackedSet
    dev: PackedSet | None
    """None, or empty: nothing stops the run early."""
    model: Any
    """The base model on its device; with the fast engine under an adapter."""
    tokenizer: Any
    manifest: str
    """Of the base, taken while it was whole: workers may share it afterwards."""
    precision: str
    workers: int
    directory: Path
    """Local to this worker; model checkpoints are written there."""
    report: Report
    start_from: Path | None = None
    """Folder of the adapter whose weights are the first ones; None: those of a new adapter."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What an engine leaves: the best weights in the model, and how it got there."""

    model: Any
    steps: int
    history: tuple[Metrics, ...]
    stopping: Stopping
    compiled: str = "off"
    """What computed of `train.compile`: `kernels` of the fast engine, `layers`, or `off`."""


class Pace:
    """Useful tokens a second of all workers between two reports; padding is none."""

    def __init__(self, job: Job) -> None:
        """Count from now on."""
        mean = job.train.tokens / max(1, len(job.train))
        self._tokens_per_step = mean * sequences_per_step(job.settings)
        self._seen: tuple[int, float] | None = None

    def at(self, step: int) -> Metrics:
        """`tokens_per_s` since the last call, by the mean tokens of a step; at first nothing."""
        now, seen = time.monotonic(), self._seen
        self._seen = step, now
        if seen is None or step <= seen[0] or now <= seen[1]:
            return {}
        return {"tokens_per_s": (step - seen[0]) * self._tokens_per_step / (now - seen[1])}


def entry_of(log: Mapping[str, Any]) -> Metrics:
    """What is kept of a trainer's log line: step, loss (nats a token), learning rate."""
    return {
        "step": float(log["step"]),
        "loss": float(log["loss"]),
        "lr": float(log["learning_rate"]),
    }


def check_finite(loss: float, *, step: int) -> None:
    """Return if the loss is a number on all workers; costs one small exchange among several.

    Raises:
        DivergedError: it is not; raised on every worker, so that none waits for the others.
    """
    value = torch.tensor(loss)
    if is_initialized():
        device = "cuda" if get_backend() == "nccl" else "cpu"
        shared = value.to(device)
        all_reduce(shared, op=ReduceOp.SUM)
        value = shared.cpu()
    if not math.isfinite(float(value)):
        raise DivergedError(
            f"the loss of optimizer step {step} is {float(value)}: training stopped and nothing is"
            " published; lower train.lr, or set train.precision=fp32",
            step=step,
            value=float(value),
        )


def warmup_steps(settings: TrainSettings) -> int:
    """Steps in which the learning rate rises to its peak."""
    return max(1, settings.steps // 20)


def logging_steps(settings: TrainSettings) -> int:
    """Steps between two reports, which divide those between two model checkpoints."""
    return math.gcd(10, settings.checkpoint_steps)


def finish_checkpoint(folder: Path, job: Job, state: RunState, *, best: Path | None) -> Path | None:
    """Complete a model checkpoint by manifest, best adapter, state and seal, in this order.

    Args:
        folder: has the weights.
        job: of the run.
        state: after this checkpoint's look at dev.
        best: folder of the best adapter before; None where there is none yet.

    Returns:
        A folder of this worker with the best adapter now; None without a look at dev.
    """
    (folder / MANIFEST).write_text(job.manifest, encoding="utf-8")
    kept = None
    if state.stopping.best_loss is not None and job.settings.method != "full":
        if state.stopping.best_step == state.step or best is None:
            export_adapter(folder, folder / BEST)
        else:
            _copy(best, folder / BEST)
        kept = _copy(folder / BEST, job.directory / "best")
    state.write(folder)
    seal(folder)
    return kept


def load_start(model: Any, job: Job) -> None:
    """Put the weights that a warm start goes on from into a new adapter; a resume replaces them.

    Raises:
        AdapterError: they are of another shape or of other layers.
    """
    if job.start_from is None:
        return
    try:
        result = set_peft_model_state_dict(model, load_file(str(job.start_from / WEIGHTS)))
    except RuntimeError as error:
        raise AdapterError(f"{job.start_from} {_OTHER_SHAPE} ({error})") from error
    missing = [name for name in result.missing_keys if ".lora_" in name]
    if result.unexpected_keys or missing:
        first = [*result.unexpected_keys, *missing][0]
        raise AdapterError(f"{job.start_from} {_OTHER_SHAPE} (first {first})")


def load_best(model: Any, best: Path | None) -> None:
    """Put the best adapter into a model that has trained past it, where there is one."""
    if best is not None and (best / WEIGHTS).is_file():
        set_peft_model_state_dict(model, load_file(str(best / WEIGHTS)))


def _copy(source: Path, target: Path) -> Path:
    if target.is_dir():
        shutil.rmtree(target)
    return Path(shutil.copytree(source, target))
