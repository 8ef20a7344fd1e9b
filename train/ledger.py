"""The ledger of windows as train writes it: names that a window fixes, and ends with a reason.

Reads and writes windows; writes the timeline. Loads no engine.
"""

import json
import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from deskwheel.errors import LeaseLostError, StateError
from deskwheel.ids import record_id
from deskwheel.state import END_PHASES, Fence, Row, State


def owner_name() -> str:
    """A name that no other process has, not even one of this host that gets the same id later."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"


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

    A person should read the reason. The window's examples fire the trigger no second time; they
    are in the next snapshot all the same.

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
    return True
