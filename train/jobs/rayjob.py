"""A training job as a RayJob of KubeRay: the manifest, out of settings, name and command.

Reads and writes nothing; loads no engine.
Source: KubeRay, ray.io/v1 API reference (RayJob, RayCluster; `authOptions` from 1.5.1 on); Kueue,
"Run A RayJob" (labels).
"""

import json
import math
import re
import shlex
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deskwheel.engines import engine_environment
from deskwheel.errors import ConfigError
from deskwheel.ids import digest
from deskwheel.settings import Settings
from train.jobs.environment import runtime_env

Manifest = dict[str, Any]

_NAME_LIMIT = 47
"""Longest name of a RayJob: KubeRay appends to it, and a label takes 63 characters."""
_HASH_LETTERS = 8
_HEAD_RESOURCES = {"cpu": "2", "memory": "8Gi"}
_VOLUME = "deskwheel"


def rayjob_name(name: str) -> str:
    """A job's name as Kubernetes takes it: the same for the same name, another for another.

    >>> rayjob_name("deskwheel-support-0")
    'deskwheel-support-0'
    >>> rayjob_name("deskwheel-Füße-0")
    'deskwheel-f--e-0-5c8fd0c0'
    """
    plain = re.sub(r"[^a-z0-9-]", "-", name.lower()).strip("-")
    if plain == name and len(name) <= _NAME_LIMIT:
        return name
    short = plain[: _NAME_LIMIT - _HASH_LETTERS - 1].rstrip("-")
    return f"{short}-{digest(name)[:_HASH_LETTERS]}"


def rayjob_manifest(name: str, command: Sequence[str], settings: Settings) -> Manifest:
    """The RayJob that runs a command on a cluster of its own.

    KubeRay starts the cluster, submits the command and takes the cluster down again. It does not
    repeat a failed job: the watcher does, up to `trigger.max_attempts`, and the next attempt goes
    on at the last model checkpoint.

    Raises:
        ConfigError: no image is named.
    """
    jobs = settings.jobs
    if not jobs.kube_image:
        raise ConfigError("jobs.kube_image is empty; name an image that holds deskwheel")
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {"name": rayjob_name(name), "labels": _labels(settings)},
        "spec": {
            "jobId": name,
            # Whatever Python starts the watcher, the image has its own.
            "entrypoint": shlex.join(["python", *command[1:]]),
            "entrypointNumCpus": jobs.driver_cpus,
            "entrypointNumGpus": jobs.driver_gpus,
            # Every JSON text is a YAML text, too.
            "runtimeEnvYAML": json.dumps(runtime_env(jobs)),
            "metadata": {"started_by": "deskwheel"},
            "shutdownAfterJobFinishes": True,
            "ttlSecondsAfterFinished": jobs.kube_keep_s,
            "backoffLimit": 0,
            "submitterConfig": {"backoffLimit": 2},
            "rayClusterSpec": _cluster(settings),
        },
    }


def _labels(settings: Settings) -> dict[str, str]:
    labels = {"app.kubernetes.io/managed-by": "deskwheel"}
    if settings.jobs.kube_queue:
        labels["kueue.x-k8s.io/queue-name"] = settings.jobs.kube_queue
        if settings.jobs.kube_priority_class:
            labels["kueue.x-k8s.io/priority-class"] = settings.jobs.kube_priority_class
    return labels


def _cluster(settings: Settings) -> Manifest:
    """The job's cluster; with `train.min_workers` it begins with these, and Ray adds the others.

    KubeRay submits a job once every pod that the cluster asks for runs, so what may be missing must
    not be asked for at first. Source: github.com/ray-project/kuberay/issues/533.
    """
    workers = settings.train.workers
    least = min(settings.train.min_workers or workers, workers)
    return {
        "rayVersion": version("ray"),
        "enableInTreeAutoscaling": least < workers,
        "authOptions": {"mode": "token"},
        "headGroupSpec": {
            "rayStartParams": {"dashboard-host": "0.0.0.0"},  # noqa: S104 - a pod's own network
            "template": _pod("ray-head", _HEAD_RESOURCES, settings),
        },
        "workerGroupSpecs": [
            {
                "groupName": "trainers",
                "replicas": least,
                "minReplicas": least,
                "maxReplicas": workers,
                "rayStartParams": {},
                "template": _pod("ray-worker", _worker_resources(settings), settings),
            }
        ],
    }


def _worker_resources(settings: Settings) -> dict[str, str]:
    jobs = settings.jobs
    found = {
        "cpu": str(max(1, math.ceil(jobs.cpus_per_worker))),
        "memory": f"{math.ceil(jobs.kube_memory_gib)}Gi",
    }
    if settings.train.use_gpu:
        found[jobs.kube_gpu] = str(math.ceil(jobs.gpus_per_worker))
    return found


def _pod(container: str, resources: dict[str, str], settings: Settings) -> Manifest:
    jobs = settings.jobs
    spec: Manifest = {
        "containers": [
            {
                "name": container,
                "image": jobs.kube_image,
                "env": _environment(settings),
                "resources": {"limits": resources, "requests": resources},
            }
        ]
    }
    (box,) = spec["containers"]
    if jobs.kube_secret:
        box["envFrom"] = [{"secretRef": {"name": jobs.kube_secret}}]
    if jobs.kube_claim:
        box["volumeMounts"] = [{"name": _VOLUME, "mountPath": jobs.kube_mount}]
        spec["volumes"] = [
            {"name": _VOLUME, "persistentVolumeClaim": {"claimName": jobs.kube_claim}}
        ]
    if jobs.kube_priority_class and not jobs.kube_queue:
        spec["priorityClassName"] = jobs.kube_priority_class
    if jobs.kube_service_account:
        spec["serviceAccountName"] = jobs.kube_service_account
    return {"spec": spec}


def _environment(settings: Settings) -> list[dict[str, str]]:
    base = settings.train.base_model
    variables = engine_environment(is_offline=base == "demo" or Path(base).is_absolute())
    variables["RAY_TRAIN_ENABLE_STATE_TRACKING"] = "1"
    return [{"name": name, "value": value} for name, value in variables.items()]
