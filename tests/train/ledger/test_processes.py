"""Two watcher processes and one state database: one claims, one submits, one dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from deskwheel import config, failpoint
from deskwheel.errors import StateError
from deskwheel.settings import Settings
from deskwheel.state import Row, State
from tests.train.rows import example, settings_in, write_examples

pytestmark = pytest.mark.faults

LEASE_S = 1.0
WAIT_S = 60.0
WATCHER = """
import argparse, sys
from pathlib import Path
from deskwheel import config
from train.watch import watch
sys.executable = sys.argv[2]
watch(config.load(Path(sys.argv[1])), argparse.Namespace(once=False))
"""
"""The verb `watch`, whose jobs are another program."""


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    plain = settings_in(tmp_path)
    trigger = replace(
        plain.trigger, min_fresh_examples=1, interval_s=0.2, lease_s=LEASE_S, max_attempts=1
    )
    pipeline = replace(plain.pipeline, state_url=database_url)
    return replace(plain, pipeline=pipeline, trigger=trigger)


@pytest.fixture
def state(settings: Settings) -> Iterator[State]:
    made = State(settings.pipeline.state_url)
    yield made
    made.close()


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A program that writes down each call, and goes on for as long as the test does."""
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\nexec sleep 20\n')
    program.chmod(0o755)
    return program


def started(
    settings: Settings, folder: Path, job: Path, *, dies: str = ""
) -> subprocess.Popen[bytes]:
    """A watcher whose jobs and logs are in a folder of its own, as on a machine of its own."""
    folder.mkdir(exist_ok=True)
    mine = replace(settings, train=replace(settings.train, runs_dir=str(folder / "runs")))
    (folder / "deskwheel.toml").write_text(config.dump(mine))
    command = [sys.executable, "-c", WATCHER, str(folder / "deskwheel.toml"), str(job)]
    with (folder / "log").open("wb") as log:
        environment = {**os.environ, failpoint.VARIABLE: dies}
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)


@contextmanager
def watchers(
    settings: Settings, folder: Path, job: Path
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Two watchers by the process id in their names."""
    both = [started(settings, folder / name, job) for name in "ab"]
    try:
        yield {str(process.pid): process for process in both}
    finally:
        for process in both:
            process.kill()
            process.wait()


def until(is_so: Callable[[], object], watching: dict[str, subprocess.Popen[bytes]]) -> None:
    ends = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < ends, "it took too long"
        assert any(process.poll() is None for process in watching.values()), "both have ended"
        time.sleep(0.05)


def window_of(state: State) -> Row | None:
    windows = state.windows("support")
    assert len(windows) <= 1
    return windows[0] if windows else None


def freeze(state: State) -> None:
    state.advance_window("support", 0, expect="claimed", phase="frozen", snapshot_id="snap-1")


def is_submitted(state: State) -> bool:
    return (window_of(state) or {}).get("phase") == "submitted"


def calls(folder: Path) -> list[str]:
    file = folder / "calls"
    return file.read_text().splitlines() if file.exists() else []


def end_jobs(folder: Path) -> None:
    """End what the watchers have left running; each leads a group of its own."""
    for file in folder.glob("*/runs/jobs/*.pid"):
        with suppress(ProcessLookupError, ValueError):
            os.killpg(int(file.read_text().split()[0]), signal.SIGKILL)


@pytest.fixture(autouse=True)
def _jobs_end(tmp_path: Path) -> Iterator[None]:
    yield
    end_jobs(tmp_path)


def test_one_of_two_watchers_claims_and_one_submits(
    settings: Settings, state: State, job: Path, tmp_path: Path
) -> None:
    write_examples(settings.pipeline.lake, [example(number) for number in range(4)])
    with watchers(settings, tmp_path, job) as both:
        until(lambda: window_of(state) is not None, both)
        freeze(state)
        until(lambda: is_submitted(state) and calls(tmp_path), both)
        time.sleep(2 * LEASE_S)
    assert len(calls(tmp_path)) == 1
    assert len(list(tmp_path.glob("*/runs/jobs/*.pid"))) == 1
    assert len(state.timeline("support", kind="trigger")) == 1


@pytest.mark.slow
def test_a_watcher_goes_on_with_the_window_of_one_that_was_killed(
    settings: Settings, state: State, job: Path, tmp_path: Path
) -> None:
    write_examples(settings.pipeline.lake, [example(number) for number in range(4)])
    with watchers(settings, tmp_path, job) as both:
        until(lambda: window_of(state) is not None, both)
        claimed = window_of(state)
        assert claimed is not None
        both[claimed["owner"].split("/")[1]].kill()
        freeze(state)
        until(lambda: is_submitted(state) and calls(tmp_path), both)
    submitted = window_of(state)
    assert submitted is not None
    tokens = [int(w["moved_by"].partition("#")[2]) for w in (claimed, submitted)]
    assert tokens[1] > tokens[0]
    assert len(calls(tmp_path)) == 1


@pytest.mark.slow
def test_a_watcher_that_was_stopped_for_longer_than_its_lease_finds_another_at_work(
    settings: Settings, state: State, job: Path, tmp_path: Path
) -> None:
    write_examples(settings.pipeline.lake, [example(number) for number in range(4)])
    with watchers(settings, tmp_path, job) as both:
        until(lambda: window_of(state) is not None, both)
        claimed = window_of(state)
        assert claimed is not None
        zombie = both[claimed["owner"].split("/")[1]]
        zombie.send_signal(signal.SIGSTOP)
        freeze(state)
        until(lambda: is_submitted(state) and calls(tmp_path), both)
        zombie.send_signal(signal.SIGCONT)
        time.sleep(LEASE_S)
        assert zombie.poll() is None
    assert len(calls(tmp_path)) == 1
    with pytest.raises(StateError):
        freeze(state)


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "point", [failpoint.AFTER_CLAIM, failpoint.BEFORE_SUBMIT, failpoint.AFTER_SUBMIT]
)
def test_wherever_a_watcher_dies_the_next_one_sees_that_one_job_is_submitted(
    settings: Settings, state: State, job: Path, tmp_path: Path, point: str
) -> None:
    write_examples(settings.pipeline.lake, [example(number) for number in range(4)])
    first = started(settings, tmp_path / "a", job, dies=point)
    until(lambda: window_of(state) is not None, {"first": first})
    freeze(state)
    assert first.wait(WAIT_S) == -signal.SIGKILL
    second = started(settings, tmp_path / "a", job)
    try:
        until(lambda: is_submitted(state) and calls(tmp_path), {"second": second})
        time.sleep(LEASE_S)
    finally:
        second.kill()
        second.wait()
    assert len(calls(tmp_path)) == 1
    window = window_of(state)
    assert window is not None
    assert window["attempts"] == 1
