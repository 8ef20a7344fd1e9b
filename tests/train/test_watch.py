import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from deskwheel import config, lake
from deskwheel.records import ValidatedExample
from deskwheel.settings import Settings, TriggerSettings
from deskwheel.state import State
from deskwheel.tables import VALIDATED
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
    write_examples(settings.pipeline.lake, [example(9, is_valid=False)])
    decision, _ = decide(settings, state, now=now() + LATER)
    assert (decision.fired, decision.effective) == (True, 4)


def test_a_failed_window_waits_for_the_next_version_and_says_so(
    settings: Settings, state: State
) -> None:
    fill(settings)
    watcher = Watcher(settings, state, owner="a")
    watcher.step(now())
    freeze(state, 0)
    state.advance_window("support", 0, expect="frozen", phase="failed")
    watcher.step(now() + LATER)
    assert state.timeline("support")[0]["detail"] | {"version": 0} == {
        "outcome": "waiting",
        "fired": False,
        "effective": 4,
        "reason": "window 0 failed; its examples are claimed again with the next version",
        "version": 0,
    }
    write_examples(settings.pipeline.lake, [example(9, is_valid=False)])
    watcher.step(now() + LATER)
    assert [w["phase"] for w in state.windows("support")] == ["failed", "claimed"]


def clean(settings: Settings, examples: Sequence[ValidatedExample]) -> None:
    """Append examples, and keep no log of what was before them."""
    write_examples(settings.pipeline.lake, examples)
    table = DeltaTable(lake.table_path(settings.pipeline.lake, VALIDATED))
    table.create_checkpoint()
    log = lake.table_path(settings.pipeline.lake, VALIDATED) / "_delta_log"
    for version in range(table.version() + 1):
        (log / f"{version:020}.json").unlink()


def vacuum(settings: Settings, examples: Sequence[ValidatedExample]) -> None:
    """Rewrite the table with more examples, and keep no file of what was before."""
    path = lake.table_path(settings.pipeline.lake, VALIDATED)
    write_examples(settings.pipeline.lake, examples)
    table = DeltaTable(path)
    table.optimize.compact()
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)


@pytest.mark.parametrize("forget", [clean, vacuum])
def test_examples_are_counted_by_date_once_the_last_windows_version_was_cleaned_away(
    settings: Settings, state: State, forget: Callable[..., None]
) -> None:
    fill(settings)
    Watcher(settings, state, owner="a").step(now())
    freeze(state, 0)
    state.advance_window("support", 0, expect="frozen", phase="trained", run_id="run-1")
    forget(
        settings,
        [replace(example(20 + i, category="AB"[i % 2]), validated_at=now()) for i in range(4)],
    )
    decision, _ = decide(settings, state, now=now() + LATER)
    assert (decision.outcome, decision.effective) == ("fired", 4)
    assert decision.reason.startswith("4 effective of 4 fresh examples")


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
    kept = Path(settings.train.runs_dir) / f"{window['run_id']}.toml"
    expected = f"-m train run --config {kept} --snapshot snap-1 --from-version 0\n"
    assert (tmp_path / "calls").read_text() == expected


def test_a_job_gets_the_settings_of_its_watcher_and_only_the_owner_reads_them(
    settings: Settings, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/true")
    mine = replace(settings, train=replace(settings.train, lr=0.0123))
    fill(settings)
    watcher = Watcher(mine, state, owner="a")
    watcher.step(now())
    freeze(state, 0)
    watcher.step(now())
    kept = Path(settings.train.runs_dir) / f"{run_id_of('support', 0, 'snap-1')}.toml"
    assert asdict(config.load(kept)) == asdict(mine)
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_watcher_shows_the_evaluation_that_a_killed_job_left_behind(
    settings: Settings, state: State
) -> None:
    state.claim_window("support", 0, to_version=0, owner="a", detail={})
    freeze(state, 0)
    state.advance_window("support", 0, expect="frozen", phase="trained", run_id="run-1")
    left = {"pipeline": "support", "trained": {}, "judged": {}, "is_done": False}
    state.put("announcement", "run-1", {**left, "evaluation": {"evaluation_id": "eval-1"}})
    watcher = Watcher(settings, state, owner="a")
    watcher.step(now())
    watcher.step(now())
    assert set(state.documents("evaluation")) == {"eval-1"}
    assert len(state.timeline("support", kind="evaluated")) == 1


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
