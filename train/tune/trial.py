"""One trial: an adapter trained as a run would train it, of which only the losses on dev are kept.

Reads the packed snapshot that all trials map; writes into the search's scratch folder. Loaded in
Ray's workers only.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from train.finetune.loop import Metrics, train_adapter
from train.finetune.packed import open_packed
from train.tune.search import Tell
from train.workers.job import job_settings


def train_trial(job: Mapping[str, Any], order: Mapping[str, Any], tell: Tell) -> None:
    """Train with an order's recipe and tell the loss of each look at dev.

    Args:
        job: `train.workers.job.job_config` with the folder of the packed snapshot.
        order: `recipe`, what the trial changes in `[train]`, and its `scratch` folder.
        tell: takes step and loss.

    Raises:
        DivergedError: the loss of a step was no number.
    """
    os.setpriority(os.PRIO_PROCESS, 0, max(job["nice"], os.getpriority(os.PRIO_PROCESS, 0)))
    settings = job_settings({**job, "train": {**job["train"], **order["recipe"]}}).train
    packed = Path(job["packed"])

    def report(metrics: Metrics, checkpoint: Path | None) -> None:
        if "dev_loss" in metrics:
            tell(int(metrics["step"]), float(metrics["dev_loss"]))

    with tempfile.TemporaryDirectory(dir=order["scratch"]) as folder:
        train_adapter(
            open_packed(packed, "train"),
            settings,
            directory=Path(folder),
            report=report,
            dev=open_packed(packed, "dev"),
        )
