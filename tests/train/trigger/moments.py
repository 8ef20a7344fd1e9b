"""Toy facts of an evaluation, and toy tables behind them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from deskwheel.settings import Settings
from deskwheel.state import State
from tests.train.rows import example, write_examples
from train.trigger.inputs import Inputs

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday."""
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
LATER = timedelta(hours=2)


def inputs(counted: Mapping[str, int] | None = None, **changes: object) -> Inputs:
    """Facts of a moment at which so many examples of each category are fresh."""
    found = dict(counted or {})
    facts = {"now": NOW, "counted": found, "plain": found, "rows": sum(found.values())}
    return Inputs(**{**facts, "version": 3, **changes})


def fill(settings: Settings, first: int = 0) -> int:
    """Append four fresh examples of two categories; the table's new version."""
    rows = [example(first + i, category="AB"[i % 2]) for i in range(4)]
    return write_examples(settings.pipeline.lake, rows)


def claim(state: State, to_version: int, *, start: int = 0, phase: str = "trained") -> None:
    """A window that ended in a phase."""
    assert state.claim_window("support", start, to_version=to_version, owner="a", detail={})
    if phase == "claimed":
        return
    state.advance_window("support", start, expect="claimed", phase=phase, run_id="run-1")
