"""How far each training run is: a document a run, and the sentence that people read of it.

Reads and writes the state document `progress`. Written by the run's driver before and after, and
in between by Ray's controller at most once a second. Every write is decided on what is stored at
that moment, so that a late report does not bring back a run that has ended.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from deskwheel.errors import StateError
from deskwheel.state import State

KIND = "progress"

RunPhase = Literal[
    "starting", "training", "evaluating", "publishing", "done", "held", "failed", "cancelled"
]
OPEN: tuple[RunPhase, ...] = ("starting", "training", "evaluating", "publishing")

_MINUTE_S = 60.0
_HOUR_S = 3600.0
_QUIET_S = 300.0
"""A run that has said nothing for so long is probably dead, and the sentence says so."""
_MIB = 2**20
_TRIES = 20
"""At a document that another process writes at the same moment, which takes milliseconds."""

Change = Callable[["Progress | None"], "Progress | None"]
"""What is stored (None: nothing) to what shall be (None: leave it). May be called several times."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far one run is."""

    run_id: str
    pipeline: str
    snapshot_id: str
    phase: RunPhase = "starting"
    started_at: str
    """When the run's first driver began, ISO 8601 in UTC."""
    at: str
    """When this was written."""
    begun_at: str | None = None
    """When the driver under way began; None once it is known to have ended."""
    spent_s: float = 0.0
    """Time of the drivers before it, of a killed one up to its last sign of life."""
    first_step_at: str | None = None
    step: int = 0
    steps: int = 0
    """Steps in all; 0 until that is known."""
    loss: float | None = None
    lr: float | None = None
    dev_loss: float | None = None
    tokens_per_s: float | None = None
    """Useful tokens, those of real examples, a second over all workers."""
    preference_step: int = 0
    preference_steps: int = 0
    """Steps that preferences are learnt in, after the fine-tune; 0 until they are."""
    preference_loss: float | None = None
    eta_s: float | None = None
    """Time that the remaining steps take at the speed so far; of preferences while they are."""
    rss_bytes: int | None = None
    """Memory of rank 0's worker."""
    gpu_bytes: int | None = None
    """The most GPU memory that rank 0's worker has allocated so far."""
    reason: str | None = None
    """Why the run ended without an adapter, or what one that is starting waits for."""

    @property
    def is_open(self) -> bool:
        """Whether the run is not known to have ended."""
        return self.phase in OPEN

    @property
    def share(self) -> float:
        """Steps done out of all, 0 to 1."""
        return min(1.0, self.step / self.steps) if self.steps else 0.0


def begin_progress(
    state: State, run_id: str, *, pipeline: str, snapshot_id: str, now: datetime
) -> Progress:
    """Say that a run's driver has begun; one that continues keeps its start and its steps."""
    at = now.isoformat(timespec="milliseconds")

    def begin(found: Progress | None) -> Progress:
        if found is None:
            found = Progress(
                run_id=run_id, pipeline=pipeline, snapshot_id=snapshot_id, started_at=at, at=at
            )
        found = _without_driver(found, until=found.at)
        return replace(found, phase="starting", at=at, begun_at=at, eta_s=None, reason=None)

    begun = change_progress(state, run_id, begin)
    assert begun is not None
    return begun


def end_progress(
    state: State,
    run_id: str,
    *,
    phase: RunPhase,
    now: datetime,
    reason: str | None = None,
    is_driver: bool = False,
) -> None:
    """Say how a run ended, or that it only publishes; does nothing for one that never began.

    A cancelled run stays so, whatever its driver says while it is being stopped.

    Args:
        state: where progress is kept.
        run_id: the run's.
        phase: the phase it gets.
        now: the time of this.
        reason: why it ended without an adapter.
        is_driver: the run's driver says so, and has worked until now; of another one only the last
            sign of life is known.
    """
    at = now.isoformat(timespec="milliseconds")

    def end(found: Progress | None) -> Progress | None:
        if found is None or found.phase == "cancelled":
            return None
        if phase not in OPEN:
            found = _without_driver(found, until=at if is_driver else found.at)
        return replace(found, phase=phase, at=at, eta_s=None, reason=reason)

    change_progress(state, run_id, end)


def change_progress(state: State, run_id: str, change: Change) -> Progress | None:
    """What a run's progress is changed to, or None where `change` leaves it.

    Raises:
        StateError: others have written it at the same moment again and again.
        ServiceError: the database does not answer.
    """
    for _ in range(_TRIES):
        found = state.get(KIND, run_id)
        changed = change(None if found is None else progress_of(found[0]))
        if changed is None:
            return None
        try:
            state.put(KIND, run_id, asdict(changed), expect=0 if found is None else found[1])
        except StateError:
            continue
        return changed
    raise StateError(f"progress/{run_id} was written by others {_TRIES} times in a row; try again")


def read_progress(state: State, run_id: str) -> Progress | None:
    """How far a run is; None for one that never began."""
    found = state.get(KIND, run_id)
    return None if found is None else progress_of(found[0])


def all_progress(state: State, pipeline: str) -> list[Progress]:
    """Every run of a pipeline that ever began, the latest last."""
    found = (progress_of(body) for body in state.documents(KIND).values())
    return sorted((p for p in found if p.pipeline == pipeline), key=lambda p: p.started_at)


def progress_of(body: Mapping[str, Any]) -> Progress:
    """A stored document as a record; what a later release has added is left out."""
    known = Progress.__dataclass_fields__
    return Progress(**{key: value for key, value in body.items() if key in known})


def progress_sentence(progress: Progress, *, now: datetime) -> str:
    """What a person wants to know of a run, in one line.

    >>> from datetime import UTC
    >>> run = Progress(run_id="run-1", pipeline="support", snapshot_id="snap-1", phase="training",
    ...     started_at="2026-03-02T12:00:00+00:00", at="2026-03-02T12:01:00+00:00", step=40,
    ...     steps=100, loss=1.25, tokens_per_s=2300.0, eta_s=90.0, rss_bytes=2**30)
    >>> progress_sentence(run, now=datetime(2026, 3, 2, 12, 1, tzinfo=UTC))
    'training: step 40 of 100, loss 1.250, 2,300 tokens/s, 2 min left, 1,024 MiB'
    """
    parts = _steps(progress)
    if progress.is_open:
        parts += _speed(progress)
    if progress.reason:
        parts.append(progress.reason)
    quiet_s = (now - datetime.fromisoformat(progress.at)).total_seconds()
    if progress.is_open and quiet_s > _QUIET_S:
        parts.append(f"silent for {duration(quiet_s)}")
    return f"{progress.phase}: {', '.join(parts)}" if parts else progress.phase


def duration(seconds: float) -> str:
    """A time for people, rounded up.

    >>> duration(4.2), duration(61), duration(7000)
    ('5 s', '2 min', '1.9 h')
    """
    if seconds < _MINUTE_S:
        return f"{-(-seconds // 1):.0f} s"
    if seconds < _HOUR_S:
        return f"{-(-seconds // _MINUTE_S):.0f} min"
    return f"{seconds / _HOUR_S:.1f} h"


def _without_driver(progress: Progress, *, until: str) -> Progress:
    """What is left when a driver is gone: its time is added to that of those before it."""
    if progress.begun_at is None:
        return progress
    took = datetime.fromisoformat(until) - datetime.fromisoformat(progress.begun_at)
    spent_s = progress.spent_s + max(0.0, took.total_seconds())
    return replace(progress, begun_at=None, spent_s=spent_s)


def _steps(progress: Progress) -> list[str]:
    parts = []
    if progress.step:
        is_over = progress.phase in ("evaluating", "publishing", "done") or progress.preference_step
        early = "stopped at " if is_over and progress.step < progress.steps else ""
        parts.append(f"{early}step {progress.step} of {progress.steps}")
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.3f}")
    if progress.dev_loss is not None:
        parts.append(f"dev loss {progress.dev_loss:.3f}")
    if progress.preference_step:
        parts.append(f"preferences step {progress.preference_step} of {progress.preference_steps}")
    if progress.preference_loss is not None:
        parts.append(f"loss {progress.preference_loss:.3f}")
    return parts


def _speed(progress: Progress) -> list[str]:
    parts = []
    if progress.tokens_per_s is not None:
        parts.append(f"{progress.tokens_per_s:,.0f} tokens/s")
    if progress.eta_s is not None:
        parts.append(f"{duration(progress.eta_s)} left")
    if progress.rss_bytes is not None:
        parts.append(f"{progress.rss_bytes / _MIB:,.0f} MiB")
    if progress.gpu_bytes:
        parts.append(f"GPU {progress.gpu_bytes / _MIB:,.0f} MiB")
    return parts
