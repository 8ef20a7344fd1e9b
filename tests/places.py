"""Settings whose every path lies in one folder, for tests that need them without a fixture."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from deskwheel.settings import Settings


def settings_in(folder: Path, **transforms: Any) -> Settings:
    """Default settings with their paths moved under a folder; the rest changes `transforms`."""
    whole = Settings()
    return replace(
        whole,
        pipeline=replace(
            whole.pipeline,
            lake=str(folder / "lake"),
            state_url=f"sqlite:///{folder}/state.db",
            secrets_dir=str(folder / "secrets"),
        ),
        ingest=replace(whole.ingest, state_dir=str(folder / "ingest")),
        transforms=replace(
            whole.transforms, checkpoint_dir=str(folder / "checkpoints"), **transforms
        ),
        train=replace(
            whole.train,
            runs_dir=str(folder / "runs"),
            mlflow_uri=f"sqlite:///{folder}/mlflow.db",
        ),
    )


def served_by(settings: Settings, bootstrap: str) -> Settings:
    """The same settings with another broker."""
    return replace(settings, kafka=replace(settings.kafka, bootstrap=bootstrap))
