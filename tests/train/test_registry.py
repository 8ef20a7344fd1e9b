import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from deskwheel.settings import Settings
from tests.train.card.records import evaluation_of, run_in
from tests.train.rows import settings_in
from train.registry import log_run, register, versions_of

STEPS = 900


@pytest.fixture
def settings(tmp_path: Path, tracking_database: Path) -> Settings:
    shutil.copy(tracking_database, tmp_path / "mlflow.db")
    return settings_in(tmp_path)


@pytest.fixture
def adapter_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    return folder


def client_of(settings: Settings) -> Any:
    return MlflowClient(tracking_uri=settings.train.mlflow_uri)


def test_a_long_curve_is_kept_to_its_end(
    settings: Settings, tmp_path: Path, adapter_dir: Path
) -> None:
    run = run_in(tmp_path)
    history = [{"step": float(i), "loss": 9.0 / i, "lr": 0.1} for i in range(1, STEPS + 1)]
    history.append({"step": STEPS + 1.0, "preference_dev_accuracy_after": 0.75})
    id = log_run(settings, run, evaluation_of(run), adapter_dir, history=history)
    client = client_of(settings)
    found = client.get_run(id).data.metrics
    assert (found["loss"], found["preference_dev_accuracy_after"]) == (9.0 / STEPS, 0.75)
    assert found["challenger.rouge_l"] == 0.5
    steps = [m.step for m in client.get_metric_history(id, "loss")]
    assert sorted(steps) == list(range(1, STEPS + 1))


def test_more_settings_than_one_call_may_carry_are_kept(
    settings: Settings, tmp_path: Path, adapter_dir: Path
) -> None:
    many = {f"setting_{i:03}": str(i) for i in range(230)}
    run = replace(run_in(tmp_path), settings=many)
    id = log_run(settings, run, evaluation_of(run), adapter_dir)
    assert client_of(settings).get_run(id).data.params == many


def test_a_run_is_registered_once_whoever_asks(
    settings: Settings, tmp_path: Path, adapter_dir: Path
) -> None:
    run = run_in(tmp_path)
    first = register(settings, run, evaluation_of(run), adapter_dir)
    assert register(settings, run, evaluation_of(run), adapter_dir) == first
    assert versions_of(settings, run.run_id) == [first]
    assert versions_of(settings, "run-2") == []
