import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deskwheel import config
from deskwheel.settings import Settings, TriggerSettings
from deskwheel.state import State
from tests.train.rows import example, settings_in, write_examples
from train.jobs import JobStatus, LocalJobs
from train.ledger import hold_window, run_id_of, submission_id_of
from train.trigger.decide import TriggerDecision, decide
from train.watch import Watcher

LATER = timedelta(hours=2)
LEASE = ("train-watch/support", "b")


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


def with_attempts(settings: Settings, attempts: int) -> Settings:
    return replace(settings, trigger=replace(settings.trigger, max_attempts=attempts))


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
    decision = decide(settings, state, now=now() + LATER)
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
        "reason": "window 0 failed; its examples are claimed again with the next version, or"
        " `python -m train retry 0` goes on with it; 4 effective of 4 fresh examples reach the"
        " minimum of 4",
        "version": 0,
    }
    write_examples(settings.pipeline.lake, [example(9, is_valid=False)])
    watcher.step(now() + LATER)
    assert [w["phase"] for w in state.windows("support")] == ["failed", "claimed"]


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
    settings = with_attempts(settings, 1)
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
    assert window["reason"] == "job deskwheel-support-0 failed without publishing a run"
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


def test_a_watcher_finishes_once_what_a_killed_job_left_behind(
    settings: Settings, state: State
) -> None:
    state.claim_window("support", 0, to_version=0, owner="a", detail={})
    freeze(state, 0)
    state.advance_window("support", 0, expect="frozen", phase="trained", run_id="run-1")
    state.put("announcement", "run-1", {"is_done": False})
    asked: list[str] = []

    def finish(run_id: str) -> bool:
        asked.append(run_id)
        return len(asked) > 1

    watcher = Watcher(settings, state, owner="a", finish=finish)
    for _ in range(3):
        watcher.step(now())
    assert asked == ["run-1", "run-1"]


def test_what_a_job_has_finished_itself_is_left_alone(settings: Settings, state: State) -> None:
    state.claim_window("support", 0, to_version=0, owner="a", detail={})
    freeze(state, 0)
    state.advance_window("support", 0, expect="frozen", phase="trained", run_id="run-1")
    state.put("announcement", "run-1", {"is_done": True})
    Watcher(settings, state, owner="a", finish=lambda _: pytest.fail("asked")).step(now())


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


class Cluster:
    """Jobs of a cluster far away: what they were told, and how each stands."""

    def __init__(self) -> None:
        self.submitted: list[str] = []
        self.stands: dict[str, JobStatus] = {}
        self.when_asked: Callable[[], object] = lambda: None

    def submit(self, name: str, command: Sequence[str]) -> None:
        self.submitted.append(name)
        self.stands.setdefault(name, "running")

    def status(self, name: str) -> JobStatus:
        self.when_asked()
        return self.stands.get(name, "missing")

    def log_tail(self, name: str, *, lines: int) -> str:
        return f"the end of {name}"


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def submitted(state: State, *, attempts: int = 1) -> None:
    """The window 0..0 as its watcher leaves it."""
    state.claim_window("support", 0, to_version=0, owner="a", detail={"effective": 4})
    freeze(state, 0)
    state.advance_window(
        "support", 0, expect="frozen", phase="submitted", run_id="run-1", attempts=attempts
    )


def test_a_failed_job_is_tried_again_under_a_name_of_its_own_and_not_for_ever(
    settings: Settings, state: State, cluster: Cluster
) -> None:
    submitted(state)
    cluster.submit("deskwheel-support-0", [])
    watcher = Watcher(with_attempts(settings, 3), state, owner="a", jobs=cluster)
    for _ in range(6):
        cluster.stands[cluster.submitted[-1]] = "failed"
        watcher.step(now())
    names = ["deskwheel-support-0", "deskwheel-support-0-attempt2", "deskwheel-support-0-attempt3"]
    assert cluster.submitted == names
    (window,) = state.windows("support")
    assert (window["phase"], window["attempts"]) == ("failed", 3)
    assert window["reason"] == f"job {names[-1]} failed without publishing a run"
    assert window["detail"] == {
        "effective": 4, "reason": window["reason"], "log": f"the end of {names[-1]}",
    }  # fmt: skip
    retried = [e["detail"]["attempt"] for e in state.timeline("support", kind="retried")]
    assert retried == [3, 2]


def test_a_window_that_a_former_release_submitted_counts_as_its_first_attempt(
    settings: Settings, state: State, cluster: Cluster
) -> None:
    submitted(state, attempts=0)
    cluster.stands["deskwheel-support-0"] = "failed"
    Watcher(with_attempts(settings, 1), state, owner="a", jobs=cluster).step(now())
    assert state.windows("support")[0]["phase"] == "failed"


def test_a_held_window_has_ended_and_its_examples_fire_nothing(
    settings: Settings, state: State, cluster: Cluster
) -> None:
    fill(settings)
    submitted(state)
    assert hold_window(state, "support", 0, reason="the loss is no number")
    Watcher(settings, state, owner="a", jobs=cluster).step(now() + LATER)
    assert cluster.submitted == []
    assert [w["phase"] for w in state.windows("support")] == ["held"]
    assert decide(settings, state, now=now() + LATER).effective == 0


@pytest.mark.parametrize("stands", ["missing", "failed", "succeeded"])
@pytest.mark.parametrize("attempts", [1, 3])
def test_a_watcher_that_was_paused_for_longer_than_its_lease_does_nothing_more(
    settings: Settings, state: State, cluster: Cluster, stands: JobStatus, attempts: int
) -> None:
    submitted(state)
    if stands != "missing":
        cluster.stands["deskwheel-support-0"] = stands
    zombie = Watcher(with_attempts(settings, attempts), state, owner="a", jobs=cluster)
    cluster.when_asked = lambda: (zombie.release(), state.acquire_lease(*LEASE, 60.0))
    assert not zombie.step(now())
    (window,) = state.windows("support")
    assert (window["phase"], window["attempts"]) == ("submitted", 1)
    assert cluster.submitted == []


def test_a_watcher_whose_lease_was_taken_while_it_counted_claims_nothing(
    settings: Settings, state: State
) -> None:
    fill(settings)

    def decide_slowly(*arguments: Any, **more: Any) -> TriggerDecision:
        zombie.release()
        state.acquire_lease(*LEASE, 60.0)
        return decide(*arguments, **more)

    zombie = Watcher(settings, state, owner="a", decide=decide_slowly)
    assert not zombie.step(now())
    assert state.windows("support") == []
