"""The engine for Llamas of some millions of parameters on a CPU: a loop of its own.

Where a model is tiny, a trainer's bookkeeping, padding and products of frozen weights take most of
the time (`python -m benchmarks.train_throughput`). Loss, optimizer, schedule and sequences a step
are those of TRL's trainer. Reads packed sets; writes model checkpoints into a folder.
"""

import math
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from peft import set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from torch.distributed import all_reduce, get_rank, is_initialized

from deskwheel.errors import ConfigError
from train.files import BEST, WEIGHTS
from train.finetune.checkpoints import RunState, storing
from train.finetune.engine import (
    Job,
    Metrics,
    Pace,
    Trained,
    check_finite,
    finish_checkpoint,
    load_best,
    load_start,
    logging_steps,
    warmup_steps,
)
from train.finetune.fused import open_kernels
from train.finetune.lanes import Lanes, flatten, open_lanes, unflatten
from train.finetune.lean import LeanLlama
from train.finetune.methods import FAST_MODELS, has_lean_form, sequences_per_step
from train.finetune.packed import Example, PackedSet
from train.finetune.precision import DTYPES
from train.finetune.stopping import Stopping

_OPTIMIZER = "optimizer.safetensors"
_MOMENTS, _STEP = ("exp_avg", "exp_avg_sq"), "step"
_MAX_NORM = 1.0
_KEPT = 2


def train_fast(job: Job, resume_from: Path | None) -> Trained:
    """Train an adapter with hand-made products; a finished run is only loaded.

    Raises:
        ConfigError: the base is no Llama as `train.finetune.lean` knows it.
        DivergedError: a loss was not finite.
        CheckpointError: a model checkpoint could not be written.
    """
    config = job.model.get_base_model().config
    if not has_lean_form(config):
        raise ConfigError(
            f"train.engine='fast' knows {', '.join(FAST_MODELS)} without biases and dropout, and"
            f" {job.settings.base_model!r} is {config.model_type}; set train.engine='sft'"
        )
    load_start(job.model, job)
    dtype = DTYPES[job.precision]
    operations = open_kernels(dtype) if job.settings.compile == "auto" else None
    lean = LeanLlama(job.model, dtype=dtype, operations=operations)
    with open_lanes(lean, count=job.settings.threads) as lanes:
        loop = _Loop(job, lanes, lean.parameters)
        if resume_from is not None:
            loop.resume(resume_from)
        while not loop.state.is_over:
            loop.step()
    load_best(job.model, loop.best)
    return Trained(
        model=job.model.eval(),
        steps=loop.state.step,
        history=loop.state.history,
        stopping=loop.state.stopping,
        compiled="off" if operations is None else "kernels",
    )


def order_of(sequences: int, *, seed: int, start: int, count: int) -> list[int]:
    """`count` places of an endless row of epochs, each all sequences in an order of its own."""
    found: list[int] = []
    while len(found) < count:
        epoch, place = divmod(start + len(found), sequences)
        shuffled = np.random.default_rng([seed, epoch]).permutation(sequences)
        found += [int(i) for i in shuffled[place : place + count - len(found)]]
    return found


def learning_rate_share(step: int, *, warmup: int, steps: int) -> float:
    """Share of the peak learning rate at a step from 0: a linear rise, then half a cosine to 0.

    Source: transformers, `get_cosine_schedule_with_warmup`.
    """
    if step < warmup:
        return step / max(1, warmup)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


class _Loop:
    """A run under way: model, optimizer, and how far it is."""

    def __init__(self, job: Job, lanes: Lanes, parameters: Sequence[torch.Tensor]) -> None:
        self._job = job
        self._parameters = list(parameters)
        self._lanes = lanes
        # One tensor of all: an optimizer pays more for each tensor than for its numbers.
        self._flat = torch.nn.Parameter(flatten([p.detach() for p in self._parameters]))
        self._optimizer = torch.optim.AdamW(
            [self._flat], lr=job.settings.lr, weight_decay=0.0, fused=True
        )
        self._losses: list[float] = []
        self._pace = Pace(job)
        self._rank = get_rank() if is_initialized() else 0
        self.best: Path | None = None
        self.state = RunState(step=0, precision=job.precision)

    def resume(self, checkpoint: Path) -> None:
        """Go on where a model checkpoint was made."""
        set_peft_model_state_dict(self._job.model, load_file(str(checkpoint / WEIGHTS)))
        self._flat.data.copy_(flatten([p.detach() for p in self._parameters]))
        stored = load_file(str(checkpoint / _OPTIMIZER))
        self._optimizer.state[self._flat] = {
            _STEP: stored[f"{_STEP}.0"],
            **{
                name: flatten([stored[f"{name}.{n}"] for n in range(len(self._parameters))])
                for name in _MOMENTS
            },
        }
        self.state = RunState.read(checkpoint)
        self.best = checkpoint / BEST

    def step(self) -> None:
        """One optimizer step, with what is due after it: report, look at dev, checkpoint."""
        settings, done = self._job.settings, self.state.step
        share = learning_rate_share(done, warmup=warmup_steps(settings), steps=settings.steps)
        for group in self._optimizer.param_groups:
            group["lr"] = settings.lr * share
        self._losses.append(self._learn(self._sequences(done)))
        check_finite(self._losses[-1], step=done + 1)
        torch.nn.utils.clip_grad_norm_([self._flat], _MAX_NORM)
        self._optimizer.step()
        self._flat.grad = None
        with torch.no_grad():
            newest = unflatten(self._flat, self._parameters)
            torch._foreach_copy_(self._parameters, newest)  # noqa: SLF001
        done += 1
        self.state = replace(self.state, step=done, is_over=done >= settings.steps)
        if done == 1 or done % logging_steps(settings) == 0:
            self._tell(settings.lr * share)
        if done % settings.checkpoint_steps == 0 or done == settings.steps:
            self._checkpoint()

    def _sequences(self, done: int) -> list[int]:
        """The packed sequences of this worker in the step after `done`."""
        count = sequences_per_step(self._job.settings)
        wanted = order_of(
            len(self._job.train), seed=self._job.settings.seed, start=done * count, count=count
        )
        return wanted[self._rank :: self._job.workers]

    def _learn(self, sequences: Sequence[int]) -> float:
        """Set the gradient of the mean loss over all workers; returns that loss."""
        total, labels, gradient = self._lanes.learn(_examples(self._job.train, sequences))
        sums = torch.tensor([total, float(labels)], dtype=torch.float64)
        if is_initialized():
            all_reduce(sums)
            all_reduce(gradient)
        self._flat.grad = gradient.div_(float(sums[1]))
        return float(sums[0] / sums[1])

    def _tell(self, lr: float) -> None:
        mean = sum(self._losses) / len(self._losses)
        self._losses.clear()
        entry: dict[str, float] = {"step": float(self.state.step), "loss": mean, "lr": lr}
        self.state = replace(self.state, history=(*self.state.history, entry))
        self._job.report({**entry, **self._pace.at(self.state.step)}, None)

    def _checkpoint(self) -> None:
        job, metrics = self._job, self._judge_dev()
        folder = job.directory / f"checkpoint-{self.state.step}"
        if self._rank == 0:
            with storing(f"model checkpoint {folder.name}"):
                self._write(folder)
        metrics = {**metrics, **self.state.told()}
        job.report(metrics, folder if self._rank == 0 else None)
        old = sorted(job.directory.glob("checkpoint-*"), key=lambda f: int(f.name[11:]))[:-_KEPT]
        for folder in old:
            shutil.rmtree(folder)

    def _judge_dev(self) -> Metrics:
        newest: Metrics = dict(self.state.history[-1])
        settings, dev = self._job.settings, self._job.dev
        if not settings.patience or dev is None or not len(dev):
            return newest
        total, labels = self._lanes.judge(_examples(dev, range(len(dev))))
        loss = total / max(1, labels)
        stopping: Stopping = self.state.stopping.after(
            loss, step=self.state.step, min_delta=settings.min_delta
        )
        is_over = self.state.is_over or stopping.is_over(settings.patience)
        self.state = replace(self.state, stopping=stopping, is_over=is_over)
        return {**newest, "dev_loss": loss}

    def _write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._job.model.save_pretrained(folder)
        state = self._optimizer.state[self._flat]
        moments = {
            f"{name}.{number}": part.clone()
            for name in _MOMENTS
            for number, part in enumerate(unflatten(state[name], self._parameters))
        }
        moments[f"{_STEP}.0"] = state[_STEP]
        save_file(moments, str(folder / _OPTIMIZER))
        kept = finish_checkpoint(folder, self._job, self.state, best=self.best)
        self.best = kept


def _examples(packed: PackedSet, sequences: Iterable[int]) -> list[Example]:
    return [example for number in sequences for example in packed.examples(number)]
