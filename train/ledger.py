"""The ledger of windows as train writes it: names that a window fixes, and ends with a reason.

Reads and writes windows; writes the timeline. Loads no engine.
"""

import json
import os
import socket
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from deskwheel.errors import LeaseLostError, StateError
from deskwheel.ids import record_id
from deskwheel.progress import end_progress
from deskwheel.state import END_PHASES, OPEN_PHASES, REOPENABLE, Fence, Row, State


def owner_name() -> str:
    """A name that no other process has, not even one of this host that gets the same id later."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"


def lease_of(pipeline: str) -> str:
    """Name of the lease under which a pipeline's windows are claimed and followed."""
    return f"train-watch/{pipeline}"


def run_id_of(pipeline: str, from_version: int, snapshot_id: str) -> str:
    """The id of the one run of a window: the same for every attempt at it."""
    return record_id("run", pipeline, str(from_version), snapshot_id)


def submission_id_of(pipeline: str, from_version: int, attempt: int = 1) -> str:
    """The name under which an attempt at a window's training is submitted."""
    name = f"deskwheel-{pipeline}-{from_version}"
    return name if attempt <= 1 else f"{name}-attempt{attempt}"


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


def hold_window(
    state: State,
    pipeline: str,
    from_version: int,
    *,
    reason: str,
    attempt: int | None = None,
    fence: Fence | None = None,
) -> bool:
    """End a window without a model, for a reason that the next attempt would meet again.

    A person should read the reason, and `retry_window` once it is mended. The window's examples
    fire the trigger no second time; they are in the next snapshot all the same.

    Args:
        state: where the window is kept.
        pipeline: the window's.
        from_version: the window's.
        reason: one sentence: what was found, and what to do.
        attempt: `attempts` of the window when the job started; a job that was replaced meanwhile
            ends nothing.
        fence: the right of a watcher; None in a job.

    Returns:
        False when the window has ended already, or is at another attempt.
    """
    end = _End("held", reason, {})
    return _end_window(state, pipeline, from_version, end=end, attempt=attempt, fence=fence)


def fail_window(
    state: State, window: Row, *, reason: str, log: str, fence: Fence | None = None
) -> bool:
    """End a window whose attempts are used up; its examples count again for the trigger.

    Returns:
        False when the window has ended already, or is at another attempt.
    """
    return _end_window(
        state,
        window["pipeline"],
        window["from_version"],
        end=_End("failed", reason, {"log": log}),
        attempt=window["attempts"],
        fence=fence,
    )


def retry_window(
    state: State, window: Row, *, actor: str, reason: str, is_anew: bool = False
) -> Row:
    """Go on with a window that has ended without a model, because what ended it is mended.

    One with a run is submitted for another attempt, which goes on at the run's last model
    checkpoint; one that is not frozen yet is frozen again. The watcher does the rest.

    Args:
        state: where the window is kept.
        window: as it was read.
        actor: who asks for it.
        reason: what was mended; stands on the timeline.
        is_anew: give the window another run, which begins at step 0.

    Returns:
        The window as it is now.

    Raises:
        StateError: it has not ended so, another window is open, or a later one is trained.
    """
    pipeline, start = window["pipeline"], window["from_version"]
    _check_retry(window, state.windows(pipeline))
    phase, changes = _again(window, is_anew=is_anew)
    state.reopen_window(
        pipeline,
        start,
        expect=window["phase"],
        attempt=window["attempts"],
        phase=phase,
        lease=lease_of(pipeline),
        **changes,
    )
    now = {**window, "phase": phase, "reason": None, **changes}
    told = {"actor": actor, "reason": reason, "from_version": start, "attempt": now["attempts"]}
    before = {"was": window["phase"], "because": window["reason"]}
    state.record(pipeline, "retried", now["run_id"] or f"window {start}", {**told, **before})
    return now


def _again(window: Row, *, is_anew: bool) -> tuple[str, dict[str, Any]]:
    """The phase from which an ended window goes on, and what else changes."""
    if window["snapshot_id"] is None:
        return "claimed", {}
    if window["run_id"] is None:
        return "frozen", {}
    attempt = max(1, window["attempts"]) + 1
    if not is_anew:
        return "submitted", {"attempts": attempt}
    run_id = record_id("run", window["run_id"], str(attempt))
    return "submitted", {"attempts": attempt, "run_id": run_id}


def _check_retry(window: Row, windows: list[Row]) -> None:
    """Say what is in the way; `reopen_window` decides."""
    name, start = f"window {window['pipeline']}/{window['from_version']}", window["from_version"]
    if window["phase"] not in REOPENABLE:
        why = "it is under way" if window["phase"] in OPEN_PHASES else "it has its model"
        raise StateError(f"{name} is {window['phase']}: {why}, and there is nothing to retry")
    for other in windows:
        at, phase = other["from_version"], other["phase"]
        if phase in OPEN_PHASES and at != start:
            raise StateError(f"{name}: window {at} is {phase}; retry once it has ended")
        if phase == "trained" and at > start:
            raise StateError(
                f"{name}: window {at} is trained, on a snapshot with this one's examples; nothing"
                " is left to retry"
            )


@dataclass(frozen=True)
class _End:
    """How a window ends."""

    phase: Literal["failed", "held"]
    reason: str
    more: Mapping[str, str]

    @property
    def detail(self) -> dict[str, str]:
        return {**self.more, "reason": self.reason}


def _end_window(
    state: State,
    pipeline: str,
    from_version: int,
    *,
    end: _End,
    attempt: int | None,
    fence: Fence | None,
) -> bool:
    window = find_window(state, pipeline, from_version)
    if window["phase"] in END_PHASES:
        return False
    try:
        state.advance_window(
            pipeline,
            from_version,
            expect=window["phase"],
            phase=end.phase,
            attempt=attempt,
            fence=fence,
            reason=end.reason,
            detail=json.dumps({**window["detail"], **end.detail}),
        )
    except LeaseLostError:
        raise
    except StateError:
        return False  # It has moved meanwhile: a job has published, or another attempt begun.
    subject = window["run_id"] or f"window {from_version}"
    state.record(pipeline, end.phase, subject, end.detail)
    if window["run_id"]:
        _end_progress(state, window["run_id"], end)
    return True


def _end_progress(state: State, run_id: str, end: _End) -> None:
    """Say of the run, too, that it has ended, or it would seem to train for ever."""
    # A job may report again and again; the window has ended all the same.
    with suppress(StateError):
        end_progress(state, run_id, phase=end.phase, now=datetime.now(UTC), reason=end.reason)
