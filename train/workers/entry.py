"""Where a training worker starts: the way from Ray into `worker`, light enough for the driver.

Reads and writes no table. The driver imports this file, so the trainers are loaded in the worker.
"""

import importlib
from collections.abc import Mapping
from typing import Any, cast

from train.workers.nice import give_way


def work(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """What every worker runs: `train.workers.worker.work`, loaded only there."""
    give_way(config["nice"])
    worker = importlib.import_module("train.workers.worker")
    return cast(dict[str, Any] | None, worker.work(config))
