"""Runs for people: a list of them with their verdicts, their output, an end, and another attempt.

Reads runs, evaluations, windows and progress; `cancel` and `retry` write windows and the timeline.
Loads no engine but the client of the place where jobs run.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from deskwheel.errors import ConfigError, StateError
from deskwheel.progress import (
    Progress,
    all_progress,
    end_progress,
    progress_sentence,
)
from deskwheel.settings import Settings
from deskwheel.state import END_PHASES, OPEN_PHASES, Row, State
from train.jobs import Jobs, open_jobs
from train.ledger import hold_window, retry_window, submission_id_of
from train.trigger.orders import actor as this_user

_ALL_LINES = 100_000
_POLL_S = 1.0


def show_runs(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `runs`: every run of the pipeline with its verdict or its progress, oldest first."""
    state = State(settings.pipeline.state_url)
    try:
        rows = list_runs(state, settings.pipeline.name)
    finally:
        state.close()
    if arguments.json:
        print(json.dumps(rows, default=str))
        return 0
    now = datetime.now(UTC)
    for row in rows:
        print(_line(row, now))
    return 0


def list_runs(state: State, pipeline: str) -> list[dict[str, Any]]:
    """One row a run that began: its record and verdict where there are some, and its progress."""
    told = {p.run_id: p for p in all_progress(state, pipeline)}
    runs = {id: r for id, r in state.documents("run").items() if r["pipeline"] == pipeline}
    judged = {e["run_id"]: e for e in state.documents("evaluation").values()}
    rows = [
        {
            "run_id": run_id,
            **runs.get(run_id, {}),
            "verdict": judged.get(run_id, {}).get("verdict"),
            "shifts": judged.get(run_id, {}).get("shifts", []),
            "progress": asdict(told[run_id]) if run_id in told else None,
        }
        for run_id in {**told, **runs}
    ]
    return sorted(rows, key=_begun)


def show_log(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `logs`: what the last job of a run has printed; with -f what it goes on to print.

    Raises:
        StateError: no window has such a run.
        ServiceError: the place where jobs run does not answer.
    """
    state = State(settings.pipeline.state_url)
    try:
        window = window_of(state, settings.pipeline.name, arguments.run)
        jobs, name = open_jobs(settings), _job_of(window)
        text = jobs.log_tail(name, lines=_ALL_LINES if arguments.follow else arguments.lines)
        print("\n".join(text.splitlines()[-arguments.lines :]), flush=True)
        if arguments.follow:
            _follow(jobs, name, text, sleep=time.sleep)
    except KeyboardInterrupt:
        return 0
    finally:
        state.close()
    return 0


def cancel(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `cancel`: end a window that is under way, for a reason, and the job that trains it.

    Raises:
        StateError: there is no such window or run, or it has ended otherwise.
        ServiceError: the job cannot be reached; the window has ended all the same.
    """
    state = State(settings.pipeline.state_url)
    try:
        window = window_of(state, settings.pipeline.name, arguments.run)
        actor = arguments.by or this_user()
        is_ended = cancel_window(state, window, actor=actor, reason=arguments.reason)
        try:
            _stop_job(settings, window)
        finally:
            _say_cancelled(state, window)
    finally:
        state.close()
    print("cancelled" if is_ended else "cancelled before", file=sys.stderr)
    return 0


def cancel_window(state: State, window: Row, *, actor: str, reason: str) -> bool:
    """End an open window as held, so that its job can publish nothing; False: it was cancelled.

    A compare-and-set on the window decides against a publication at the same moment: the job's
    version is withdrawn, or this raises. Its examples fire the trigger no second time.

    Raises:
        StateError: the window has ended otherwise.
    """
    pipeline, start = window["pipeline"], window["from_version"]
    why = f"cancelled by {actor}: {reason}"
    if hold_window(state, pipeline, start, reason=why):
        detail = {"actor": actor, "reason": reason, "from_version": start}
        subject = window["run_id"] or f"window {start}"
        state.record(pipeline, "cancelled", subject, detail)
        _say_cancelled(state, window)
        return True
    (now,) = (w for w in state.windows(pipeline) if w["from_version"] == start)
    if now["phase"] in END_PHASES and str(now["reason"]).startswith("cancelled by "):
        return False
    if now["phase"] in OPEN_PHASES:
        return cancel_window(state, now, actor=actor, reason=reason)
    raise StateError(
        f"window {pipeline}/{start} has ended as {now['phase']}: nothing is left to cancel;"
        " `python -m deploy rollback` takes a model away from customers"
    )


def retry(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `retry`: go on with a window that is held or failed, because its cause is mended.

    Raises:
        ConfigError: no reason is given.
        StateError: it has not ended so, its last job still runs, or another window has come first.
        ServiceError: the place where jobs run does not answer; nothing was changed.
    """
    if not arguments.reason.strip():
        raise ConfigError("train retry: say with --reason TEXT what was mended")
    state = State(settings.pipeline.state_url)
    try:
        window = window_of(state, settings.pipeline.name, arguments.run)
        if window["attempts"] and open_jobs(settings).status(_job_of(window)) == "running":
            raise StateError(f"job {_job_of(window)} of this window has not ended yet; try again")
        now = retry_window(
            state,
            window,
            actor=arguments.by or this_user(),
            reason=arguments.reason,
            is_anew=arguments.anew,
        )
    finally:
        state.close()
    facts = {key: now[key] for key in ("from_version", "phase", "attempts", "run_id")}
    if arguments.json:
        print(json.dumps(facts))
    else:
        attempt = f", attempt {now['attempts']}" if now["phase"] == "submitted" else ""
        print(f"window {now['from_version']} is {now['phase']} again{attempt}", file=sys.stderr)
    return 0


def window_of(state: State, pipeline: str, name: str) -> Row:
    """The window that a run's id or the version it starts at names.

    Raises:
        StateError: there is none.
    """
    for window in state.windows(pipeline):
        if name in (window["run_id"], str(window["from_version"])):
            return window
    raise StateError(
        f"no window of {pipeline} starts at {name} or has a run of that id;"
        " `python -m train runs` lists runs"
    )


def _stop_job(settings: Settings, window: Row) -> None:
    state = State(settings.pipeline.state_url)
    # A watcher may have begun another attempt before the window ended.
    now = window_of(state, window["pipeline"], str(window["from_version"]))
    state.close()
    if now["attempts"]:
        open_jobs(settings).stop(_job_of(now))


def _say_cancelled(state: State, window: Row) -> None:
    """In the run's progress; once more when the job has ended, which may have begun meanwhile."""
    now = window_of(state, window["pipeline"], str(window["from_version"]))
    if now["run_id"] and now["phase"] in END_PHASES:
        end_progress(
            state, now["run_id"], phase="cancelled", now=datetime.now(UTC), reason=now["reason"]
        )


def _job_of(window: Row) -> str:
    return submission_id_of(window["pipeline"], window["from_version"], window["attempts"])


def _follow(jobs: Jobs, name: str, text: str, *, sleep: Callable[[float], None]) -> None:
    while jobs.status(name) == "running":
        sleep(_POLL_S)
        now = jobs.log_tail(name, lines=_ALL_LINES)
        if now.startswith(text):
            print(now[len(text) :], end="", flush=True)
        else:
            print(now, flush=True)
        text = now
    print()


def _line(row: dict[str, Any], now: datetime) -> str:
    told = row["progress"]
    if "steps" in row:
        loss = f"loss {row['first_loss']:.3f} → {row['last_loss']:.3f}"
        verdict = (row["verdict"] or "no evaluation") + _forgotten(row["shifts"])
        return f"{row['run_id']}  {row['steps']} steps  {loss}  {verdict}  {row['finished_at']}"
    sentence = progress_sentence(Progress(**told), now=now)
    return f"{row['run_id']}  {sentence}"


def _forgotten(shifts: list[dict[str, Any]]) -> str:
    """The slice with the surest loss, where there is one; the rest is on the run's card."""
    lost = sorted((s for s in shifts if s["is_loss"]), key=lambda s: s["p_loss"])
    if not lost:
        return ""
    worst = lost[0]
    return f", {worst['metric']} {worst['mean']:+.4f} in {worst['by']} {worst['slice']}"


def _begun(row: dict[str, Any]) -> str:
    return str(row.get("started_at") or row["progress"]["started_at"])
