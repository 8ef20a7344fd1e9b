import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from deskwheel import config
from deskwheel.settings import Settings
from deskwheel.stage import run_stage
from deskwheel.state import State
from tests.train.rows import settings_in
from tests.train.tune.toys import search, trial
from train.__main__ import VERBS
from train.tune.kept import Search, write_search
from train.tune.wanted import wanted_search

ROOT = Path(__file__).parents[3]


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    file = tmp_path / "chats.jsonl"
    with file.open("w") as lines:
        for number in range(24):
            row = {
                "prompt": f"How do I reset lamp {number}?",
                "completion": "Switch it on and off.",
                "split": ("test", "dev", "train", "train")[number % 4],
            }
            lines.write(json.dumps(row) + "\n")
    return file


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


def keep(settings: Settings, chats: Path, *, trials: int = 8) -> Search:
    """Store a finished search under the key that the verb asks for."""
    wanted = wanted_search(settings, snapshot_id=None, data_file=chats, trials=trials)
    found = search(trial(1, 2.0, 1.5, lr=3e-3), *(trial(n, 3.0) for n in range(2, trials + 1)))
    found = replace(wanted.empty, trials=found.trials, is_done=True, mlflow_run="m1")
    state = State(settings.pipeline.state_url)
    write_search(state, found)
    state.close()
    return found


def file_of(settings: Settings, folder: Path) -> str:
    path = folder / "deskwheel.toml"
    path.write_text(config.dump(settings))
    return str(path)


def tune(settings: Settings, folder: Path, *extra: str) -> int:
    return run_stage("train", "", VERBS, ["tune", "--config", file_of(settings, folder), *extra])


def test_what_is_known_is_printed_without_ray(
    settings: Settings, chats: Path, tmp_path: Path
) -> None:
    found = keep(settings, chats)
    code = (
        "import sys\n"
        "from deskwheel.stage import run_stage\n"
        "from train.__main__ import VERBS\n"
        "status = run_stage('train', '', VERBS, ['tune', *sys.argv[1:]])\n"
        "print({'torch', 'mlflow', 'ray'} & set(sys.modules), file=sys.stderr)\n"
        "sys.exit(status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--config", file_of(settings, tmp_path), "--data", str(chats)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "set()" in done.stderr
    assert f"known from {found.snapshot_id}" in done.stderr
    assert "--set train.lr=0.003" in done.stdout
    assert "3.00e-03" in done.stdout


def test_json_and_picture_of_what_is_known(
    settings: Settings, chats: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(settings, chats)
    plot = tmp_path / "plots" / "losses.svg"
    assert tune(settings, tmp_path, "--data", str(chats), "--json", "--plot", str(plot)) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["best"] == {
        "number": 1, "lr": 3e-3, "lora_r": 8, "lora_alpha": 16, "steps": 40, "global_batch": 4,
    }  # fmt: skip
    assert len(found["trials"]) == 8
    assert plot.read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--snapshot", "a", "--data", "b"], "name what to search on"),
        ([], "name what to search on"),
        (["--data", "nowhere.jsonl", "--trials", "0"], "--trials must be above 0, got 0"),
        (["--data", "nowhere.jsonl"], "nowhere.jsonl"),
    ],
)
def test_a_call_that_cannot_be_answered_says_why(
    settings: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    extra: list[str],
    message: str,
) -> None:
    assert tune(settings, tmp_path, *extra) == 1
    assert message in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_search_trains_and_the_second_call_reads_it(
    settings: Settings, chats: Path, tmp_path: Path
) -> None:
    train = replace(settings.train, engine="fast", max_length=96, threads=1, precision="fp32")
    small = replace(settings.tune, max_steps=4, looks=2, max_batch=2, min_batch=1)
    path = file_of(replace(settings, train=train, tune=small), tmp_path)
    command = [
        sys.executable, "-m", "train", "tune", "--config", path, "--data", str(chats),
        "--trials", "2", "--json",
    ]  # fmt: skip
    first, second = (
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        for _ in range(2)
    )
    assert first.returncode == 0, first.stderr[-3000:]
    found = json.loads(first.stdout)
    assert {t["end"] for t in found["trials"]} <= {"finished", "stopped"}
    assert all(t["points"] for t in found["trials"])
    assert found["best"]["steps"] <= 4
    assert second.returncode == 0, second.stderr[-3000:]
    assert "known from" in second.stderr
    again = json.loads(second.stdout)
    assert again.pop("mlflow_run")
    assert again == {k: v for k, v in found.items() if k != "mlflow_run"}
