"""Where a training worker starts: the way from Ray into `worker`, light enough for the driver.

Reads and writes no table. The driver imports this file, so the trainers are loaded in the worker.
"""

import importlib
import os
from collections.abc import Mapping
from typing import Any, cast


def work(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """What every worker runs: `train.workers.worker.work`, loaded only there."""
    give_way(config["nice"])
    worker = importlib.import_module("train.workers.worker")
    return cast(dict[str, Any] | None, worker.work(config))


def give_way(nice: int) -> None:
    """Let streams, gateway and serving of the same machine go first; repeating it changes nothing.

    Ray may give one process several tasks, so that an increment would add up.
    """
    os.setpriority(os.PRIO_PROCESS, 0, max(nice, os.getpriority(os.PRIO_PROCESS, 0)))
