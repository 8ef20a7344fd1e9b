"""The last step of a publication: what promoters and people see once the window is trained.

Reads and writes the document `announcement`; writes `evaluation`, the timeline and a lease. What
is to be said is stored before the window moves, so that a watcher can finish for a killed job.
Each write carries the fencing token of that lease. Loads no engine.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from deskwheel.records import Evaluation, Run
from deskwheel.state import Fence, State
from train.ledger import owner_name

LEASE_S = 300.0
_POLL_S = 0.5


@contextmanager
def publishing(
    state: State,
    run_id: str,
    *,
    wait_s: float = 0.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Fence | None]:
    """The right to publish the run inside the block, given back at its end; None: another has it.

    A killed process cannot give it back: its lease runs out after `LEASE_S` seconds. One that was
    paused for longer finds its writes refused.

    Args:
        state: where the lease is kept.
        run_id: the run.
        wait_s: for how many seconds to wait for another process's lease.
        sleep: what waits.
    """
    name, owner = f"publish/{run_id}", owner_name()
    token = state.acquire_lease(name, owner, LEASE_S)
    for _ in range(int(wait_s / _POLL_S)):
        if token is not None:
            break
        sleep(_POLL_S)
        token = state.acquire_lease(name, owner, LEASE_S)
    try:
        yield None if token is None else Fence(name, token)
    finally:
        if token is not None:
            state.acquire_lease(name, owner, -1.0)


def prepare(
    state: State, run: Run, evaluation: Evaluation, version: str, *, fence: Fence | None
) -> None:
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
    state.put("announcement", run.run_id, body, fence=fence)


def announce(state: State, run_id: str, *, fence: Fence) -> None:
    """Make the evaluation of a trained window's run visible; what is there already stays.

    Call it inside `publishing`. Does nothing for a run that nobody has prepared.

    Raises:
        LeaseLostError: another process publishes the run meanwhile.
    """
    found = state.get("announcement", run_id)
    if found is None or found[0]["is_done"]:
        return
    body = found[0]
    evaluation_id = body["evaluation"]["evaluation_id"]
    if state.get("evaluation", evaluation_id) is None:
        state.put("evaluation", evaluation_id, body["evaluation"], fence=fence)
    _tell(state, body["pipeline"], "trained", run_id, body["trained"], fence=fence)
    _tell(state, body["pipeline"], "evaluated", evaluation_id, body["judged"], fence=fence)
    state.put("announcement", run_id, {**body, "is_done": True}, fence=fence)


def is_announced(state: State, run_id: str) -> bool:
    """Whether nothing is left to say about a run of a trained window."""
    found = state.get("announcement", run_id)
    return found is None or bool(found[0]["is_done"])


def _tell(
    state: State, pipeline: str, kind: str, subject: str, detail: dict[str, Any], *, fence: Fence
) -> None:
    if all(entry["subject"] != subject for entry in state.timeline(pipeline, kind=kind)):
        state.record(pipeline, kind, subject, detail, fence=fence)
