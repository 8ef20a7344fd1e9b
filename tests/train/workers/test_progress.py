from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deskwheel.progress import (
    Progress,
    RunPhase,
    begin_progress,
    change_progress,
    end_progress,
    progress_sentence,
    read_progress,
)
from deskwheel.state import State
from train.workers.progress import ProgressReports

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


def test_what_a_database_missed_while_it_was_away_is_told_when_it_answers(
    tmp_path: Path, begun: Progress, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "away"
    url = f"sqlite:///{folder / 'state.db'}"
    reports = ProgressReports(url, begun, steps=3, clock=Clock())
    report(reports, 1)
    assert "progress of run-1 is not stored" in caplog.text
    folder.mkdir()
    report(reports, 2)
    back = State(url)
    assert [p[0] for p in points(back)] == [1, 2]
    found = read_progress(back, "run-1")
    assert found is not None
    assert (found.phase, found.step) == ("training", 2)


def test_a_report_without_a_loss_says_nothing(url: str, state: State, begun: Progress) -> None:
    reports = ProgressReports(url, begun, steps=3, clock=Clock())
    reports.after_report(None, [{"step": 1.0}], None)
    assert points(state) == []
    assert read_progress(state, "run-1") == begun


def test_after_an_early_stop_the_run_is_evaluated(url: str, state: State, begun: Progress) -> None:
    clock = Clock()
    reports = ProgressReports(url, begun, steps=180, clock=clock)
    for step in (1, 30):
        report(reports, step)
        clock.now += 20
    report(reports, 60, dev_loss=2.0, is_over=0.0)
    assert (told := read_progress(state, "run-1")) is not None
    assert (told.phase, told.eta_s) == ("training", pytest.approx(40 / 59 * 120))
    report(reports, 60, dev_loss=2.0, is_over=1.0)
    assert (told := read_progress(state, "run-1")) is not None
    assert (told.phase, told.step, told.eta_s) == ("evaluating", 60, None)
    sentence = progress_sentence(told, now=datetime.now(UTC))
    assert sentence == "evaluating: stopped at step 60 of 180, loss 0.167, dev loss 2.000"


def test_steps_that_are_no_multiple_of_those_of_a_report_are_done_all_the_same(
    url: str, state: State, begun: Progress
) -> None:
    reports = ProgressReports(url, begun, steps=185, clock=Clock())
    report(reports, 180)
    report(reports, 180, checkpoint_step=185.0, is_over=1.0)
    assert (told := read_progress(state, "run-1")) is not None
    assert (told.phase, told.step) == ("evaluating", 185)
    assert [p[0] for p in points(state)] == [180]


def test_preferences_have_steps_and_a_time_of_their_own(
    url: str, state: State, begun: Progress
) -> None:
    clock = Clock()
    reports = ProgressReports(url, begun, steps=10, clock=clock)
    report(reports, 10, is_over=1.0)
    for step in (1, 3):
        clock.now += 10
        entry = {"step": 10.0 + step, "preference_loss": 0.5, "preference_step": float(step)}
        reports.after_report(None, [{**entry, "preference_steps": 13.0}], None)
    assert (told := read_progress(state, "run-1")) is not None
    assert (told.phase, told.step, told.eta_s) == ("training", 10, 50.0)
    sentence = progress_sentence(told, now=datetime.now(UTC))
    steps = "step 10 of 10, loss 1.000, preferences step 3 of 13, loss 0.500"
    assert sentence == f"training: {steps}, 50 s left"
    reports.after_report(None, [{"step": 23.0, "is_over": 1.0}], None)
    assert (told := read_progress(state, "run-1")) is not None
    assert (told.phase, told.eta_s) == ("evaluating", None)
    assert [p[0] for p in points(state)] == [10]


def test_preferences_that_are_learnt_again_follow_a_fine_tune_that_is_done(
    url: str, state: State, begun: Progress
) -> None:
    reports = ProgressReports(url, begun, steps=10, clock=Clock())
    entry = {"step": 8.0, "preference_loss": 0.5, "preference_step": 1.0}
    reports.after_report(None, [{**entry, "preference_steps": 13.0}], None)
    assert (told := read_progress(state, "run-1")) is not None
    sentence = progress_sentence(told, now=datetime.now(UTC))
    assert sentence == "training: stopped at step 7 of 10, preferences step 1 of 13, loss 0.500"


@pytest.mark.parametrize("phase", ["cancelled", "held", "failed", "done"])
def test_a_late_report_brings_back_no_run_that_has_ended(
    url: str, state: State, begun: Progress, phase: RunPhase
) -> None:
    reports = ProgressReports(url, begun, steps=50, clock=Clock())
    report(reports, 1)
    end_progress(state, "run-1", phase=phase, now=NOON, reason="because")
    report(reports, 50)
    found = read_progress(state, "run-1")
    assert found is not None
    assert (found.phase, found.step, found.reason) == (phase, 1, "because")


def test_a_cancelled_run_stays_so_until_another_driver_begins(
    state: State, begun: Progress
) -> None:
    end_progress(state, "run-1", phase="failed", now=NOON, reason="SIGTERM")
    end_progress(state, "run-1", phase="cancelled", now=NOON, reason="by kim")
    for phase in ("failed", "held", "publishing", "done"):
        end_progress(state, "run-1", phase=phase, now=NOON, reason="SIGTERM")
    found = read_progress(state, "run-1")
    assert found is not None
    assert (found.phase, found.reason) == ("cancelled", "by kim")
    again = begin_progress(state, "run-1", pipeline="support", snapshot_id="snap-1", now=NOON)
    assert (again.phase, again.reason) == ("starting", None)


def test_two_who_write_at_the_same_moment_both_count(state: State, begun: Progress) -> None:
    def change(found: Progress | None) -> Progress | None:
        if not meanwhile:
            meanwhile.append(True)
            end_progress(state, "run-1", phase="cancelled", now=NOON, reason="by kim")
        return found if found is None or not found.is_open else replace(found, step=9)

    meanwhile: list[bool] = []
    change_progress(state, "run-1", change)
    found = read_progress(state, "run-1")
    assert found is not None
    assert (found.phase, found.step) == ("cancelled", 0)


def test_drivers_that_were_broken_off_are_counted_to_their_last_sign_of_life(
    state: State, begun: Progress
) -> None:
    def begin(minute: int) -> Progress:
        now = NOON + timedelta(minutes=minute)
        return begin_progress(state, "run-1", pipeline="support", snapshot_id="snap-1", now=now)

    def live(minute: int) -> None:
        at = (NOON + timedelta(minutes=minute)).isoformat()
        change_progress(state, "run-1", lambda found: found and replace(found, at=at))

    live(7)
    assert begin(600).spent_s == 7 * 60  # killed after 7 minutes, and away for hours
    end_progress(state, "run-1", phase="failed", now=NOON + timedelta(minutes=605), is_driver=True)
    end_progress(state, "run-1", phase="held", now=NOON + timedelta(days=3))
    assert begin(9000).spent_s == 12 * 60
    live(9001)
    end_progress(state, "run-1", phase="cancelled", now=NOON + timedelta(days=9))
    assert begin(99_000).spent_s == 13 * 60


def test_an_end_has_a_reason(state: State, begun: Progress) -> None:
    end_progress(state, "run-1", phase="held", now=NOON, reason="loss is nan")
    end_progress(state, "never", phase="held", now=NOON)
    found = read_progress(state, "run-1")
    assert found is not None
    assert (found.phase, found.reason, found.is_open) == ("held", "loss is nan", False)
    assert read_progress(state, "never") is None
