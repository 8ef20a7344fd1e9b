"""A pipeline whose window is trained for real, and what may be left of it after a kill."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil

from deskwheel import config
from deskwheel.failpoint import VARIABLE
from deskwheel.records import ValidatedExample
from deskwheel.settings import GateSettings, JobSettings, Settings, TrainSettings, TriggerSettings
from deskwheel.state import END_PHASES, Row, State
from tests.train.rows import example, freeze, quick, settings_in, write_examples
from train import registry
from train.jobs import LocalJobs
from train.jobs.local import JOB_VARIABLE
from train.watch import Watcher

ROOT = Path(__file__).parents[2]
LIMIT_S = 800.0


@dataclass(frozen=True)
class Site:
    """One pipeline in a folder, with fresh examples that fire its trigger."""

    folder: Path
    settings: Settings

    @property
    def file(self) -> Path:
        return self.folder / "deskwheel.toml"

    @property
    def state(self) -> State:
        return State(self.settings.pipeline.state_url)

    def window(self) -> Row:
        (window,) = self.state.windows("support")
        return window

    def watch_once(self, *, failpoint: str = "") -> int:
        """Let a watcher of its own process take one step, and end at a failpoint if it is there."""
        verb = [sys.executable, "-m", "train", "watch", "--once", "--config", str(self.file)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), VARIABLE: failpoint}
        done = subprocess.run(
            verb, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        return done.returncode

    def step(self) -> None:
        """Let a watcher in this process take one step, as the next one would after a crash."""
        state = self.state
        watcher = Watcher(self.settings, state, owner="survivor")
        watcher.step(datetime.now(UTC))
        watcher.release()
        state.close()

    def freeze(self) -> None:
        """Do what validate does with a claimed window."""
        window = self.window()
        self.state.advance_window(
            "support", window["from_version"], expect="claimed", phase="frozen",
            snapshot_id="snap-1",
        )  # fmt: skip

    def settle(self) -> Row:
        """Step until the window has ended; a lease of a killed process runs out meanwhile."""
        until = time.monotonic() + LIMIT_S
        while (window := self.window())["phase"] not in END_PHASES:
            assert time.monotonic() < until, f"not ended after {LIMIT_S} s: {window}"
            self.step()
            time.sleep(0.5)
        # The job that moved the window has its cluster to end yet.
        while self.processes():
            assert time.monotonic() < until, self.processes()
            time.sleep(0.5)
            self.step()
        self.step()  # What a killed job has not announced, the next look does.
        return self.window()

    def processes(self) -> list[psutil.Process]:
        """What runs for a job of this pipeline."""
        found = []
        for process in psutil.process_iter():
            try:
                mark = process.environ().get(JOB_VARIABLE, "")
            except (psutil.Error, OSError):
                continue
            if mark.startswith(str(self.folder)):
                found.append(process)
        return found

    def kill(self, is_meant: Callable[[psutil.Process], bool]) -> None:
        """Kill the first process of a job that is meant, as soon as there is one."""
        until = time.monotonic() + LIMIT_S
        while time.monotonic() < until:
            for process in self.processes():
                try:
                    if is_meant(process):
                        process.kill()
                        return
                except psutil.Error:
                    continue
            time.sleep(0.1)
        raise AssertionError("nothing to kill")

    def checkpoints(self) -> list[Path]:
        """The stored model checkpoints, oldest first."""
        found = Path(self.settings.train.runs_dir).glob("*/checkpoint_*")
        return sorted(path for path in found if path.is_dir())

    def wait_for_checkpoint(self, *, count: int = 1) -> None:
        """Return when so many model checkpoints are stored."""
        until = time.monotonic() + LIMIT_S
        while len(self.checkpoints()) < count:
            assert time.monotonic() < until, f"not {count} model checkpoints: {self.log()}"
            self.step()  # An attempt that a busy machine has ended is followed by the next.
            time.sleep(0.05)

    def log(self) -> str:
        """The end of what the window's last job has said."""
        return self.jobs().log_tail(_name(self.window()), lines=200)

    def jobs(self) -> LocalJobs:
        return LocalJobs(Path(self.settings.train.runs_dir) / "jobs")


def fresh_examples() -> list[ValidatedExample]:
    """24 examples, each fourth of test."""
    return [example(i, split="test" if i % 4 == 0 else "train") for i in range(24)]


def make_site(
    folder: Path,
    *,
    train: TrainSettings | None = None,
    examples: Sequence[ValidatedExample] | None = None,
) -> Site:
    """A pipeline with fresh examples, by default 24, of which its trigger needs 4."""
    plain = settings_in(folder)
    settings = replace(
        plain,
        trigger=TriggerSettings(
            min_fresh_examples=4, max_category_share=1.0, cool_down_s=0, lease_s=2
        ),
        train=replace(
            train or quick(steps=40, checkpoint_steps=10),
            runs_dir=plain.train.runs_dir,
            mlflow_uri=plain.train.mlflow_uri,
        ),
        gate=GateSettings(min_test_conversations=3, max_examples=4, max_new_tokens=8),
        jobs=JobSettings(target="local", nice=0),
    )
    examples = examples or fresh_examples()
    version = write_examples(settings.pipeline.lake, examples)
    freeze(settings.pipeline.lake, examples, version=version)
    site = Site(folder, settings)
    site.file.write_text(config.dump(settings), encoding="utf-8")
    return site


def expect_one_model(site: Site) -> None:
    """The window has led to one model version, and nothing of the way there is left."""
    window = site.window()
    assert window["phase"] == "trained", (window, site.log())
    assert registry.versions_of(site.settings, window["run_id"]) == [window["model_version"]]
    assert len(site.state.timeline("support", kind="trained")) == 1
    assert len(site.state.documents("evaluation")) == 1
    expect_nothing_left(site)


def expect_hold(site: Site, *, reason: str) -> None:
    """The window is held for a reason, without a model, and nothing of the way there is left."""
    window = site.window()
    assert window["phase"] == "held", (window, site.log())
    assert reason in window["reason"]
    assert registry.versions_of(site.settings, window["run_id"]) == []
    assert site.state.documents("evaluation") == {}
    expect_nothing_left(site)


def expect_nothing_left(site: Site) -> None:
    """No process of a job runs, and whoever asks gets each lease."""
    assert site.processes() == []
    state = site.state
    for name in ("train-watch/support", f"publish/{site.window()['run_id']}"):
        assert state.acquire_lease(name, "somebody", 1.0) is not None, name


def _name(window: Row) -> str:
    attempts = window["attempts"]
    plain = f"deskwheel-support-{window['from_version']}"
    return plain if attempts <= 1 else f"{plain}-attempt{attempts}"
