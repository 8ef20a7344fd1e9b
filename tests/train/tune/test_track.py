import shutil
from dataclasses import replace
from pathlib import Path

from mlflow import MlflowClient

from tests.train.rows import settings_in
from tests.train.tune.toys import search, trial
from train.tune.track import log_search


def test_a_search_is_a_run_with_one_under_it_a_trial(
    tmp_path: Path, tracking_database: Path
) -> None:
    shutil.copy(tracking_database, tmp_path / "mlflow.db")
    settings = settings_in(tmp_path)
    bad = replace(trial(2, end="diverged"), problem="loss is nan")
    run_id = log_search(settings, search(trial(1, 2.0, 1.5), bad))
    client = MlflowClient(settings.train.mlflow_uri)
    experiment = client.get_experiment_by_name("support-tune")
    assert experiment is not None
    runs = {r.info.run_name: r for r in client.search_runs([experiment.experiment_id])}
    parent = client.get_run(run_id)
    assert parent.data.metrics == {"dev_loss": 1.5}
    assert parent.data.params["best.lora_r"] == "8"
    assert {a.path for a in client.list_artifacts(run_id)} == {"losses.svg", "search.json"}
    first, second = runs["trial-1"], runs["trial-2"]
    assert {r.data.tags["mlflow.parentRunId"] for r in (first, second)} == {run_id}
    points = client.get_metric_history(first.info.run_id, "dev_loss")
    assert [(m.step, m.value) for m in points] == [(10, 2.0), (20, 1.5)]
    assert (first.info.status, second.info.status) == ("FINISHED", "FAILED")
    assert second.data.tags["problem"] == "loss is nan"
