"""Prepares this process for the engines, then hands a verb over to the module that loads them.

Reads and writes no table. Engines look at the environment once, when they are imported, so it is
set before; what the caller has set already stays.
"""

import argparse
import importlib
import os
from pathlib import Path

from deskwheel.engines import engine_environment, ray_token_environment
from deskwheel.settings import Settings
from train.files import base_folder
from train.runs.source import check_source


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `run`; what a run by itself is to learn from is looked for first."""
    if arguments.from_version is None:
        data_file = None if arguments.data is None else Path(arguments.data)
        check_source(settings.pipeline.lake, snapshot_id=arguments.snapshot, data_file=data_file)
    return _hand_over("train.runs.run", "main", settings, arguments)


def logs(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `logs`."""
    return _hand_over("train.runs.verbs", "show_log", settings, arguments)


def cancel(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `cancel`."""
    return _hand_over("train.runs.verbs", "cancel", settings, arguments)


def retry(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `retry`."""
    return _hand_over("train.runs.verbs", "retry", settings, arguments)


def watch(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `watch`."""
    return _hand_over("train.watch", "watch", settings, arguments)


def tune(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `tune`."""
    return _hand_over("train.tune.verbs", "tune", settings, arguments)


def bases(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `bases`; may ask the hub, and gives each candidate a process of its own."""
    for name, value in engine_environment(is_offline=False).items():
        os.environ.setdefault(name, value)
    return int(importlib.import_module("train.bases.verbs").compare(settings, arguments))


def prepare(settings: Settings) -> None:
    """Set what engines and Ray's token need, where the environment does not say otherwise."""
    base = settings.train.base_model
    variables = engine_environment(is_offline=base_folder(base) is not None)
    if "RAY_AUTH_MODE" not in os.environ:
        variables |= ray_token_environment(Path(settings.pipeline.secrets_dir))
    for name, value in variables.items():
        os.environ.setdefault(name, value)


def _hand_over(
    module: str, function: str, settings: Settings, arguments: argparse.Namespace
) -> int:
    prepare(settings)
    return int(getattr(importlib.import_module(module), function)(settings, arguments))
