"""The timeline's entries about the trigger, and the log of every evaluation.

The timeline is for people and gets what is news. The log is in documents of the state database:
evaluations that follow each other and found the same are one entry that counts them, and of a
pipeline's entries the newest `KEPT` are kept, each in a place of its own that is used again.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from deskwheel.errors import StateError
from deskwheel.state import Row, State
from train.trigger.decide import TriggerDecision

LOG, ENTRY = "trigger_log", "trigger_log_entry"
"""Families of documents: the newest entry by pipeline, and those before it by place."""
KEPT = 2_000
"""At an evaluation every 30 s, and a new table version for each, the last 16 hours."""


def log_decision(state: State, pipeline: str, decision: TriggerDecision, *, now: datetime) -> None:
    """Log a decision, and put it into the timeline where it is news.

    Two watchers that log at once: one is a paused owner of the lease, and the other's entry stays.
    """
    if _is_news(state, pipeline, decision):
        subject = f"version {decision.version}"
        state.record(pipeline, "trigger", subject, decision.detail())
    try:
        _log(state, pipeline, decision, now=now)
    except StateError:
        return


def last_entries(state: State, pipeline: str, *, limit: int) -> list[Row]:
    """The newest entries of the log, newest first."""
    found = state.get(LOG, pipeline)
    if found is None:
        return []
    entries, number = [found[0]], int(found[0]["number"])
    while len(entries) < min(limit, KEPT) and number > 0:
        number -= 1
        older = state.get(ENTRY, _place(pipeline, number))
        if older is None or older[0]["number"] != number:
            break
        entries.append(older[0])
    return entries


def _log(state: State, pipeline: str, decision: TriggerDecision, *, now: datetime) -> None:
    found = state.get(LOG, pipeline)
    entry = _entry(decision, now=now)
    if found is None:
        state.put(LOG, pipeline, {**entry, "number": 0}, expect=0)
        return
    last, revision = found
    if _is_same(last, entry):
        changes = {"since": last["since"], "looks": last["looks"] + 1, "number": last["number"]}
        state.put(LOG, pipeline, {**entry, **changes}, expect=revision)
        return
    state.put(ENTRY, _place(pipeline, last["number"]), last)
    state.put(LOG, pipeline, {**entry, "number": last["number"] + 1}, expect=revision)


def _entry(decision: TriggerDecision, *, now: datetime) -> dict[str, Any]:
    at = now.isoformat(timespec="seconds")
    numbers = {o.policy: dict(o.numbers) | {"is_for": o.is_for} for o in decision.opinions}
    seen = {"fresh": dict(decision.counted), "opinions": numbers}
    return {**decision.detail(), **seen, "since": at, "until": at, "looks": 1}


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two evaluations saw the same: what only passes with time is not compared."""
    same = ("outcome", "version", "effective", "request")
    return all(one.get(key) == other.get(key) for key in same)


def _place(pipeline: str, number: int) -> str:
    return f"{pipeline}/{number % KEPT:04}"


def _is_news(state: State, pipeline: str, decision: TriggerDecision) -> bool:
    """Whether the outcome is another one than last time, or fires on a newer table."""
    last = state.timeline(pipeline, kind="trigger", limit=1)
    if not last or last[0]["detail"]["outcome"] != decision.outcome:
        return True
    return decision.fired and last[0]["detail"]["version"] != decision.version
