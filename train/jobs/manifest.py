"""The RayJob of a window's training as YAML, to be looked at or applied by hand.

Reads nothing; writes nothing.
"""

import argparse
import importlib
from pathlib import Path
from typing import Any

from deskwheel.settings import Settings
from train.jobs.rayjob import rayjob_manifest
from train.ledger import run_id_of, submission_id_of


def show_manifest(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `manifest`: what `jobs.target = "kuberay"` would create for a window.

    Raises:
        ConfigError: no image is named.
    """
    pipeline, start = settings.pipeline.name, arguments.from_version
    run_id = run_id_of(pipeline, start, arguments.snapshot)
    file = Path(settings.train.runs_dir).resolve() / f"{run_id}.toml"
    command = ["python", "-m", "train", "run", "--config", str(file)]
    command += ["--snapshot", arguments.snapshot, "--from-version", str(start)]
    name = submission_id_of(pipeline, start, arguments.attempt)
    yaml: Any = importlib.import_module("yaml")
    print(yaml.safe_dump(rayjob_manifest(name, command, settings), sort_keys=False), end="")
    return 0
