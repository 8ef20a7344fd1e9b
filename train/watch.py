"""Watches for enough fresh examples, claims a window, and sees its training through.

Reads `validated_examples`; writes windows and the timeline. Any number of watchers may run: a
lease lets one act, its fencing token stops one that was paused, the window's primary key lets one
claim, and the job's name lets one train. When to claim is decided in `train.trigger`.
"""

import argparse
import importlib
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deskwheel import config, failpoint
from deskwheel.errors import DeskwheelError, LeaseLostError, StateError
from deskwheel.service import announce_ready, stop_event
from deskwheel.settings import Settings
from deskwheel.state import END_PHASES, OPEN_PHASES, Fence, Row, State
from train.jobs import Jobs, open_jobs, target_of
from train.ledger import fail_window, lease_of, owner_name, run_id_of, submission_id_of
from train.publishing.announce import is_announced
from train.trigger.decide import TriggerDecision, decide, next_start
from train.trigger.log import log_decision

_LOG_LINES = 20
_OPEN_INTERVAL_S = 2.0


Decide = Callable[..., TriggerDecision]
"""What `train.trigger.decide.decide` is."""


class Watcher:
    """One watcher of a pipeline; `step` is one pass and can be repeated at any moment."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        *,
        owner: str,
        jobs: Jobs | None = None,
        decide: Decide = decide,
        finish: Callable[[str], bool] | None = None,
    ) -> None:
        """Watch under a name that no other process has.

        Args:
            settings: of the pipeline.
            state: where windows are kept.
            owner: see `train.ledger.owner_name`.
            jobs: where jobs run; by default where the settings say, opened when first needed.
            decide: says whether to claim.
            finish: completes a run's publication that was broken off; `RunPublisher.finish_run`.
        """
        self._settings = settings
        self._state = state
        self._owner = owner
        self._jobs = jobs
        self._decide = decide
        self._finish_run = finish or self._finish_in_mlflow
        self._finished: set[str] = set()
        self._tidied: set[str] = set()
        self._has_open = False

    @property
    def _pipeline(self) -> str:
        return self._settings.pipeline.name

    def step(self, now: datetime) -> bool:
        """Do what is due now, if this watcher holds the lease; whether it still does at the end.

        Raises:
            ServiceError: the place where jobs run does not answer; try again.
        """
        fence = self._lease(self._settings.trigger.lease_s)
        if fence is None:
            return False
        try:
            self._act(fence, now)
        except LeaseLostError:
            return False  # Paused for longer than its lease: another watcher goes on.
        return True

    @property
    def pause_s(self) -> float:
        """Time until the next step: short while a window is under way, which somebody waits for."""
        interval_s = self._settings.trigger.interval_s
        return min(interval_s, _OPEN_INTERVAL_S) if self._has_open else interval_s

    def release(self) -> None:
        """Let the lease run out now, so that the next watcher need not wait for it."""
        self._lease(-1.0)

    def _lease(self, ttl_s: float) -> Fence | None:
        name = lease_of(self._pipeline)
        token = self._state.acquire_lease(name, self._owner, ttl_s)
        return None if token is None else Fence(name, token)

    def _act(self, fence: Fence, now: datetime) -> None:
        windows = self._state.windows(self._pipeline)
        for window in windows:
            if window["phase"] == "frozen":
                self._submit(window, fence)
            elif window["phase"] == "submitted":
                self._follow(window, fence)
        self._has_open = any(window["phase"] in OPEN_PHASES for window in windows)
        if not self._has_open:
            self._evaluate(windows, fence, now)
        # Last, because it asks MLflow: claims and jobs do not wait for that.
        for window in windows:
            if window["phase"] == "trained":
                self._finish(window["run_id"])
        if windows and windows[-1]["phase"] in END_PHASES and windows[-1]["attempts"]:
            self._tidy(windows[-1])

    def _tidy(self, window: Row) -> None:
        """End what the last job of an ended window has left running.

        A job that was killed after it had moved its window is followed by nobody. Ray and KubeRay
        clear up after theirs.
        """
        name = submission_id_of(self._pipeline, window["from_version"], window["attempts"])
        if name not in self._tidied and target_of(self._settings) == "local":
            if self._open().status(name) != "running":
                self._tidied.add(name)

    def _evaluate(self, windows: list[Row], fence: Fence, now: datetime) -> None:
        decision = self._decide(self._settings, self._state, now=now)
        log_decision(self._state, self._pipeline, decision, now=now)
        if decision.fired and decision.version is not None:
            self._claim(windows, decision.version, decision.detail(), fence)

    def _claim(
        self, windows: list[Row], version: int, detail: Mapping[str, Any], fence: Fence
    ) -> None:
        """Claim the versions after the last window's; nobody can claim them again.

        Nothing is claimed where a person has reopened a window since they were read.
        """
        self._state.claim_window(
            self._pipeline,
            next_start(windows),
            to_version=version,
            owner=self._owner,
            detail=detail,
            fence=fence,
            is_alone=True,
        )
        self._has_open = True
        failpoint.reach(failpoint.AFTER_CLAIM)

    def _submit(self, window: Row, fence: Fence) -> None:
        """Mark first, then submit: a crash in between leaves a job that `_follow` misses."""
        run_id = run_id_of(self._pipeline, window["from_version"], window["snapshot_id"])
        if self._move(window, fence, phase="submitted", run_id=run_id, attempts=1):
            self._start({**window, "run_id": run_id, "attempts": 1}, fence)

    def _start(self, window: Row, fence: Fence) -> None:
        """Submit with the resolved settings, overrides included; they are kept with the run.

        A cluster that was started anew would take a job of a former attempt, so a watcher that
        lost its lease must not get here late.
        """
        start = window["from_version"]
        path = Path(self._settings.train.runs_dir).resolve() / f"{window['run_id']}.toml"
        _write_private(path, config.dump(self._settings))
        command = [sys.executable, "-m", "train", "run", "--config", str(path)]
        command += ["--snapshot", window["snapshot_id"], "--from-version", str(start)]
        jobs = self._open()
        failpoint.reach(failpoint.BEFORE_SUBMIT)
        self._state.check_lease(fence)
        jobs.submit(submission_id_of(self._pipeline, start, window["attempts"]), command)
        failpoint.reach(failpoint.AFTER_SUBMIT)

    def _follow(self, window: Row, fence: Fence) -> None:
        name = submission_id_of(self._pipeline, window["from_version"], window["attempts"])
        attempt = max(1, window["attempts"])  # 0: submitted by a release that did not count.
        status = self._open().status(name)
        if status == "missing":
            self._start(window, fence)
        elif status in ("succeeded", "failed"):
            reason = f"job {name} {status} without publishing a run"
            log = self._open().log_tail(name, lines=_LOG_LINES)
            if attempt < self._settings.trigger.max_attempts:
                self._retry(window, fence, attempt + 1, {"reason": reason, "log": log})
            else:
                fail_window(self._state, window, reason=reason, log=log, fence=fence)

    def _retry(self, window: Row, fence: Fence, attempt: int, why: Mapping[str, str]) -> None:
        """Begin the next attempt: the run goes on at its last model checkpoint."""
        if self._move(window, fence, phase="submitted", attempts=attempt):
            detail = {**why, "attempt": attempt}
            self._state.record(self._pipeline, "retried", window["run_id"], detail)
            self._start({**window, "attempts": attempt}, fence)

    def _move(self, window: Row, fence: Fence, *, phase: str, **changes: Any) -> bool:
        """Whether the window was still as it was read, and is now in its next phase."""
        try:
            self._state.advance_window(
                self._pipeline,
                window["from_version"],
                expect=window["phase"],
                phase=phase,
                fence=fence,
                attempt=window["attempts"],
                **changes,
            )
        except LeaseLostError:
            raise
        except StateError:
            return False
        return True

    def _finish(self, run_id: str) -> None:
        """Show the evaluation of a job that was killed after it had moved its window."""
        if run_id not in self._finished and (
            is_announced(self._state, run_id) or self._finish_run(run_id)
        ):
            self._finished.add(run_id)

    def _finish_in_mlflow(self, run_id: str) -> bool:
        # Loads MLflow, which takes seconds: only after a crash.
        publication = importlib.import_module("train.publishing.publish")
        return bool(publication.RunPublisher(self._settings, self._state).finish_run(run_id))

    def _open(self) -> Jobs:
        if self._jobs is None:
            self._jobs = open_jobs(self._settings)
        return self._jobs


def watch(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `watch`: step every `trigger.interval_s` or sooner until a signal; --once: one step."""
    state = State(settings.pipeline.state_url)
    watcher = Watcher(settings, state, owner=owner_name())
    if arguments.once:
        watcher.step(datetime.now(UTC))
        watcher.release()
        return 0
    stop = stop_event()
    announce_ready(pipeline=settings.pipeline.name)
    while not stop.is_set():
        _try(lambda: watcher.step(datetime.now(UTC)))
        stop.wait(watcher.pause_s)
    watcher.release()
    state.close()
    return 0


def _try(step: Callable[[], bool]) -> None:
    """Run a step; what may succeed later is said once and tried again with the next."""
    try:
        step()
    except DeskwheelError as error:
        if not error.retriable:
            raise
        print(f"train watch: {error}", file=sys.stderr, flush=True)


def _write_private(path: Path, text: str) -> None:
    """Write a file whole, for its owner alone: addresses in settings may hold passwords."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    Path(part).replace(path)
