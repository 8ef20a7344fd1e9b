"""What Ray carries from the driver to the training workers, and back into the console.

Reads no table; `LossCurve` writes the state document `loss_curve`. Driver and Ray's controller
import this file, so it loads no trainer: that is the worker's work, and costs ten seconds.
"""

import importlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import ray.train

from deskwheel.settings import (
    GateSettings,
    PipelineSettings,
    ServeSettings,
    Settings,
    TrainSettings,
)
from deskwheel.state import State


class LossCurve(ray.train.UserCallback):
    """Keeps the loss of a run under way where the console sees it; lives in Ray's controller."""

    def __init__(self, state_url: str, run_id: str) -> None:
        """Write the state document `loss_curve` of a run."""
        self._state_url = state_url
        self._run_id = run_id
        self._points: dict[float, float] = {}

    def after_report(
        self, run_context: Any, metrics: list[dict[str, Any]], checkpoint: Any
    ) -> None:
        """Add a report of rank 0; a repeated step after a failure replaces its point."""
        if "loss" not in metrics[0]:
            return
        self._points[metrics[0]["step"]] = metrics[0]["loss"]
        state = State(self._state_url)
        points = [[step, loss] for step, loss in sorted(self._points.items())]
        state.put("loss_curve", self._run_id, {"points": points})
        state.close()


def job_config(
    settings: Settings, *, snapshot_id: str, champion_dir: Path | None
) -> dict[str, Any]:
    """What a worker needs to know. Ray's API shows it in clear, so no address with a password."""
    return {
        "lake": str(Path(settings.pipeline.lake).resolve()),
        "train": asdict(settings.train) | {"ray_jobs_url": "", "mlflow_uri": ""},
        "gate": asdict(settings.gate),
        "serve": asdict(settings.serve),
        "snapshot_id": snapshot_id,
        "champion_dir": None if champion_dir is None else str(champion_dir),
    }


def job_settings(config: Mapping[str, Any]) -> Settings:
    """The settings in a job's configuration; what a worker need not know has its default."""
    return replace(
        Settings(),
        pipeline=PipelineSettings(lake=config["lake"]),
        train=TrainSettings(**config["train"]),
        gate=GateSettings(**config["gate"]),
        serve=ServeSettings(**config["serve"]),
    )


def work(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """What every worker runs: `train.worker.work`, loaded only there."""
    worker = importlib.import_module("train.worker")
    return cast(dict[str, Any] | None, worker.work(config))
