import argparse
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deskwheel.settings import Settings, TriggerSettings
from deskwheel.state import State
from tests.train.rows import example, settings_in, write_examples
from train.jobs import LocalJobs
from train.watch import (
    Watcher,
    decide,
    fresh_examples,
    run_id_of,
    show_decision,
    submission_id_of,
)

LATER = timedelta(hours=2)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    trigger = TriggerSettings(min_fresh_examples=4, max_category_share=0.5, cool_down_s=3600)
    return replace(settings_in(tmp_path), trigger=trigger)


@pytest.fixture
def state(settings: Settings) -> State:
    return State(settings.pipeline.state_url)


def fill(settings: Settings, first: int = 0) -> int:
    """Append four fresh examples of two categories; the table's new version."""
    examples = [example(first + i, category="AB"[i % 2]) for i in range(4)]
    return write_examples(settings.pipeline.lake, examples)


def now() -> datetime:
    return datetime.now(UTC)


def freeze(state: State, from_version: int) -> None:
    state.advance_window(
        "support", from_version, expect="claimed", phase="frozen", snapshot_id="snap-1"
    )


def test_without_a_table_nothing_is_claimed(settings: Settings, state: State) -> None:
    Watcher(settings, state, owner="a").step(now())
    assert state.windows("support") == []
    assert state.timeline("support")[0]["detail"]["outcome"] == "too_few"


def test_enough_fresh_examples_claim_a_window(settings: Settings, state: State) -> None:
    version = fill(settings)
    Watcher(settings, state, owner="a").step(now())
    (window,) = state.windows("support")
    assert (window["from_version"], window["to_version"]) == (0, version)
    assert window["phase"] == "claimed"


def test_a_second_watcher_does_not_claim_again(settings: Settings, state: State) -> None:
    fill(settings)
    first = Watcher(settings, state, owner="a")
    second = Watcher(settings, State(settings.pipeline.state_url), owner="b")
    assert first.step(now())
    assert not second.step(now())
    first.release()
    assert second.step(now())
    assert [w["owner"] for w in state.windows("support")] == ["a"]


def test_a_watcher_that_lost_its_lease_cannot_claim_the_same_window(
    settings: Settings, state: State
) -> None:
    fill(settings)
    assert state.claim_window("support", 0, to_version=0, owner="b", detail={})
    Watcher(settings, state, owner="a").step(now())
    assert [w["owner"] for w in state.windows("support")] == ["b"]


def test_only_what_came_after_the_last_window_is_fresh(settings: Settings) -> None:
    before = fill(settings)
    after = fill(settings, first=10)
    lake = settings.pipeline.lake
    assert dict(fresh_examples(lake, since=None, version=before)) == {"A": 2, "B": 2}
    assert dict(fresh_examples(lake, since=before, version=after)) == {"A": 2, "B": 2}
    assert dict(fresh_examples(lake, since=after, version=after)) == {}


def test_quarantined_examples_and_repeats_are_not_fresh(settings: Settings) -> None:
    lake = settings.pipeline.lake
    before = write_examples(lake, [example(0)])
    after = write_examples(lake, [example(0), example(1, is_valid=False), example(2)])
    assert dict(fresh_examples(lake, since=before, version=after)) == {"SETUP": 1}


def test_the_cool_down_lies_between_two_windows(settings: Settings, state: State) -> None:
    first = fill(settings)
    watcher = Watcher(settings, state, owner="a")
    watcher.step(now())
    freeze(state, 0)
    state.advance_window("support", 0, expect="frozen", phase="trained")
    second = fill(settings, first=10)
    watcher.step(now())
    assert state.timeline("support")[0]["detail"]["outcome"] == "cooling_down"
    watcher.step(now() + LATER)
    assert [(w["from_version"], w["to_version"]) for w in state.windows("support")] == [
        (0, first),
        (first + 1, second),
    ]


def test_an_outcome_is_logged_when_it_changes_and_not_at_every_look(
    settings: Settings, state: State
) -> None:
    watcher = Watcher(settings, state, owner="a")
    for _ in range(3):
        watcher.step(now())
    fill(settings)
    watcher.step(now())
    entries = state.timeline("support", kind="trigger")
    assert [e["detail"]["outcome"] for e in entries] == ["fired", "too_few"]
    assert (
        entries[0]["detail"]["reason"] == "4 effective of 4 fresh examples reach the minimum of 4"
    )


def test_examples_of_a_failed_window_count_again(settings: Settings, state: State) -> None:
    fill(settings)
    Watcher(settings, state, owner="a").step(now())
    freeze(state, 0)
    state.advance_window("support", 0, expect="frozen", phase="failed")
    decision, _ = decide(settings, state, now=now() + LATER)
    assert (decision.fired, decision.effective) == (True, 4)


def test_no_window_is_claimed_while_one_is_under_way(settings: Settings, state: State) -> None:
    fill(settings)
    watcher = Watcher(settings, state, owner="a")
    watcher.step(now())
    fill(settings, first=10)
    watcher.step(now() + LATER)
    assert len(state.windows("support")) == 1


def test_a_frozen_window_is_submitted_once_and_a_broken_job_fails_it(
    settings: Settings, state: State, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\necho no memory\nexit 1\n')
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    fill(settings)
    watcher = Watcher(settings, state, owner="a")
    watcher.step(now())
    freeze(state, 0)
    watcher.step(now())
    (window,) = state.windows("support")
    assert window["run_id"] == run_id_of("support", 0, "snap-1")
    jobs = LocalJobs(Path(settings.train.runs_dir) / "jobs")
    while jobs.status(submission_id_of("support", 0)) == "running":
        pass
    Watcher(settings, state, owner="a").step(now())
    (window,) = state.windows("support")
    assert window["phase"] == "failed"
    assert window["detail"]["log"] == "no memory"
    assert (tmp_path / "calls").read_text() == "-m train run --snapshot snap-1 --from-version 0\n"


def test_a_job_that_the_cluster_forgot_is_submitted_again(
    settings: Settings, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/true")
    state.claim_window("support", 0, to_version=0, owner="a", detail={})
    freeze(state, 0)
    state.advance_window("support", 0, expect="frozen", phase="submitted", run_id="run-1")
    jobs = LocalJobs(Path(settings.train.runs_dir) / "jobs")
    assert jobs.status(submission_id_of("support", 0)) == "missing"
    Watcher(settings, state, owner="b").step(now())
    assert jobs.status(submission_id_of("support", 0)) != "missing"


def test_the_trigger_verb_prints_the_decision_and_changes_nothing(
    settings: Settings, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    version = fill(settings)
    assert show_decision(settings, argparse.Namespace(json=True)) == 0
    assert json.loads(capsys.readouterr().out) == {
        "outcome": "fired",
        "fired": True,
        "effective": 4,
        "version": version,
    }
    assert state.windows("support") == []
    assert state.timeline("support") == []
