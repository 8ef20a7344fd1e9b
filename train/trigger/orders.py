"""What people tell the trigger: pause, resume, and one fine-tune now.

Reads and writes documents of the state database, and says on the timeline who did what. An order
to fire is spent by the window that names it: any number of watchers can see it, and the window's
primary key lets one of them claim.
"""

import getpass
import socket
from collections.abc import Sequence
from datetime import datetime

from deskwheel.errors import StateError
from deskwheel.ids import record_id
from deskwheel.state import Row, State
from train.trigger.inputs import Order

PAUSE, REQUEST = "trigger_pause", "trigger_request"
"""Families of documents; the id is the pipeline."""


def actor() -> str:
    """Who runs this process, as `user@host`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def pause(state: State, pipeline: str, *, by: str, reason: str, now: datetime) -> Order:
    """Keep the trigger from firing until `resume`.

    Raises:
        StateError: it is paused already, or was at the same time.
    """
    if there := read_pause(state, pipeline):
        raise StateError(f"paused already by {there.by}: {there.reason}; resume it first")
    return _store(state, PAUSE, pipeline, by=by, reason=reason, now=now, kind="paused")


def resume(state: State, pipeline: str, *, by: str, reason: str, now: datetime) -> None:
    """Let the trigger fire again.

    Raises:
        StateError: it is not paused, or was resumed at the same time.
    """
    found = state.get(PAUSE, pipeline)
    if found is None or not found[0]["is_open"]:
        raise StateError(f"the trigger of {pipeline} is not paused; nothing was changed")
    body, revision = found
    state.put(PAUSE, pipeline, {**body, "is_open": False}, expect=revision)
    told = {"by": by, "reason": reason, "at": now.isoformat()}
    state.record(pipeline, "resumed", "trigger", told)


def ask(state: State, pipeline: str, *, by: str, reason: str, now: datetime) -> Order:
    """Order one fine-tune, whatever policies and holds say.

    Raises:
        StateError: the trigger is paused, or an order waits already.
    """
    if there := read_pause(state, pipeline):
        raise StateError(f"paused by {there.by}: {there.reason}; resume it, then fire")
    if waits := read_request(state, pipeline, state.windows(pipeline)):
        raise StateError(f"an order by {waits.by} waits already: {waits.reason}")
    return _store(state, REQUEST, pipeline, by=by, reason=reason, now=now, kind="asked")


def read_pause(state: State, pipeline: str) -> Order | None:
    """The pause that holds now."""
    found = state.get(PAUSE, pipeline)
    return _order(found[0]) if found and found[0]["is_open"] else None


def read_request(state: State, pipeline: str, windows: Sequence[Row]) -> Order | None:
    """The order that no window has begun."""
    found = state.get(REQUEST, pipeline)
    if found is None or any(w["detail"].get("request") == found[0]["id"] for w in windows):
        return None
    return _order(found[0])


def _store(
    state: State, family: str, pipeline: str, *, by: str, reason: str, now: datetime, kind: str
) -> Order:
    found = state.get(family, pipeline)
    revision = found[1] if found else 0
    id = record_id("order", pipeline, kind, str(revision), by, now.isoformat())
    body = {"id": id, "by": by, "reason": reason, "at": now.isoformat(), "is_open": True}
    state.put(family, pipeline, body, expect=revision)
    told = {"by": by, "reason": reason, "at": now.isoformat()}
    state.record(pipeline, kind, "trigger", told)
    return _order(body)


def _order(body: Row) -> Order:
    at = datetime.fromisoformat(body["at"])
    return Order(id=body["id"], by=body["by"], reason=body["reason"], at=at)
