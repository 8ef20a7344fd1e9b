"""What a training worker computes with: device, threads, releases. Loads torch."""

import os
import platform
from importlib import metadata
from typing import Any

import torch

PACKAGES = ("torch", "transformers", "peft", "trl", "accelerate", "ray", "safetensors")


def describe_worker() -> dict[str, Any]:
    """Device, threads and releases of this process, as JSON; no name of a machine or person."""
    has_gpu = torch.cuda.is_available()
    return {
        "device": torch.cuda.get_device_name() if has_gpu else platform.machine(),
        "cuda": torch.version.cuda if has_gpu else None,
        "threads": torch.get_num_threads(),
        "cpus": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": dict(_releases()),
    }


def _releases() -> list[tuple[str, str]]:
    found = []
    for name in PACKAGES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return found
