"""What a run under way tells: its reports as progress and loss curve, where people see them.

Reads no table; writes the state documents `progress` and `loss_curve`. Ray's controller imports
this file, so it loads no trainer.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import ray.train

from deskwheel.errors import DeskwheelError
from deskwheel.progress import Progress, RunPhase, change_progress, read_progress
from deskwheel.state import State

_EVERY_S = 1.0
"""Least time between two writes: the database serves the watcher and the split as well."""
_LOG = logging.getLogger(__name__)


class ProgressReports(ray.train.UserCallback):
    """Keeps how far a run is in the state database; lives in Ray's controller.

    A database that does not answer stops no training: the next report tries again.
    """

    def __init__(
        self,
        state_url: str,
        progress: Progress,
        *,
        steps: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Write the documents of a run.

        Args:
            state_url: address of the state database.
            progress: what is known of the run before its first report.
            steps: optimizer steps in all.
            clock: seconds, of a clock that is never set back.
        """
        self._state_url = state_url
        self._run_id = progress.run_id
        self._progress = replace(progress, steps=steps)
        self._clock = clock
        self._points: dict[float, float] = {}
        self._is_read = False
        self._first: dict[bool, tuple[float, int]] = {}
        """When this process saw its first report, and of which step; of preferences under True."""
        self._written = -_EVERY_S

    def after_report(
        self, run_context: Any, metrics: list[dict[str, Any]], checkpoint: Any
    ) -> None:
        """Add a report of rank 0; a repeated step after a failure replaces its point."""
        report, before = metrics[0], self._progress.phase
        if "loss" in report:
            self._add(report)
        elif "preference_step" in report:
            self._add_preference(report)
        elif not report.get("is_over"):
            return
        is_over = bool(report.get("is_over")) or self._is_last(report)
        phase: RunPhase = "evaluating" if is_over else "training"
        eta_s = None if is_over else self._progress.eta_s
        known = self._progress
        self._progress = replace(
            known,
            phase=phase,
            at=_now(),
            eta_s=eta_s,
            rss_bytes=report.get("rss_bytes", known.rss_bytes),
            gpu_bytes=report.get("gpu_bytes", known.gpu_bytes),
        )
        is_new = not self._is_read or phase != before or report.get("dev_loss") is not None
        if is_over or is_new or self._clock() - self._written >= _EVERY_S:
            self._write()

    def _is_last(self, report: Mapping[str, Any]) -> bool:
        known = self._progress
        if "preference_step" in report:
            return known.preference_step >= known.preference_steps
        return known.step >= known.steps

    def _add(self, report: Mapping[str, Any]) -> None:
        known, step = self._progress, int(report.get("checkpoint_step", report["step"]))
        self._points[float(report["step"])] = float(report["loss"])
        self._progress = replace(
            known,
            first_step_at=known.first_step_at or _now(),
            step=step,
            loss=float(report["loss"]),
            lr=report.get("lr", known.lr),
            dev_loss=report.get("dev_loss", known.dev_loss),
            tokens_per_s=report.get("tokens_per_s", known.tokens_per_s),
            eta_s=self._eta_s(step, known.steps, is_preference=False),
        )

    def _add_preference(self, report: Mapping[str, Any]) -> None:
        step, steps = int(report["preference_step"]), int(report["preference_steps"])
        self._progress = replace(
            self._progress,
            # An attempt that goes on after the fine-tune has seen none of its reports.
            step=int(report["step"]) - step,
            preference_step=step,
            preference_steps=steps,
            preference_loss=report.get("preference_loss", self._progress.preference_loss),
            tokens_per_s=None,
            eta_s=self._eta_s(step, steps, is_preference=True),
        )

    def _eta_s(self, step: int, steps: int, *, is_preference: bool) -> float | None:
        """Time for the steps that remain; unknown until this process has seen one pass."""
        since, first = self._first.setdefault(is_preference, (self._clock(), step))
        if step <= first:
            return None
        return (self._clock() - since) / (step - first) * (steps - step)

    def _write(self) -> None:
        try:
            state = State(self._state_url)
        except DeskwheelError as error:
            _LOG.warning("progress of %s is not stored: %s", self._run_id, error)
            return
        try:
            if not self._is_read:
                self._continue(state)
            points = [[step, loss] for step, loss in sorted(self._points.items())]
            state.put("loss_curve", self._run_id, {"points": points})
            change_progress(state, self._run_id, self._onto)
            self._written = self._clock()
        except DeskwheelError as error:
            _LOG.warning("progress of %s is not stored: %s", self._run_id, error)
        finally:
            state.close()

    def _onto(self, stored: Progress | None) -> Progress | None:
        """What was reported, unless the run is known to have ended: a report may come late."""
        if stored is None:
            return self._progress
        return self._progress if stored.is_open else None

    def _continue(self, state: State) -> None:
        """Take over the points of a former attempt, whose controller is gone."""
        found = state.get("loss_curve", self._run_id)
        earlier = found[0]["points"] if found else []
        self._points = {float(step): loss for step, loss in earlier} | self._points
        known = read_progress(state, self._run_id)
        if known is not None and known.first_step_at:
            self._progress = replace(self._progress, first_step_at=known.first_step_at)
        self._is_read = True


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
