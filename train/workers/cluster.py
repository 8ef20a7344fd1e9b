"""The Ray cluster in which this process works: one that runs already, or one of its own.

Reads and writes no table.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

import ray

from deskwheel.settings import Settings

_OBJECT_STORE_BYTES = 200 * 2**20


@contextmanager
def connected(settings: Settings) -> Iterator[None]:
    """In the cluster of the settings or of the job this is; else in a private one, until the end.

    Ray writes what its workers died of to standard output. That is for a verb's answer, which
    scripts read, so that meanwhile all output goes to standard error.
    """
    with redirect_stdout(sys.stderr):
        _connect(settings)
        try:
            yield
        finally:
            ray.shutdown()


def _connect(settings: Settings) -> None:
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
