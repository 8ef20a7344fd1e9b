"""The facts of an evaluation out of table, windows, runs and orders.

Reads `validated_examples` and the state database; writes nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from deskwheel import lake
from deskwheel.settings import Settings
from deskwheel.state import Row, State
from deskwheel.tables import VALIDATED
from deskwheel.times import from_us, to_us
from train.trigger.forecast import LEAST_ARRIVALS
from train.trigger.fresh import Fresh, counts, fresh_examples
from train.trigger.holds import BUDGET_SPAN
from train.trigger.inputs import Inputs, Spent
from train.trigger.orders import read_pause, read_request

RATE_SPAN = timedelta(days=1)
"""Rates are of the last day, so that night and day are both in them."""
_HOUR_S = 3600


def read_inputs(settings: Settings, state: State, *, now: datetime) -> Inputs:
    """What table and state database say now."""
    name = settings.pipeline.name
    windows = state.windows(name)
    version = lake.current_version(settings.pipeline.lake, VALIDATED)
    fresh = Fresh() if version is None else _fresh(settings, windows, version)
    last = _moment(windows[-1]) if windows else None
    is_taken = version is not None and next_start(windows) > version
    return Inputs(
        now=now,
        counted=fresh.counted,
        rows=fresh.rows,
        corrections=counts(fresh.corrected_us),
        plain=counts(fresh.plain_us),
        oldest_at=_oldest(fresh),
        per_day=rates(fresh.arrived_us, since=last, now=now),
        before=fresh.before,
        lengths=fresh.lengths,
        lengths_before=fresh.lengths_before,
        last_window_at=last,
        spent=spent_in(state, [w for w in windows if _moment(w) + BUDGET_SPAN > now]),
        pause=read_pause(state, name),
        request=read_request(state, name, windows),
        version=version,
        why_taken=_why_taken(windows[-1]) if is_taken else "",
    )


def next_start(windows: Sequence[Row]) -> int:
    """The first table version that belongs to no window."""
    return int(windows[-1]["to_version"]) + 1 if windows else 0


def rates(
    arrived_us: Mapping[str, np.ndarray], *, since: datetime | None, now: datetime
) -> dict[str, float]:
    """Examples a day by category, over the last day or since a moment within it.

    Empty where fewer than five came: they say nothing of what will come.

    Args:
        arrived_us: category → ascending times.
        since: the last window; None where there is none, then the first of all arrivals.
        now: the end of the time looked at.
    """
    firsts = [int(times[0]) for times in arrived_us.values() if len(times)]
    if not firsts:
        return {}
    begin = max(since or from_us(min(firsts)), now - RATE_SPAN)
    days = (now - begin) / timedelta(days=1)
    lately = {n: len(t) - int(np.searchsorted(t, to_us(begin))) for n, t in arrived_us.items()}
    if sum(lately.values()) < LEAST_ARRIVALS or days <= 0:
        return {}
    return {name: count / days for name, count in lately.items()}


def _fresh(settings: Settings, windows: Sequence[Row], version: int) -> Fresh:
    good = [w for w in windows if w["phase"] != "failed"]
    since, claimed_at = (good[-1][k] if good else None for k in ("to_version", "claimed_at"))
    return fresh_examples(
        settings.pipeline.lake,
        since=since,
        version=version,
        claimed_at=claimed_at,
        once_by=settings.trigger.count_once_by,
        has_lengths=any("drift" in entry for entry in settings.trigger.policies),
    )


def _oldest(fresh: Fresh) -> datetime | None:
    firsts = [int(times[0]) for times in fresh.arrived_us.values() if len(times)]
    return from_us(min(firsts)) if firsts else None


def spent_in(state: State, windows: Sequence[Row]) -> list[Spent]:
    """What each window took."""
    runs = state.documents("run") if windows else {}
    return [Spent(at=_moment(w), hours=_hours(runs.get(str(w["run_id"])))) for w in windows]


def _hours(run: Row | None) -> float | None:
    """Hours of a finished run times its workers, attempts that were broken off among them."""
    if run is None:
        return None
    begin, end = (datetime.fromisoformat(str(run[k])) for k in ("started_at", "finished_at"))
    workers = int(run.get("settings", {}).get("workers", 1))
    took_s = (end - begin).total_seconds() + float(run.get("earlier_s", 0.0))
    return took_s / _HOUR_S * workers


def _moment(window: Row) -> datetime:
    return datetime.fromisoformat(window["claimed_at"]).astimezone(UTC)


def _why_taken(last: Row) -> str:
    start = last["from_version"]
    if last["phase"] == "failed":
        return (
            f"window {start} failed; its examples are claimed again with the next version, or"
            f" `python -m train retry {start}` goes on with it"
        )
    return f"no version since window {start}"
