"""The Ray cluster in which this process works: one that runs already, or one of its own.

Reads and writes no table.
"""

import os

import ray

from deskwheel.settings import Settings

_OBJECT_STORE_BYTES = 200 * 2**20


def connect(settings: Settings) -> None:
    """Join the cluster of the settings or of the job this is; else start a private one."""
    if settings.train.ray_address or "RAY_ADDRESS" in os.environ:
        ray.init(address=settings.train.ray_address or None, log_to_driver=False)
        return
    workers = settings.train.workers
    ray.init(
        address="local",
        num_cpus=max(1, int(workers * settings.jobs.cpus_per_worker)) + 1,
        include_dashboard=False,
        object_store_memory=_OBJECT_STORE_BYTES,
        log_to_driver=False,
        _node_ip_address="127.0.0.1",
    )
