"""Watches for enough fresh examples, claims a window, and sees its training through.

Reads `validated_examples`; writes windows and the timeline. Any number of watchers may run: a
lease lets one act, the window's primary key lets one claim, and the job's name lets one train.
"""

import argparse
import json
import os
import socket
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
from deltalake.exceptions import DeltaError

from deskwheel import config, lake
from deskwheel.errors import DeskwheelError, StateError
from deskwheel.ids import record_id
from deskwheel.service import announce_ready, stop_event
from deskwheel.settings import Settings
from deskwheel.state import Row, State
from deskwheel.tables import VALIDATED
from train.announce import finish
from train.jobs import Jobs, open_jobs
from train.trigger import TriggerDecision, evaluate_trigger

_LOG_LINES = 20


def run_id_of(pipeline: str, from_version: int, snapshot_id: str) -> str:
    """The id of the one run of a window: the same for every attempt at it."""
    return record_id("run", pipeline, str(from_version), snapshot_id)


def submission_id_of(pipeline: str, from_version: int) -> str:
    """The name under which a window's training is submitted."""
    return f"deskwheel-{pipeline}-{from_version}"


@lru_cache(maxsize=4)
def fresh_examples(
    lake_dir: str, *, since: int | None, version: int, claimed_at: str | None = None
) -> Mapping[str, int]:
    """Valid examples per category at a table version that were not valid at an earlier one.

    Kept in memory, because a version never changes and most looks find no new one. Once the log
    or the files of `since` were cleaned away, examples validated after `claimed_at` are counted
    instead. That is an estimate: it leaves out what was validated before the claim and committed
    after it, and takes in an example that was validated a second time.

    Args:
        lake_dir: folder of the tables.
        since: table version of the last window; None counts every valid example.
        version: the table version to count at.
        claimed_at: when that window was claimed, ISO 8601; None counts every valid example
            where `since` cannot be read.
    """
    before = _valid_before(lake_dir, since) if since is not None else set()
    if before is None:
        return Counter(_valid(lake_dir, version, after=claimed_at).values())
    now = _valid(lake_dir, version)
    return Counter(category for id, category in now.items() if id not in before)


def decide(
    settings: Settings, state: State, *, now: datetime
) -> tuple[TriggerDecision, int | None]:
    """What the trigger says now, and the table version it looked at (None: no table yet).

    Examples of a failed window count again, so that one failure does not lose them. They wait
    for the next version of the table: a window starts after the last one, failed or not.
    """
    lake_dir = settings.pipeline.lake
    windows = state.windows(settings.pipeline.name)
    good = [w for w in windows if w["phase"] != "failed"]
    version = lake.current_version(lake_dir, VALIDATED)
    fresh: Mapping[str, int] = {}
    if version is not None:
        since, claimed_at = (good[-1][k] if good else None for k in ("to_version", "claimed_at"))
        fresh = fresh_examples(lake_dir, since=since, version=version, claimed_at=claimed_at)
    last = datetime.fromisoformat(windows[-1]["claimed_at"]) if windows else None
    decision = evaluate_trigger(fresh, settings.trigger, last_window_at=last, now=now)
    if decision.fired and version is not None and _next_start(windows) > version:
        decision = replace(decision, outcome="waiting", reason=_why_waiting(windows[-1]))
    return decision, version


class Watcher:
    """One watcher of a pipeline; `step` is one pass and can be repeated at any moment."""

    def __init__(self, settings: Settings, state: State, *, owner: str) -> None:
        """Watch under a name that no other process has."""
        self._settings = settings
        self._state = state
        self._owner = owner
        self._jobs: Jobs | None = None
        self._finished: set[str] = set()

    @property
    def _pipeline(self) -> str:
        return self._settings.pipeline.name

    def step(self, now: datetime) -> bool:
        """Do what is due now, if this watcher holds the lease; whether it does.

        Raises:
            ServiceError: the place where jobs run does not answer; try again.
        """
        if not self._lease(self._settings.trigger.lease_s):
            return False
        windows = self._state.windows(self._pipeline)
        is_busy = False
        for window in windows:
            if window["phase"] == "frozen":
                self._submit(window)
            elif window["phase"] == "submitted":
                self._follow(window)
            elif window["phase"] == "trained":
                self._finish(window["run_id"])
            is_busy = is_busy or window["phase"] in ("claimed", "frozen", "submitted")
        if not is_busy:
            self._evaluate(windows, now)
        return True

    def release(self) -> None:
        """Let the lease run out now, so that the next watcher need not wait for it."""
        self._lease(-1.0)

    def _lease(self, ttl_s: float) -> bool:
        name = f"train-watch/{self._pipeline}"
        return self._state.acquire_lease(name, self._owner, ttl_s) is not None

    def _evaluate(self, windows: list[Row], now: datetime) -> None:
        decision, version = decide(self._settings, self._state, now=now)
        detail = {
            "outcome": decision.outcome,
            "fired": decision.fired,
            "effective": decision.effective,
            "reason": decision.reason,
            "version": version,
        }
        if self._is_news(decision, version):
            self._state.record(self._pipeline, "trigger", f"version {version}", detail)
        if decision.fired and version is not None:
            self._claim(windows, version, detail)

    def _is_news(self, decision: TriggerDecision, version: int | None) -> bool:
        """Whether the outcome is another one than last time, or fires on a newer table."""
        last = self._state.timeline(self._pipeline, kind="trigger", limit=1)
        if not last or last[0]["detail"]["outcome"] != decision.outcome:
            return True
        return decision.fired and last[0]["detail"]["version"] != version

    def _claim(self, windows: list[Row], version: int, detail: Mapping[str, Any]) -> None:
        """Claim the versions after the last window's; nobody can claim them again."""
        self._state.claim_window(
            self._pipeline,
            _next_start(windows),
            to_version=version,
            owner=self._owner,
            detail=detail,
        )

    def _submit(self, window: Row) -> None:
        """Mark first, then submit: a crash in between leaves a job that `_follow` misses."""
        start = window["from_version"]
        run_id = run_id_of(self._pipeline, start, window["snapshot_id"])
        try:
            self._state.advance_window(
                self._pipeline, start, expect="frozen", phase="submitted", run_id=run_id
            )
        except StateError:
            return
        self._start({**window, "run_id": run_id})

    def _start(self, window: Row) -> None:
        """Submit with the resolved settings, overrides included; they are kept with the run."""
        start = window["from_version"]
        path = Path(self._settings.train.runs_dir).resolve() / f"{window['run_id']}.toml"
        _write_private(path, config.dump(self._settings))
        command = [sys.executable, "-m", "train", "run", "--config", str(path)]
        command += ["--snapshot", window["snapshot_id"], "--from-version", str(start)]
        self._open().submit(submission_id_of(self._pipeline, start), command)

    def _follow(self, window: Row) -> None:
        start = window["from_version"]
        name = submission_id_of(self._pipeline, start)
        status = self._open().status(name)
        if status == "missing":
            self._start(window)
        elif status in ("succeeded", "failed"):
            log = self._open().log_tail(name, lines=_LOG_LINES)
            self._fail(window, f"job {name} {status} without publishing a run", log)

    def _fail(self, window: Row, reason: str, log: str) -> None:
        detail = {**window["detail"], "reason": reason, "log": log}
        try:
            self._state.advance_window(
                self._pipeline,
                window["from_version"],
                expect="submitted",
                phase="failed",
                detail=json.dumps(detail),
            )
        except StateError:
            return  # The job has published meanwhile.
        self._state.record(
            self._pipeline, "failed", window["run_id"], {"reason": reason, "log": log}
        )

    def _finish(self, run_id: str) -> None:
        """Show the evaluation of a job that was killed after it had moved its window."""
        if run_id not in self._finished and finish(self._state, run_id):
            self._finished.add(run_id)

    def _open(self) -> Jobs:
        if self._jobs is None:
            self._jobs = open_jobs(self._settings.train)
        return self._jobs


def watch(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `watch`: step every `trigger.interval_s` until a signal; with --once a single step."""
    owner = f"{socket.gethostname()}/{os.getpid()}"
    state = State(settings.pipeline.state_url)
    watcher = Watcher(settings, state, owner=owner)
    if arguments.once:
        watcher.step(datetime.now(UTC))
        watcher.release()
        return 0
    stop = stop_event()
    announce_ready(pipeline=settings.pipeline.name)
    while not stop.is_set():
        _try(lambda: watcher.step(datetime.now(UTC)))
        stop.wait(settings.trigger.interval_s)
    watcher.release()
    state.close()
    return 0


def show_decision(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `trigger`: print what the trigger says now; claims and logs nothing."""
    state = State(settings.pipeline.state_url)
    decision, version = decide(settings, state, now=datetime.now(UTC))
    state.close()
    if arguments.json:
        facts = {"outcome": decision.outcome, "fired": decision.fired}
        print(json.dumps({**facts, "effective": decision.effective, "version": version}))
    else:
        print(f"{decision.outcome}: {decision.reason}")
    return 0


def show_runs(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `runs`: print every run with its verdict, oldest first."""
    state = State(settings.pipeline.state_url)
    runs = sorted(state.documents("run").values(), key=lambda run: str(run["finished_at"]))
    verdicts = {e["run_id"]: e["verdict"] for e in state.documents("evaluation").values()}
    state.close()
    if arguments.json:
        print(json.dumps([{**run, "verdict": verdicts.get(run["run_id"])} for run in runs]))
        return 0
    for run in runs:
        loss = f"loss {run['first_loss']:.3f} → {run['last_loss']:.3f}"
        verdict = verdicts.get(run["run_id"], "no evaluation")
        print(f"{run['run_id']}  {run['steps']} steps  {loss}  {verdict}  {run['finished_at']}")
    return 0


def _try(step: Callable[[], bool]) -> None:
    """Run a step; what may succeed later is said once and tried again with the next."""
    try:
        step()
    except DeskwheelError as error:
        if not error.retriable:
            raise
        print(f"train watch: {error}", file=sys.stderr, flush=True)


def _next_start(windows: list[Row]) -> int:
    """The first table version that belongs to no window."""
    return int(windows[-1]["to_version"]) + 1 if windows else 0


def _why_waiting(last: Row) -> str:
    if last["phase"] == "failed":
        start = last["from_version"]
        return f"window {start} failed; its examples are claimed again with the next version"
    return f"no version since window {last['from_version']}"


def _valid_before(lake_dir: str, version: int) -> set[str] | None:
    """Ids of the valid examples at a window's version; None when it was cleaned away.

    A version whose log is gone can read as a table that does not exist, so as empty. A window
    is claimed only with examples in it, so an empty one is a cleaned one.
    """
    try:
        return set(_valid(lake_dir, version)) or None
    except (DeltaError, OSError):
        return None


def _valid(lake_dir: str, version: int, *, after: str | None = None) -> dict[str, str]:
    """Category by example id of the valid ideal examples at a version, after a time if set.

    What is valid as a negative or a preference is not learnt as an answer, so it fires nothing.
    """
    columns = ["example_id", "category", "verdict", "kind", "validated_at"]
    table = lake.read(lake_dir, VALIDATED, columns=columns, version=version)
    kept = table.filter(
        pc.and_(pc.equal(table["verdict"], "valid"), pc.equal(table["kind"], "ideal"))
    )
    if after is not None:
        kept = kept.filter(pc.greater(kept["validated_at"], datetime.fromisoformat(after)))
    return dict(zip(kept["example_id"].to_pylist(), kept["category"].to_pylist(), strict=True))


def _write_private(path: Path, text: str) -> None:
    """Write a file whole, for its owner alone: addresses in settings may hold passwords."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with open(
        os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    part.replace(path)
