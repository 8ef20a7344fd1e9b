"""What a finished training leaves behind: run, evaluation, model version, and a moved window.

Writes the documents `run` and `evaluation`, the timeline, and MLflow. At most one adapter is
published for a window: the run's id follows from the window, registering is idempotent, and the
window leaves `submitted` once.
"""

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from deskwheel.errors import StateError
from deskwheel.records import Evaluation, Run
from deskwheel.settings import Settings
from deskwheel.state import Row, State
from train.registry import register, set_alias

_LEASE_S = 300.0


def find_window(state: State, pipeline: str, from_version: int) -> Row:
    """The window that starts at a table version.

    Raises:
        StateError: nobody has claimed it.
    """
    for window in state.windows(pipeline):
        if window["from_version"] == from_version:
            return window
    raise StateError(
        f"window {pipeline}/{from_version} was never claimed; `python -m train watch` claims one"
    )


def publish(
    settings: Settings,
    state: State,
    run: Run,
    evaluation: Evaluation,
    *,
    from_version: int,
    adapter_dir: Path,
    history: Sequence[Mapping[str, float]],
) -> bool:
    """Publish a run's adapter for its window; False when the window has one already.

    Raises:
        StateError: another process is publishing for this window at this moment.
    """
    pipeline = settings.pipeline.name
    owner = f"{socket.gethostname()}/{os.getpid()}"
    if state.acquire_lease(f"publish/{run.run_id}", owner, _LEASE_S) is None:
        raise StateError(f"run {run.run_id} is being published by another process; leave it to it")
    if find_window(state, pipeline, from_version)["phase"] != "submitted":
        return False
    version = register(settings, run, evaluation, adapter_dir, history=history)
    if evaluation.verdict == "PROMOTE":
        set_alias(settings, "challenger", version)
    points = [[entry["step"], entry["loss"]] for entry in history]
    state.put("loss_curve", run.run_id, {"points": points})
    state.put("run", run.run_id, asdict(run))
    state.put("evaluation", evaluation.evaluation_id, asdict(evaluation))
    state.advance_window(pipeline, from_version, expect="submitted", phase="trained")
    _tell(state, run, evaluation, version)
    return True


def _tell(state: State, run: Run, evaluation: Evaluation, version: str) -> None:
    trained = {
        "snapshot_id": run.snapshot_id,
        "steps": run.steps,
        "first_loss": run.first_loss,
        "last_loss": run.last_loss,
        "model_version": version,
        "adapter_uri": run.adapter_uri,
    }
    judged = {
        "run_id": run.run_id,
        "verdict": evaluation.verdict,
        "reasons": list(evaluation.reasons),
        "examples": evaluation.examples,
        "scores": evaluation.scores,
    }
    state.record(run.pipeline, "trained", run.run_id, trained)
    state.record(run.pipeline, "evaluated", evaluation.evaluation_id, judged)
