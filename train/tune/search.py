"""Trials on Ray Tune: several at once, the worse ones stopped early, each end kept at once.

Writes the state document `tuned`, and Tune's own files into a folder that is gone afterwards.
Ray's workers import this file, so it loads no trainer.
"""

import contextlib
import logging
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray.tune
from ray.tune.schedulers import ASHAScheduler

from deskwheel.errors import DeskwheelError, DivergedError
from deskwheel.state import State
from train.tune.kept import Search, Trial, read_search, write_search

Tell = Callable[[int, float], None]
"""Takes the optimizer step and the loss on dev, in nats a token."""
Objective = Callable[[Mapping[str, Any], Tell], None]
"""Does a trial's training, given `number`, `recipe` and a `scratch` folder, and tells each look at
dev. It may be killed at any time; the folder goes with the search."""

_WHOLE = 100.0
"""Per cent of its own steps that a trial has done."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a search may take."""

    parallel: int
    grace_share: float
    reduction: float
    cpus: float
    gpus: float


def run_search(
    search: Search,
    objective: Objective,
    *,
    budget: Budget,
    state_url: str,
    storage: Path,
) -> Search:
    """The search after its trials that are `running` have ended.

    The others are told to the scheduler again, from what is known of them, so that a search that
    goes on is as strict as one that was never broken off. It compares trials at the same share of
    their own steps: their learning rates have then fallen as far.

    Source: Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning" (ASHA).

    Args:
        search: what to try, and what is known.
        objective: must be one that Ray can carry to its workers.
        budget: of the search.
        state_url: where each end is kept.
        storage: folder that all workers see.
    """
    # One file a trial and format would be written beside what the state database holds.
    os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
    # Ray's newer reporter prints boxes whatever `verbose` says.
    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
    storage.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(dir=storage, prefix=f"{search.key[:12]}-")
    keeping = Keeping(state_url, search)
    keeping.write()
    resources = {"cpu": budget.cpus} | ({"gpu": budget.gpus} if budget.gpus else {})
    trainable = ray.tune.with_parameters(_work, objective=objective)
    tuner = ray.tune.Tuner(
        ray.tune.with_resources(trainable, resources),
        param_space={"order": ray.tune.grid_search(_orders(search, scratch=folder))},
        tune_config=ray.tune.TuneConfig(
            metric="dev_loss",
            mode="min",
            max_concurrent_trials=budget.parallel,
            scheduler=ASHAScheduler(
                time_attr="done_percent",
                max_t=_WHOLE,
                grace_period=_WHOLE * budget.grace_share,
                reduction_factor=budget.reduction,
            ),
        ),
        run_config=ray.tune.RunConfig(
            name="trials",
            storage_path=folder,
            verbose=0,
            callbacks=[keeping],
            failure_config=ray.tune.FailureConfig(max_failures=0),
        ),
    )
    try:
        # Standard output is the verb's: `--json` promises one value there.
        with contextlib.redirect_stdout(sys.stderr):
            tuner.fit()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return _ended(state_url, search)


class Keeping(ray.tune.Callback):
    """Keeps how each trial ended in the state database; lives in Tune's controller.

    A database that does not answer stops no trial: the next end is written with those before it.
    """

    def __init__(self, state_url: str, search: Search) -> None:
        """Of a search; only its trials that are `running` change."""
        self._state_url = state_url
        self._search = search

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **_: Any
    ) -> None:
        """Add a look at dev, or why there will be none."""
        known = self._open(trial)
        if known is None:
            return
        step, loss = int(result["step"]), float(result["dev_loss"])
        changes: dict[str, Any] = {"seconds": float(result.get("time_total_s", 0.0))}
        if result.get("problem"):
            changes |= {"end": result["end"], "problem": result["problem"]}
        else:
            changes["points"] = (*known.points, (step, loss))
        self._change(replace(known, **changes))

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        """A trial has done its steps, or was stopped."""
        known = self._open(trial)
        if known is not None:
            is_whole = bool(known.points) and known.points[-1][0] >= known.recipe["steps"]
            self._change(replace(known, end="finished" if is_whole else "stopped"))
        self.write()

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        """A trial's process has died, or raised what is none of our errors."""
        known = self._open(trial)
        if known is not None:
            lines = str(trial.get_error() or "its process died").strip().splitlines()
            self._change(replace(known, end="failed", problem=lines[-1] if lines else "unknown"))
        self.write()

    def write(self) -> None:
        """Store the search as it is now."""
        try:
            state = State(self._state_url)
        except DeskwheelError as error:
            _LOG.warning("search %s is not stored: %s", self._search.key, error)
            return
        try:
            write_search(state, self._search)
        except DeskwheelError as error:
            _LOG.warning("search %s is not stored: %s", self._search.key, error)
        finally:
            state.close()

    def _open(self, trial: Any) -> Trial | None:
        known = self._search.trials[trial.config["order"]["number"]]
        return known if known.end == "running" else None

    def _change(self, trial: Trial) -> None:
        trials = {**self._search.trials, trial.proposal.number: trial}
        self._search = replace(self._search, trials=trials)


def _orders(search: Search, *, scratch: str) -> list[dict[str, Any]]:
    """What workers are told: what to try, or, with `known`, what to repeat."""
    return [
        {
            "number": trial.proposal.number,
            "recipe": dict(trial.recipe),
            "scratch": scratch,
            "known": None if trial.end == "running" else [list(point) for point in trial.points],
        }
        for trial in search.trials.values()
        if trial.end == "running" or trial.points
    ]


def _work(config: Mapping[str, Any], *, objective: Objective) -> None:
    """A trial, in a process of its own."""
    order = config["order"]
    steps = order["recipe"]["steps"]

    def tell(step: int, loss: float) -> None:
        if not math.isfinite(loss):
            raise DivergedError(
                f"the loss on dev is {loss} after step {step}; lower tune.max_lr",
                step=step,
                value=loss,
            )
        done = min(_WHOLE, _WHOLE * step / steps)
        ray.tune.report({"step": step, "done_percent": done, "dev_loss": loss})

    if order["known"] is not None:
        for step, loss in order["known"]:
            tell(step, loss)
        return
    try:
        objective(order, tell)
    except DeskwheelError as error:
        # At no share of its steps: the scheduler shall compare nothing with it.
        ray.tune.report(
            {
                "step": 0,
                "done_percent": 0.0,
                "dev_loss": math.nan,
                "end": "diverged" if isinstance(error, DivergedError) else "failed",
                "problem": str(error),
            }
        )


def _ended(state_url: str, search: Search) -> Search:
    """What was kept, done if no trial is missing."""
    state = State(state_url)
    try:
        found = read_search(state, search.key) or search
        is_done = all(trial.end != "running" for trial in found.trials.values())
        found = replace(found, is_done=is_done)
        write_search(state, found)
    finally:
        state.close()
    return found
