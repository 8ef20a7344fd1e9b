import os
import subprocess
import sys
from pathlib import Path

import pytest

from deskwheel.engines import engine_environment, ray_token_environment
from deskwheel.settings import Settings
from train.start import prepare


def test_help_answers_without_loading_an_engine() -> None:
    code = (
        "import sys; sys.argv = ['train', '--help']\n"
        "import train.__main__ as m\n"
        "try: m.main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'ray', 'mlflow', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
    assert "build-base" in done.stdout


def test_a_wrong_setting_is_a_usage_error() -> None:
    command = [sys.executable, "-m", "train", "trigger", "--set", "train.lr=2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "train.lr must be" in done.stderr


def test_telemetry_is_off_and_a_hub_is_asked_only_for_a_hub_model() -> None:
    offline = engine_environment()
    assert offline["RAY_USAGE_STATS_ENABLED"] == "0"
    assert offline["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert offline["HF_HUB_OFFLINE"] == "1"
    assert "HF_HUB_OFFLINE" not in engine_environment(is_offline=False)


def test_the_ray_token_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    first = ray_token_environment(tmp_path / "secrets")
    path = Path(first["RAY_AUTH_TOKEN_PATH"])
    token = path.read_text()
    assert len(token) == 64
    assert path.stat().st_mode & 0o077 == 0
    assert ray_token_environment(tmp_path / "secrets") == first
    assert path.read_text() == token


def test_what_the_caller_has_set_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [*engine_environment(), "RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    monkeypatch.chdir(tmp_path)
    prepare(Settings())
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    assert os.environ["RAY_AUTH_MODE"] == "token"
    for name in [*engine_environment(), "RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH"]:
        monkeypatch.delenv(name, raising=False)
