import argparse
import json
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deskwheel.errors import ConfigError, StateError
from deskwheel.progress import begin_progress, read_progress
from deskwheel.settings import Settings
from deskwheel.state import State
from tests.train.card.records import run_in, store_run
from tests.train.rows import settings_in
from train.jobs import LocalJobs
from train.ledger import fail_window, hold_window, run_id_of, submission_id_of
from train.runs.verbs import cancel, cancel_window, retry, show_log, show_runs, window_of
from train.watch import Watcher

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RUN_ID = run_id_of("support", 0, "snap-1")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def state(settings: Settings) -> State:
    """The first window is submitted, its run has begun."""
    state = State(settings.pipeline.state_url)
    state.claim_window("support", 0, to_version=3, owner="a", detail={})
    state.advance_window("support", 0, expect="claimed", phase="frozen", snapshot_id="snap-1")
    state.advance_window(
        "support", 0, expect="frozen", phase="submitted", run_id=RUN_ID, attempts=1
    )
    begin_progress(state, RUN_ID, pipeline="support", snapshot_id="snap-1", now=NOON)
    return state


def arguments(**given: Any) -> argparse.Namespace:
    plain = {"run": "0", "reason": "wrong base", "by": "kim", "json": False}
    return argparse.Namespace(**{**plain, "follow": False, "lines": 50, "anew": False, **given})


def phase(state: State) -> str:
    return str(window_of(state, "support", "0")["phase"])


def submit(settings: Settings, code: str) -> LocalJobs:
    jobs = LocalJobs(Path(settings.train.runs_dir) / "jobs")
    jobs.submit(submission_id_of("support", 0), [sys.executable, "-c", code])
    return jobs


def test_a_cancelled_window_is_held_with_who_and_why_and_its_job_is_ended(
    settings: Settings, state: State
) -> None:
    jobs = submit(settings, "import time; time.sleep(60)")
    assert cancel(settings, arguments()) == 0
    assert jobs.status(submission_id_of("support", 0)) == "failed"
    window = window_of(state, "support", RUN_ID)
    assert (window["phase"], window["reason"]) == ("held", "cancelled by kim: wrong base")
    (told,) = state.timeline("support", kind="cancelled")
    assert told["detail"]["actor"] == "kim"
    progress = read_progress(state, RUN_ID)
    assert progress is not None
    assert progress.phase == "cancelled"


def test_a_job_that_speaks_while_it_is_stopped_does_not_bring_its_run_back(
    settings: Settings, state: State, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    code = f"""
import signal, sys, time
from datetime import UTC, datetime
from pathlib import Path
from deskwheel.progress import begin_progress
from deskwheel.state import State

def begin(*_):
    state = State({settings.pipeline.state_url!r})
    now = datetime.now(UTC)
    begin_progress(state, {RUN_ID!r}, pipeline="support", snapshot_id="snap-1", now=now)
    sys.exit(1)

signal.signal(signal.SIGTERM, begin)
Path({str(ready)!r}).touch()
time.sleep(60)
"""
    submit(settings, code)
    while not ready.exists():
        time.sleep(0.02)
    assert cancel(settings, arguments()) == 0
    progress = read_progress(state, RUN_ID)
    assert progress is not None
    assert (progress.phase, progress.reason) == ("cancelled", "cancelled by kim: wrong base")


def test_a_user_without_a_name_can_cancel(
    settings: Settings, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 1000")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert cancel(settings, arguments(by=None)) == 0
    assert str(window_of(state, "support", "0")["reason"]).startswith("cancelled by unknown@")


def test_a_failed_window_has_no_run_that_seems_to_train(
    settings: Settings, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    window = window_of(state, "support", "0")
    assert fail_window(state, window, reason="3 attempts failed", log="x")
    assert show_runs(settings, arguments()) == 0
    assert capsys.readouterr().out == f"{RUN_ID}  failed: 3 attempts failed\n"


def test_cancelling_twice_is_told_once(
    settings: Settings, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cancel(settings, arguments()) == 0
    assert cancel(settings, arguments(reason="again")) == 0
    assert capsys.readouterr().err.splitlines() == ["cancelled", "cancelled before"]
    assert len(state.timeline("support", kind="cancelled")) == 1


def test_a_window_that_was_only_claimed_can_be_cancelled(settings: Settings, state: State) -> None:
    state.claim_window("support", 4, to_version=5, owner="a", detail={})
    assert cancel(settings, arguments(run="4")) == 0
    assert window_of(state, "support", "4")["phase"] == "held"


def test_a_published_window_cannot_be_cancelled(settings: Settings, state: State) -> None:
    state.advance_window("support", 0, expect="submitted", phase="trained", model_version="1")
    with pytest.raises(StateError, match="ended as trained"):
        cancel(settings, arguments())
    assert state.timeline("support", kind="cancelled") == []


def test_publication_and_cancellation_never_both_win(settings: Settings, state: State) -> None:
    url = settings.pipeline.state_url
    for start in range(10, 30, 2):
        state.claim_window("support", start, to_version=start, owner="a", detail={})
        state.advance_window(
            "support", start, expect="claimed", phase="submitted", run_id=f"r{start}"
        )
        window = window_of(state, "support", str(start))
        won: list[str] = []
        barrier = threading.Barrier(2)

        def publish(start: int = start, won: list[str] = won, gate: Any = barrier) -> None:
            own = State(url)
            gate.wait()
            try:
                own.advance_window("support", start, expect="submitted", phase="trained")
                won.append("published")
            except StateError:
                pass
            own.close()

        thread = threading.Thread(target=publish)
        thread.start()
        barrier.wait()
        try:
            cancel_window(state, window, actor="kim", reason="race")
            won.append("cancelled")
        except StateError:
            pass
        thread.join()
        expected = {"published": "trained", "cancelled": "held"}
        assert len(won) == 1
        assert window_of(state, "support", str(start))["phase"] == expected[won[0]]


def test_an_unknown_run_is_named(settings: Settings, state: State) -> None:
    with pytest.raises(StateError, match="run-nobody"):
        cancel(settings, arguments(run="run-nobody"))
    assert phase(state) == "submitted"


def test_the_log_of_a_run_is_that_of_its_last_attempt(
    settings: Settings, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = submit(settings, "print('a'); print('b'); print('c')")
    while jobs.status(submission_id_of("support", 0)) == "running":
        time.sleep(0.02)
    assert show_log(settings, arguments(run=RUN_ID, lines=2)) == 0
    assert capsys.readouterr().out == "b\nc\n"


def test_a_followed_log_ends_with_its_job(
    settings: Settings, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    submit(settings, "import time; print('a', flush=True); time.sleep(1.5); print('b')")
    time.sleep(0.3)
    assert show_log(settings, arguments(run=RUN_ID, follow=True)) == 0
    assert capsys.readouterr().out.split() == ["a", "b"]


def test_a_run_under_way_is_listed_with_how_far_it_is(
    settings: Settings, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show_runs(settings, arguments()) == 0
    assert capsys.readouterr().out.startswith(f"{RUN_ID}  starting: silent for")
    assert show_runs(settings, arguments(json=True)) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["run_id"], row["verdict"]) == (RUN_ID, None)
    assert row["progress"]["snapshot_id"] == "snap-1"


def test_the_surest_loss_of_a_run_stands_beside_its_verdict(
    settings: Settings, state: State, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store_run(state, run_in(tmp_path))
    assert show_runs(settings, arguments()) == 0
    said = capsys.readouterr().out
    assert "HOLD, rouge_l -0.2000 in category BILLING" in said


def test_a_retried_window_is_submitted_without_a_fresh_example_and_keeps_its_run(
    settings: Settings,
    state: State,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/true")
    jobs = submit(settings, "raise SystemExit(1)")
    hold_window(state, "support", 0, reason="no room left")
    while jobs.status(submission_id_of("support", 0)) == "running":
        time.sleep(0.02)
    Watcher(settings, state, owner="a").step(NOON)
    assert retry(settings, arguments(reason="freed 40 GB", json=True)) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"from_version": 0, "phase": "submitted", "attempts": 2, "run_id": RUN_ID}
    Watcher(settings, state, owner="a").step(NOON)
    assert jobs.status(submission_id_of("support", 0, 2)) != "missing"
    assert [w["from_version"] for w in state.windows("support")] == [0]


def test_a_window_is_retried_only_once_its_last_job_has_ended(
    settings: Settings, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = submit(settings, "import time; time.sleep(60)")
    hold_window(state, "support", 0, reason="no room left")
    with pytest.raises(StateError, match="job deskwheel-support-0 of this window has not ended"):
        retry(settings, arguments())
    assert phase(state) == "held"
    jobs.stop(submission_id_of("support", 0))
    assert jobs.status(submission_id_of("support", 0)) == "failed"
    assert retry(settings, arguments()) == 0
    assert capsys.readouterr().err == "window 0 is submitted again, attempt 2\n"


def test_a_retry_needs_a_reason(settings: Settings, state: State) -> None:
    hold_window(state, "support", 0, reason="no room left")
    with pytest.raises(ConfigError, match="what was mended"):
        retry(settings, arguments(reason=" "))
    assert phase(state) == "held"
