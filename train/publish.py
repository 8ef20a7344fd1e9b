"""What a finished training leaves behind: run, evaluation, model version, and a moved window.

Writes the documents `run` and `evaluation`, the timeline, and MLflow. At most one adapter is
published for a window: the run's id follows from the window, registering is idempotent, and the
window leaves `submitted` once. The evaluation becomes visible after that, so nobody acts on a
window that has failed meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from deskwheel.errors import StateError
from deskwheel.records import Evaluation, Run
from deskwheel.settings import Settings
from deskwheel.state import Row, State
from train.announce import LEASE_S, announce, prepare, publishing
from train.registry import register, set_alias

_WAIT_S = LEASE_S + 30.0
"""Longer than the lease that a killed process leaves behind."""


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
    wait_s: float = _WAIT_S,
) -> bool:
    """Publish a run's adapter for its window; False when the window has one already.

    A repetition after a crash finishes what the crash has left.

    Args:
        settings: name of the pipeline and address of the registry.
        state: where documents and window are kept.
        run: what was trained.
        evaluation: how it was judged.
        from_version: the window's.
        adapter_dir: folder of the adapter.
        history: metrics a report, each with its `step`.
        wait_s: for how many seconds to wait for another process that publishes the run.

    Raises:
        StateError: another process went on publishing the run, or the window failed meanwhile.
    """
    with publishing(state, run.run_id, wait_s=wait_s) as is_ours:
        if not is_ours:
            raise StateError(
                f"run {run.run_id} is being published by another process; leave it to it"
            )
        phase = find_window(state, run.pipeline, from_version)["phase"]
        if phase == "submitted":
            _store(settings, state, run, evaluation, adapter_dir=adapter_dir, history=history)
            state.advance_window(run.pipeline, from_version, expect="submitted", phase="trained")
        if phase in ("submitted", "trained"):
            announce(state, run.run_id)
        return phase == "submitted"


def _store(
    settings: Settings,
    state: State,
    run: Run,
    evaluation: Evaluation,
    *,
    adapter_dir: Path,
    history: Sequence[Mapping[str, float]],
) -> None:
    """Everything that nobody acts on before the evaluation is there; may be repeated."""
    version = register(settings, run, evaluation, adapter_dir, history=history)
    if evaluation.verdict == "PROMOTE":
        set_alias(settings, "challenger", version)
    points = [[entry["step"], entry["loss"]] for entry in history]
    state.put("loss_curve", run.run_id, {"points": points})
    state.put("run", run.run_id, asdict(run))
    prepare(state, run, evaluation, version)
