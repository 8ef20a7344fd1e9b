"""Answers customers over HTTP until it is told to stop: the verb `serve`.

Writes the documents `variant` and `split` when there are none; the rest happens in replicas.
"""

import argparse
import importlib
import os
from datetime import UTC, datetime
from pathlib import Path

from deploy.roster import ensure_first_variant
from deskwheel.engines import engine_environment, ray_token_environment
from deskwheel.settings import Settings
from deskwheel.state import State


def serve(settings: Settings, arguments: argparse.Namespace) -> int:
    """Exit status 0 once the application was taken down after SIGTERM or SIGINT.

    Raises:
        ServiceError: Ray cannot be reached, or the application failed; start it again.
    """
    del arguments  # this verb has no options of its own
    state = State(settings.pipeline.state_url)
    try:
        ensure_first_variant(state, settings, datetime.now(UTC))
    finally:
        state.close()
    prepare_environment(settings)
    # Not at the top of the file: Ray reads its token mode from the environment when imported.
    importlib.import_module("deploy.cluster").run_until_stopped(settings)
    return 0


def prepare_environment(settings: Settings) -> None:
    """Set what Ray and torch read when they are imported; what is set already stays."""
    base = settings.train.base_model
    wanted = {
        **engine_environment(is_offline=base == "demo" or Path(base).exists()),
        **ray_token_environment(Path(settings.pipeline.secrets_dir)),
    }
    for name, value in wanted.items():
        os.environ.setdefault(name, value)
