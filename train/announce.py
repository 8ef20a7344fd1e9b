"""The last step of a publication: what promoters and people see once the window is trained.

Reads and writes the document `announcement`; writes `evaluation`, the timeline and a lease. What
is to be said is stored before the window moves, so that a watcher can finish for a killed job.
Loads no engine.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from deskwheel.records import Evaluation, Run
from deskwheel.state import State

LEASE_S = 300.0
_POLL_S = 0.5


@contextmanager
def publishing(state: State, run_id: str, *, wait_s: float = 0.0) -> Iterator[bool]:
    """Whether this process alone publishes the run inside the block; lets go at its end.

    A killed process cannot let go: its lease runs out after `LEASE_S` seconds.

    Args:
        state: where the lease is kept.
        run_id: the run.
        wait_s: for how many seconds to wait for another process's lease.
    """
    name, owner = f"publish/{run_id}", f"{socket.gethostname()}/{os.getpid()}"
    ends = time.monotonic() + wait_s
    while not (is_ours := state.acquire_lease(name, owner, LEASE_S) is not None):
        if time.monotonic() >= ends:
            break
        time.sleep(_POLL_S)
    try:
        yield is_ours
    finally:
        if is_ours:
            state.acquire_lease(name, owner, -1.0)


def prepare(state: State, run: Run, evaluation: Evaluation, version: str) -> None:
    """Store what `announce` will say about a run that became a model version."""
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
    body = {
        "pipeline": run.pipeline,
        "trained": trained,
        "judged": judged,
        "evaluation": asdict(evaluation),
        "is_done": False,
    }
    state.put("announcement", run.run_id, body)


def announce(state: State, run_id: str) -> None:
    """Make the evaluation of a trained window's run visible; what is there already stays.

    Call it inside `publishing`. Does nothing for a run that nobody has prepared.
    """
    found = state.get("announcement", run_id)
    if found is None or found[0]["is_done"]:
        return
    body = found[0]
    evaluation_id = body["evaluation"]["evaluation_id"]
    if state.get("evaluation", evaluation_id) is None:
        state.put("evaluation", evaluation_id, body["evaluation"])
    _tell(state, body["pipeline"], "trained", run_id, body["trained"])
    _tell(state, body["pipeline"], "evaluated", evaluation_id, body["judged"])
    state.put("announcement", run_id, {**body, "is_done": True})


def finish(state: State, run_id: str) -> bool:
    """Announce what a killed job has left, unless a process is at it; whether nothing is left."""
    with publishing(state, run_id) as is_ours:
        if is_ours:
            announce(state, run_id)
    return is_ours


def _tell(state: State, pipeline: str, kind: str, subject: str, detail: dict[str, Any]) -> None:
    if all(entry["subject"] != subject for entry in state.timeline(pipeline, kind=kind)):
        state.record(pipeline, kind, subject, detail)
