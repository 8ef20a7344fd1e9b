"""What Ray carries from the driver to the training workers.

Reads no table. Driver and Ray's controller import this file, so it loads no trainer: that is the
worker's work, and costs ten seconds.
"""

import importlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import ray
from ray.exceptions import RayTaskError

from deskwheel.errors import DeskwheelError
from deskwheel.settings import (
    GateSettings,
    PipelineSettings,
    ServeSettings,
    Settings,
    TrainSettings,
)
from train.continual.start import Start
from train.finetune.served import check_served
from train.workers.nice import give_way


def job_config(
    settings: Settings,
    *,
    snapshot_id: str,
    champion_dir: Path | None,
    data_file: Path | None = None,
    start: Start | None = None,
) -> dict[str, Any]:
    """What a worker needs to know. Ray's API shows it in clear, so no address with a password.

    Args:
        settings: of the pipeline.
        snapshot_id: of the training set.
        champion_dir: the champion's adapter; None for the prompt-engineered bot.
        data_file: chats to train on in place of the snapshot (`train.data.chat_file`).
        start: where training starts; None: on the base, with the whole snapshot.
    """
    return {
        "lake": str(Path(settings.pipeline.lake).resolve()),
        "train": asdict(settings.train) | {"ray_jobs_url": "", "mlflow_uri": ""},
        "gate": asdict(settings.gate),
        "serve": asdict(settings.serve),
        "runs_dir": str(Path(settings.train.runs_dir).resolve()),
        "nice": settings.jobs.nice,
        "snapshot_id": snapshot_id,
        "data_file": None if data_file is None else str(data_file.resolve()),
        "champion_dir": None if champion_dir is None else str(champion_dir),
        "warm": asdict(start) if start and start.policy == "warm" else None,
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


def pack_data(config: Mapping[str, Any]) -> str:
    """The folder of a job's packed train and dev splits, made by a task on a CPU if need be.

    No GPU waits for it, no worker repeats it, and no trainer is loaded into the driver.

    Raises:
        DeskwheelError: the data cannot be trained on.
    """
    try:
        return cast(str, ray.get(ray.remote(num_cpus=1)(_pack).remote(dict(config))))
    except RayTaskError as error:
        if isinstance(error.cause, DeskwheelError):
            raise error.cause from error
        raise


def data_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a job's data is, as `train.finetune.prepare.read_data` takes it."""
    data_file = config["data_file"]
    return {
        "lake_dir": config["lake"],
        "snapshot_id": config["snapshot_id"],
        "data_file": None if data_file is None else Path(data_file),
    }


def _pack(config: Mapping[str, Any]) -> str:
    """In a process of its own: read, check, encode and pack what is learnt from."""
    give_way(config["nice"])
    prepare = importlib.import_module("train.finetune.prepare")
    settings = job_settings(config).train
    check_served(settings)
    data = prepare.read_data(**data_of(config))
    if config["warm"] is not None:
        data = importlib.import_module("train.continual.replay").warm_set(
            data,
            lake_dir=config["lake"],
            older_snapshot_id=config["warm"]["older_snapshot_id"],
            share=settings.replay_share,
        )
    return str(prepare.prepare_snapshot(data, settings, runs_dir=Path(config["runs_dir"])))
