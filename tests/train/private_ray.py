"""A Ray of a test module's own, which ends with it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import ray


@contextmanager
def private_ray(*, num_cpus: int, store_mib: int = 100) -> Iterator[str]:
    """The address of a new Ray on this machine; `store_mib` is the room for its objects."""
    with pytest.MonkeyPatch.context() as patch:
        # Ray has read its mode when it was imported, so a token would come too late here.
        patch.setenv("RAY_AUTH_MODE", "disabled")
        ray.init(
            address="local",
            num_cpus=num_cpus,
            include_dashboard=False,
            log_to_driver=False,
            object_store_memory=store_mib * 2**20,
            _node_ip_address="127.0.0.1",
        )
        yield ray.get_runtime_context().gcs_address
        ray.shutdown()
