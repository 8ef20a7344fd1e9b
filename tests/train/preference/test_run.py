"""Preferences within a whole run on Ray Train: learnt, recorded, and begun again after a crash.

Each run is a process as a person starts it; one Ray for all of them.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from deskwheel import config, lake
from deskwheel.progress import all_progress
from deskwheel.records import Snapshot, ValidatedExample
from deskwheel.schema import to_table
from deskwheel.settings import GateSettings, Settings
from deskwheel.state import State
from deskwheel.tables import SNAPSHOTS
from tests.train.preference.rows import GOOD, edited, frozen
from tests.train.private_ray import private_ray
from tests.train.rows import example, quick, settings_in
from train.files import WEIGHTS
from train.preference.stage import RECORD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[3]
STEPS = 4
"""Of the fine-tune."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a Ray with room for two workers and the task that packs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        with private_ray(num_cpus=3, store_mib=200) as address:
            yield address


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A run of few steps, and preferences that must rank better to be taken, at any loss."""
    plain = settings_in(tmp_path)
    paths = {"runs_dir": plain.train.runs_dir, "mlflow_uri": plain.train.mlflow_uri}
    train = quick(
        steps=STEPS, checkpoint_steps=2, lr=1e-3, preference="auto", min_preferences=20,
        min_thumbs=20, preference_lr=1e-3, preference_batch=4, preference_epochs=4.0,
        preference_loss_margin=10.0, **paths,
    )  # fmt: skip
    gate = GateSettings(min_test_conversations=3, max_examples=4, max_new_tokens=8)
    return replace(plain, train=train, gate=gate)


def freeze(settings: Settings, other: Callable[[int], ValidatedExample]) -> None:
    """Store the snapshot `snap-2` of 24 ideal answers and 48 others."""
    ideal = [example(i, split=("test", "dev", "train", "train")[i % 4]) for i in range(24)]
    snapshot = frozen(settings.pipeline.lake, [*ideal, *map(other, range(100, 148))])
    snapshot = replace(snapshot, snapshot_id="snap-2")
    lake.append(settings.pipeline.lake, SNAPSHOTS, to_table([snapshot], Snapshot))


def draft(number: int) -> ValidatedExample:
    """A draft as the fine-tune teaches it, which an agent replaced by another way."""
    taught = taught_in(number)
    return edited(number, split=taught.split, response=GOOD, rejected_response=taught.response)


def judged(number: int) -> ValidatedExample:
    """The other way with a thumb up, or more often what the fine-tune teaches, found bad."""
    taught = taught_in(number)
    if number % 4 == 0:
        return replace(taught, response=GOOD, thumb="up")
    return replace(taught, kind="negative" if number % 4 == 1 else "ideal", thumb="down")


def taught_in(number: int) -> ValidatedExample:
    return example(number, split="dev" if number % 6 in (0, 1) else "train")


def job(settings: Settings, folder: Path, cluster: str) -> "subprocess.Popen[str]":
    """A run of a snapshot by itself, under way."""
    path = folder / "deskwheel.toml"
    path.write_text(config.dump(settings))
    verb = [sys.executable, "-m", "train", "run", "--config", str(path)]
    return subprocess.Popen(
        [*verb, "--snapshot", "snap-2", "--json"], cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "RAY_ADDRESS": cluster},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def told(running: "subprocess.Popen[str]") -> dict[str, Any]:
    """What a run says when it has ended well."""
    with running:
        output, errors = running.communicate()
    assert running.returncode == 0, errors[-3000:]
    run: dict[str, Any] = json.loads(output)["run"]
    return run


def stored(settings: Settings, name: str) -> list[Path]:
    """Files of a name in the model checkpoints of the runs, oldest first."""
    return sorted(Path(settings.train.runs_dir).glob(f"*/checkpoint_*/{name}"))


def check_learnt(settings: Settings, run: dict[str, Any], *, method: str, steps: int) -> None:
    """The run, its card and its last model checkpoint say what was learnt, and it is served."""
    outcome = run["settings"]["preference_outcome"]
    assert outcome.startswith(f"{method}: accuracy on dev "), outcome
    assert outcome.endswith("→ 1.000") or "→ 1.000, loss on dev" in outcome, outcome
    assert outcome.endswith("(taken)")
    adapter = Path(run["adapter_uri"].removeprefix("file://"))
    card = json.loads((adapter / "model_card.json").read_text())
    assert card["parameters"]["preference_outcome"] == outcome
    (record,) = stored(settings, RECORD)
    learnt = json.loads(record.read_text())
    assert (learnt["method"], learnt["is_taken"], learnt["steps"]) == (method, True, steps)
    assert learnt["after"]["margin"] > learnt["before"]["margin"]
    assert learnt["history"][0]["step"] == STEPS + 1
    best = record.parent / "best" / "adapter" / WEIGHTS
    assert (adapter / WEIGHTS).read_bytes() == best.read_bytes()
    assert best.read_bytes() != (record.parent / WEIGHTS).read_bytes()
    assert run["steps"] == STEPS


def test_two_workers_learn_edited_drafts_on_top_of_the_fine_tune(
    settings: Settings, tmp_path: Path, cluster: str
) -> None:
    freeze(settings, draft)
    settings = replace(settings, train=replace(settings.train, workers=2))
    run = told(job(settings, tmp_path, cluster))
    check_learnt(settings, run, method="dpo", steps=32)


def test_thumbs_are_learnt_where_no_draft_was_edited(
    settings: Settings, tmp_path: Path, cluster: str
) -> None:
    freeze(settings, judged)
    run = told(job(settings, tmp_path, cluster))
    check_learnt(settings, run, method="kto", steps=32)


def kill_worker_in_stage(running: "subprocess.Popen[str]", settings: Settings) -> bool:
    """Kill the worker at a step of the preferences; whether they were not learnt by then."""
    while running.poll() is None and not is_in_stage(settings):
        time.sleep(0.02)
    for process in workers():
        with contextlib.suppress(psutil.Error):
            process.kill()
            return not stored(settings, RECORD)
    return False


def workers() -> Sequence[psutil.Process]:
    """Training workers of this Ray."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "RayTrainWorker" in " ".join(process.cmdline()):
                found.append(process)
    return found


def is_in_stage(settings: Settings) -> bool:
    """Whether a step of the preferences is told."""
    state = State(settings.pipeline.state_url)
    try:
        return any(p.preference_step for p in all_progress(state, settings.pipeline.name))
    finally:
        state.close()


@pytest.mark.faults
def test_a_worker_that_dies_in_the_stage_learns_the_preferences_again(
    settings: Settings, tmp_path: Path, cluster: str
) -> None:
    freeze(settings, draft)
    running = job(settings, tmp_path, cluster)
    assert kill_worker_in_stage(running, settings)
    check_learnt(settings, told(running), method="dpo", steps=32)
