"""Training jobs by a name of ours: started at most once each, wherever the settings say.

Reads and writes no table. The deterministic name is what keeps a second watcher, or this one
after a restart, from starting a training twice. A place is a module: `local`, `ray_jobs`,
`kuberay`; each loads its engine only when it is chosen.
"""

import importlib
from pathlib import Path
from typing import Any, cast

from deskwheel.errors import ConfigError
from deskwheel.settings import Settings
from train.jobs.local import LocalJobs
from train.jobs.place import Jobs, JobStatus

__all__ = ["JobStatus", "Jobs", "LocalJobs", "open_jobs", "target_of"]


def open_jobs(settings: Settings) -> Jobs:
    """The place that `jobs.target` names.

    Raises:
        ConfigError: that place needs a setting that is empty.
        ServiceError: it does not answer.
    """
    target = target_of(settings)
    if target == "local":
        return LocalJobs(Path(settings.train.runs_dir) / "jobs")
    # Ray is imported only by the watcher that has something to submit: 0.2 GB and several seconds.
    name = {"ray": "ray_jobs", "kuberay": "kuberay"}[target]
    module: Any = importlib.import_module(f"train.jobs.{name}")
    return cast(Jobs, module.open_place(settings))


def target_of(settings: Settings) -> str:
    """`local`, `ray` or `kuberay`.

    Raises:
        ConfigError: `ray` without an address of its job server.
    """
    chosen, url = settings.jobs.target, settings.train.ray_jobs_url
    if chosen == "auto":
        return "ray" if url else "local"
    if chosen == "ray" and not url:
        raise ConfigError(
            'jobs.target = "ray" needs train.ray_jobs_url, the address of the cluster\'s dashboard'
        )
    return chosen
