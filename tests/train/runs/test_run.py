import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from deskwheel import config
from deskwheel.progress import begin_progress, read_progress
from deskwheel.settings import GateSettings, Settings
from deskwheel.state import State
from tests.train.card.records import evaluation_of, run_in
from tests.train.rows import NOON, example, freeze, quick, settings_in, write_examples
from train.ledger import find_window
from train.model import attach, load_base, load_tokenizer
from train.runs import run
from train.runs.fit import Fitted
from train.watch import run_id_of

ROOT = Path(__file__).parents[3]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings and state of a pipeline whose first window is submitted."""
    settings = settings_in(tmp_path)
    paths = {"runs_dir": settings.train.runs_dir, "mlflow_uri": settings.train.mlflow_uri}
    settings = replace(
        settings,
        train=quick(steps=4, checkpoint_steps=2, workers=2, **paths),
        gate=GateSettings(min_test_conversations=3, max_examples=4, max_new_tokens=8),
    )
    examples = [example(i, split="test" if i % 4 == 0 else "train") for i in range(24)]
    version = write_examples(settings.pipeline.lake, examples)
    freeze(settings.pipeline.lake, examples, version=version)
    state = State(settings.pipeline.state_url)
    run_id = run_id_of("support", 0, "snap-1")
    state.claim_window("support", 0, to_version=version, owner="a", detail={})
    state.advance_window("support", 0, expect="claimed", phase="frozen", snapshot_id="snap-1")
    state.advance_window("support", 0, expect="frozen", phase="submitted", run_id=run_id)
    state.close()
    return settings


def command(settings: Settings, folder: Path) -> list[str]:
    """What the watcher's job executes."""
    path = folder / "deskwheel.toml"
    path.write_text(config.dump(settings))
    verb = [sys.executable, "-m", "train", "run", "--config", str(path)]
    return [*verb, "--snapshot", "snap-1", "--from-version", "0"]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def train(settings: Settings, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the job to its end."""
    return subprocess.run(
        command(settings, folder),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_workers_train_an_adapter_that_is_judged_and_published_once(
    settings: Settings, tmp_path: Path
) -> None:
    done = train(settings, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    state = State(settings.pipeline.state_url)
    window = find_window(state, "support", 0)
    assert window["phase"] == "trained"
    run = state.documents("run")[window["run_id"]]
    assert run["steps"] == 4
    (evaluation,) = state.documents("evaluation").values()
    assert set(evaluation["scores"]) == {"base", "champion", "challenger"}
    assert evaluation["examples"] == 4
    assert [p[0] for p in state.documents("loss_curve")[run["run_id"]]["points"]] == [1, 2, 4]
    adapter = Path(run["adapter_uri"].removeprefix("file://"))
    tokenizer = load_tokenizer(settings.train)
    attach(load_base(settings.train), adapter, name="x", tokenizer=tokenizer)
    facts = json.loads((adapter / "model_card.json").read_text())
    assert facts["evaluation"]["scores"] == evaluation["scores"]
    assert facts["environment"]["packages"]["peft"]
    assert facts["data"]["packed"]["train"]["examples"] == 18
    logged = list((adapter.parents[1] / "mlflow").glob("*/artifacts/adapter/README.md"))
    assert [path.read_text() for path in logged] == [(adapter / "README.md").read_text()]

    again = train(settings, tmp_path)
    assert again.returncode == 0, again.stderr[-3000:]
    assert "published before" in again.stderr
    assert len(state.timeline("support", kind="trained")) == 1


@pytest.mark.slow
def test_a_window_that_was_not_submitted_is_refused(settings: Settings, tmp_path: Path) -> None:
    state = State(settings.pipeline.state_url)
    state.advance_window("support", 0, expect="submitted", phase="failed")
    done = train(settings, tmp_path)
    assert done.returncode == 1
    assert "window support/0 is failed" in done.stderr


def chat_file(folder: Path) -> Path:
    said = [{"role": "user"}, {"role": "assistant", "content": "Switch it on and off."}]
    file = folder / "chats.jsonl"
    with file.open("w") as lines:
        for number in range(24):
            said[0]["content"] = f"How do I reset lamp {number}?"
            row = {"messages": said, "split": "test" if number % 4 == 0 else "train"}
            lines.write(json.dumps(row) + "\n")
    return file


def fitted_in(settings: Settings, state: State) -> Fitted:
    """A run by itself that has only its registration before it."""
    run = run_in(Path(settings.train.runs_dir).parent)
    begin_progress(state, run.run_id, pipeline="support", snapshot_id="snap-1", now=NOON)
    adapter_dir = Path(settings.train.runs_dir) / run.run_id / "adapter"
    adapter_dir.mkdir(parents=True)
    return Fitted(run=run, evaluation=evaluation_of(run), adapter_dir=adapter_dir, history=[])


def test_a_run_alone_without_mlflow_has_failed_and_keeps_its_files(settings: Settings) -> None:
    state = State(settings.pipeline.state_url)
    fitted = fitted_in(settings, state)
    (Path(settings.train.runs_dir) / "file").touch()
    away = f"sqlite:///{settings.train.runs_dir}/file/mlflow.db"
    settings = replace(settings, train=replace(settings.train, mlflow_uri=away))
    with pytest.raises(OSError, match="file"):
        run._keep_alone(settings, state, fitted, is_registered=False)  # noqa: SLF001
    progress = read_progress(state, "run-1")
    assert progress is not None
    assert progress.phase == "failed"
    assert "file" in str(progress.reason)
    for name in ("run", "evaluation"):
        assert (fitted.adapter_dir.parent / f"{name}.json").is_file()


def test_a_person_is_told_the_verdict_its_reasons_and_all_scores(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted = fitted_in(settings, State(settings.pipeline.state_url))
    run._tell(fitted, "7", is_json=False)  # noqa: SLF001
    assert capsys.readouterr().out.splitlines() == [
        "run-1  loss 3.000 → 1.500 in 20 steps  HOLD, version 7",
        "  forgotten in category BILLING",
        "  rouge_l on 60 test examples: base 0.1, champion 0.4, challenger 0.5",
        "  nll on 60 test examples: base 1, champion 1, challenger 1",
        f"  adapter and card: {fitted.adapter_dir}",
    ]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("what", ["--data", "--snapshot"])
def test_chats_are_trained_on_alone_and_meet_nobody(
    settings: Settings, tmp_path: Path, what: str
) -> None:
    name = str(chat_file(tmp_path)) if what == "--data" else "snap-1"
    path = tmp_path / "deskwheel.toml"
    path.write_text(config.dump(settings))
    verb = [sys.executable, "-m", "train", "run", "--config", str(path), what, name]
    done = subprocess.run(
        [*verb, "--json"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["model_version"] is None
    assert found["run"]["steps"] == 4
    folder = Path(found["run"]["adapter_uri"].removeprefix("file://")).parent
    for name in ("run", "evaluation"):
        assert json.loads((folder / f"{name}.json").read_text()) == found[name]
    state = State(settings.pipeline.state_url)
    assert state.documents("run") == state.documents("evaluation") == {}
    assert find_window(state, "support", 0)["phase"] == "submitted"
    progress = read_progress(state, found["run"]["run_id"])
    assert progress is not None
    assert (progress.phase, progress.step) == ("done", 4)


def kill_worker_after_checkpoint(job: subprocess.Popen[str], run_dir: Path) -> bool:
    """Kill the training worker once a model checkpoint is stored; whether there was one to kill."""
    while job.poll() is None and not list(run_dir.glob("checkpoint_*/trainer_state.json")):
        time.sleep(0.05)
    for process in psutil.Process(job.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "RayTrainWorker" in " ".join(process.cmdline()):
                process.kill()
                return True
    return False


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(600)
def test_a_run_whose_worker_dies_goes_on_from_its_model_checkpoint(
    settings: Settings, tmp_path: Path
) -> None:
    longer = replace(settings.train, workers=1, steps=60, checkpoint_steps=10)
    verb = command(replace(settings, train=longer), tmp_path)
    run_id = run_id_of("support", 0, "snap-1")
    with subprocess.Popen(
        verb, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True
    ) as job:
        assert kill_worker_after_checkpoint(job, Path(longer.runs_dir) / run_id)
        _, errors = job.communicate()
    assert job.returncode == 0, errors[-3000:]
    state = State(settings.pipeline.state_url)
    assert state.documents("run")[run_id]["steps"] == 60
    steps = [p[0] for p in state.documents("loss_curve")[run_id]["points"]]
    assert steps == [1, 10, 20, 30, 40, 50, 60]
    assert len(state.timeline("support", kind="trained")) == 1
