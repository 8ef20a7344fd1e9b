"""What a finished training leaves behind: run, evaluation, model version, and a moved window.

Writes the documents `run` and `evaluation`, the timeline, and MLflow. At most one adapter is
published for a window: one process at a time publishes its run, registering is idempotent, and
the window leaves `submitted` once, naming the model version that won; any other is removed. The
evaluation becomes visible after that, so nobody acts on a window that has failed meanwhile.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from deskwheel import failpoint
from deskwheel.errors import StateError
from deskwheel.records import Evaluation, Run
from deskwheel.settings import Settings
from deskwheel.state import OPEN_PHASES, Fence, Row, State
from train import registry as mlflow_registry
from train.ledger import find_window
from train.publishing.announce import LEASE_S, announce, prepare, publishing

_WAIT_S = LEASE_S + 30.0
"""Longer than the lease that a killed process leaves behind."""


class Registry(Protocol):
    """Where adapters become versions of a model; `train.registry` is one."""

    def register(
        self,
        settings: Settings,
        run: Run,
        evaluation: Evaluation,
        adapter_dir: Path,
        *,
        history: Sequence[Mapping[str, float]] = (),
    ) -> str:
        """The model version of a run."""

    def versions_of(self, settings: Settings, run_id: str) -> list[str]:
        """Every version that a run was registered as."""

    def drop_version(self, settings: Settings, version: str) -> None:
        """Remove a version; one that is gone already stays so."""

    def set_alias(self, settings: Settings, alias: str, version: str) -> None:
        """Let an alias point to a version."""


class RunPublisher:
    """Publishes the runs of a pipeline's windows; a repetition finishes what a crash has left."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        *,
        registry: Registry = mlflow_registry,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Publish to a registry and a state database.

        Args:
            settings: name of the pipeline and address of the registry.
            state: where documents and windows are kept.
            registry: where adapters become model versions.
            sleep: what waits for another process.
        """
        self._settings = settings
        self._state = state
        self._registry = registry
        self._sleep = sleep

    def publish_run(
        self,
        run: Run,
        evaluation: Evaluation,
        *,
        from_version: int,
        adapter_dir: Path,
        history: Sequence[Mapping[str, float]],
        wait_s: float = _WAIT_S,
    ) -> bool:
        """Publish a run's adapter for its window; False when the window has one already.

        Args:
            run: what was trained.
            evaluation: how it was judged.
            from_version: the window's.
            adapter_dir: folder of the adapter.
            history: metrics a report, each with its `step`.
            wait_s: for how many seconds to wait for another process that publishes the run.

        Raises:
            LeaseLostError: this process was paused, and another went on publishing the run.
            StateError: another process publishes the run, or the window has ended without one, or
                was given another run.
        """
        with publishing(self._state, run.run_id, wait_s=wait_s, sleep=self._sleep) as fence:
            if fence is None:
                raise StateError(
                    f"run {run.run_id} is being published by another process; leave it to it"
                )
            window = find_window(self._state, run.pipeline, from_version)
            if window["run_id"] != run.run_id:
                raise StateError(
                    f"window {run.pipeline}/{from_version} has run {window['run_id']} now, so run"
                    f" {run.run_id} is not published; nothing is left to do"
                )
            is_due = window["phase"] == "submitted"
            if is_due:
                version = self._registry.register(
                    self._settings, run, evaluation, adapter_dir, history=history
                )
                failpoint.reach(failpoint.AFTER_MODEL_VERSION)
                try:
                    self._store(run, evaluation, version, history=history, fence=fence)
                    self._win(window, version, fence=fence)
                except StateError:
                    self._withdraw(window, version)
                    raise
                failpoint.reach(failpoint.AFTER_TRAINED)
            if is_due or window["phase"] == "trained":
                self._complete(run.run_id, fence=fence)
            return is_due

    def finish_run(self, run_id: str) -> bool:
        """Complete what a killed job has left, unless a process does; whether nothing is left."""
        with publishing(self._state, run_id) as fence:
            if fence is not None:
                self._complete(run_id, fence=fence)
        return fence is not None

    def _store(
        self,
        run: Run,
        evaluation: Evaluation,
        version: str,
        *,
        history: Sequence[Mapping[str, float]],
        fence: Fence,
    ) -> None:
        """Everything that nobody acts on before the evaluation is there; may be repeated."""
        points = [[entry["step"], entry["loss"]] for entry in history if "loss" in entry]
        self._state.put("loss_curve", run.run_id, {"points": points}, fence=fence)
        self._state.put("run", run.run_id, asdict(run), fence=fence)
        prepare(self._state, run, evaluation, version, fence=fence)

    def _win(self, window: Row, version: str, *, fence: Fence) -> None:
        """The compare-and-set: the window names the one model version it has led to."""
        self._state.advance_window(
            window["pipeline"],
            window["from_version"],
            expect="submitted",
            phase="trained",
            fence=fence,
            # A later attempt finds the version, or has a run of its own.
            attempt=window["attempts"],
            model_version=version,
        )

    def _withdraw(self, window: Row, version: str) -> None:
        """Remove a version that lost.

        One of an open window and its run stays: whoever went on may have found it and be about to
        win with it.
        """
        now = find_window(self._state, window["pipeline"], window["from_version"])
        is_needed = now["phase"] in OPEN_PHASES and now["run_id"] == window["run_id"]
        if not is_needed and now["model_version"] != version:
            self._registry.drop_version(self._settings, version)

    def _complete(self, run_id: str, *, fence: Fence) -> None:
        """Everything after the window has moved; may be repeated."""
        found = self._state.get("announcement", run_id)
        if found is None or found[0]["is_done"]:
            return
        published, verdict = found[0]["trained"]["model_version"], found[0]["judged"]["verdict"]
        for version in self._registry.versions_of(self._settings, run_id):
            if version != published:
                self._registry.drop_version(self._settings, version)
        if verdict == "PROMOTE" and self._is_newest(run_id):
            self._registry.set_alias(self._settings, "challenger", published)
        announce(self._state, run_id, fence=fence)

    def _is_newest(self, run_id: str) -> bool:
        """Whether no later window has been trained."""
        trained = self._state.windows(self._settings.pipeline.name, phase="trained")
        return bool(trained) and trained[-1]["run_id"] == run_id
