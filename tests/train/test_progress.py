from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deskwheel.progress import Progress, begin_progress, end_progress, read_progress
from deskwheel.state import State
from train.progress import ProgressReports

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Clock:
    """Seconds that a test moves on."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'state.db'}"


@pytest.fixture
def state(url: str) -> State:
    return State(url)


@pytest.fixture
def begun(state: State) -> Progress:
    return begin_progress(state, "run-1", pipeline="support", snapshot_id="snap-1", now=NOON)


def report(reports: ProgressReports, step: int, **more: Any) -> None:
    reports.after_report(None, [{"step": float(step), "loss": 10.0 / step, **more}], None)


def points(state: State) -> list[Any]:
    found = state.get("loss_curve", "run-1")
    return [] if found is None else found[0]["points"]


def test_reports_become_progress_and_loss_curve(url: str, state: State, begun: Progress) -> None:
    clock = Clock()
    reports = ProgressReports(url, begun, steps=100, clock=clock)
    report(reports, 1, lr=2e-4)
    clock.now += 20
    report(reports, 11, tokens_per_s=2300.0, rss_bytes=1e9)
    found = read_progress(state, "run-1")
    assert found is not None
    assert (found.phase, found.step, found.steps, found.lr) == ("training", 11, 100, 2e-4)
    assert found.eta_s == pytest.approx(2.0 * 89)
    assert found.tokens_per_s == 2300.0
    assert found.first_step_at is not None
    assert points(state) == [[1.0, 10.0], [11.0, 10.0 / 11]]


def test_the_database_is_written_at_most_once_a_second_and_at_the_end(
    url: str, state: State, begun: Progress
) -> None:
    clock = Clock()
    reports = ProgressReports(url, begun, steps=50, clock=clock)
    for step in range(1, 50):
        report(reports, step)
        clock.now += 0.1
    written = state.get("progress", "run-1")
    assert written is not None
    assert written[1] <= 7
    report(reports, 50)
    found = read_progress(state, "run-1")
    assert found is not None
    assert (found.step, found.phase, found.eta_s) == (50, "evaluating", None)
    assert len(points(state)) == 50


def test_a_loss_on_dev_is_written_at_once(url: str, state: State, begun: Progress) -> None:
    reports = ProgressReports(url, begun, steps=50, clock=Clock())
    report(reports, 1)
    report(reports, 2, dev_loss=1.5)
    report(reports, 3)
    found = read_progress(state, "run-1")
    assert found is not None
    assert (found.step, found.dev_loss) == (2, 1.5)


def test_a_later_attempt_takes_over_the_points_and_the_first_step(
    url: str, state: State, begun: Progress
) -> None:
    clock = Clock()
    first = ProgressReports(url, begun, steps=30, clock=clock)
    report(first, 1)
    clock.now += 5
    report(first, 20)
    early = read_progress(state, "run-1")
    again = begin_progress(state, "run-1", pipeline="support", snapshot_id="snap-1", now=NOON)
    second = ProgressReports(url, again, steps=30, clock=clock)
    report(second, 11)
    late = read_progress(state, "run-1")
    assert early is not None
    assert late is not None
    assert late.first_step_at == early.first_step_at
    assert late.step == 11
    assert [p[0] for p in points(state)] == [1, 11, 20]


def test_a_database_that_is_away_stops_no_training(begun: Progress) -> None:
    reports = ProgressReports("sqlite:////no/such/folder/state.db", begun, steps=3, clock=Clock())
    report(reports, 1)
    report(reports, 2)


def test_a_report_without_a_loss_says_nothing(url: str, state: State, begun: Progress) -> None:
    reports = ProgressReports(url, begun, steps=3, clock=Clock())
    reports.after_report(None, [{"step": 1.0}], None)
    assert points(state) == []


def test_an_end_has_a_reason(state: State, begun: Progress) -> None:
    end_progress(state, "run-1", phase="held", now=NOON, reason="loss is nan")
    end_progress(state, "never", phase="held", now=NOON)
    found = read_progress(state, "run-1")
    assert found is not None
    assert (found.phase, found.reason, found.is_open) == ("held", "loss is nan", False)
    assert read_progress(state, "never") is None
