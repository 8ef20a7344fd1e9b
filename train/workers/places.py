"""What a run waits for while Ray finds no place for its workers, told in its progress.

Reads Ray's placement groups; writes the state document `progress` while the run is starting.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util import placement_group_table

from deskwheel.errors import DeskwheelError
from deskwheel.progress import Progress, change_progress
from deskwheel.state import State

_PATIENCE_S = 60.0
"""A cluster that has room places workers within seconds."""
_POLL_S = 5.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a run asks of the cluster."""

    workers: int
    resources: Mapping[str, float]
    """Of each worker, `CPU` and perhaps `GPU`."""


@contextmanager
def telling_waits(
    state_url: str,
    run_id: str,
    wish: Wish,
    *,
    patience_s: float = _PATIENCE_S,
    poll_s: float = _POLL_S,
) -> Iterator[None]:
    """Look at Ray beside what runs inside; say in the run's progress what is missing.

    Args:
        state_url: address of the state database.
        run_id: the run's.
        wish: what its workers need.
        patience_s: time after which a run without a place is told of.
        poll_s: time between two looks.
    """
    stop = threading.Event()

    def look() -> None:
        is_told = False
        wait_s = patience_s
        while not stop.wait(wait_s):
            wait_s = poll_s
            try:
                missing = waiting_sentence(wish)
                if missing or is_told:
                    is_told = _tell(state_url, run_id, missing)
            except (DeskwheelError, RayError) as error:
                _LOG.warning("cannot tell whether run %s waits for a place: %s", run_id, error)

    thread = threading.Thread(target=look, name="places", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=poll_s)


def waiting_sentence(wish: Wish) -> str | None:
    """What a run asks for and what there is, while its workers have no place; else None."""
    groups = [g for g in placement_group_table().values() if _is_ours(g, wish)]
    states = {group["state"] for group in groups}
    if "CREATED" in states and "PENDING" not in states:
        return None
    names = sorted(wish.resources)
    each, free = wish.resources, ray.available_resources()
    return (
        f"waits for a place for {wish.workers} worker(s) with {_amounts(each, names)} each; the"
        f" cluster has {_amounts(ray.cluster_resources(), names)}, {_amounts(free, names)} of it"
        " free"
    )


def _is_ours(group: Mapping[str, Any], wish: Wish) -> bool:
    """Whether every bundle is a worker's; another run may ask for the same, and waits as well."""
    wanted = {name: amount for name, amount in wish.resources.items() if amount}
    bundles = [{k: v for k, v in b.items() if k in wanted} for b in group["bundles"].values()]
    return bool(bundles) and all(bundle == wanted for bundle in bundles)


def _amounts(found: Mapping[str, float], names: list[str]) -> str:
    return " and ".join(f"{found.get(name, 0.0):g} {name}" for name in names)


def _tell(state_url: str, run_id: str, missing: str | None) -> bool:
    """Write it unless the run trains already; whether it is written now."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")

    def tell(known: Progress | None) -> Progress | None:
        is_waiting = known is not None and known.phase == "starting"
        return replace(known, at=at, reason=missing) if known and is_waiting else None

    state = State(state_url)
    try:
        return change_progress(state, run_id, tell) is not None and missing is not None
    finally:
        state.close()
