"""A search as runs of MLflow: one for the search, and under it one a trial.

Writes the experiment PIPELINE-tune.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException

from deskwheel.errors import ServiceError
from deskwheel.settings import Settings
from train.tune.kept import Search, Trial, best_trial, to_plain, tuned_values
from train.tune.plot import losses_picture

_PARENT = "mlflow.parentRunId"
"""The tag by which MLflow shows a run under another one."""


def log_search(settings: Settings, search: Search) -> str:
    """The id of the MLflow run of a search, with a child a trial, picture and numbers.

    Raises:
        ServiceError: the server does not answer, or refuses.
    """
    with _asking(settings) as client:
        experiment = _experiment(client, settings)
        tags = {"search": search.key, "snapshot_id": search.snapshot_id}
        made = client.create_run(experiment, run_name=f"search-{search.key[:12]}", tags=tags)
        run_id = str(made.info.run_id)
        about = {
            "base_model": search.base_model,
            "method": search.method,
            "bucket": search.bucket,
            "examples": search.examples,
            "trials": len(search.trials),
        }
        best = best_trial(search)
        if best is not None:
            about |= {f"best.{key}": value for key, value in tuned_values(best).items()}
            assert best.best is not None
            client.log_metric(run_id, "dev_loss", best.best[1])
        client.log_batch(run_id, params=[Param(k, str(v)[:500]) for k, v in about.items()])
        with tempfile.TemporaryDirectory() as folder:
            plain = json.dumps(to_plain(search), indent=1)
            Path(folder, "search.json").write_text(plain + "\n", encoding="utf-8")
            Path(folder, "losses.svg").write_text(losses_picture(search), encoding="utf-8")
            client.log_artifacts(run_id, folder)
        for trial in search.trials.values():
            _log_trial(client, experiment, run_id, trial)
        client.set_terminated(run_id)
    return run_id


def _log_trial(client: MlflowClient, experiment: str, parent: str, trial: Trial) -> None:
    tags = {_PARENT: parent, "end": trial.end} | (
        {"problem": trial.problem[:500]} if trial.problem else {}
    )
    name = f"trial-{trial.proposal.number}"
    run_id = client.create_run(experiment, run_name=name, tags=tags).info.run_id
    at_ms = int(time.time() * 1000)
    metrics = [Metric("dev_loss", loss, at_ms, step) for step, loss in trial.points]
    metrics.append(Metric("seconds", trial.seconds, at_ms, 0))
    params = [Param(key, str(value)) for key, value in trial.recipe.items()]
    params.append(Param("epochs", str(trial.proposal.epochs)))
    client.log_batch(run_id, metrics=metrics, params=params)
    is_bad = trial.end in ("diverged", "failed")
    client.set_terminated(run_id, status="FAILED" if is_bad else "FINISHED")


@contextmanager
def _asking(settings: Settings) -> Iterator[MlflowClient]:
    uri = settings.train.mlflow_uri
    if uri.startswith("sqlite:///"):
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    try:
        yield MlflowClient(tracking_uri=uri, registry_uri=uri)
    except MlflowException as error:
        raise ServiceError(
            f"MLflow does not take the search ({error}); is it up, and `train.mlflow_uri` its"
            " address? The same command logs what is known"
        ) from error


def _experiment(client: MlflowClient, settings: Settings) -> str:
    name = f"{settings.pipeline.name}-tune"
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    is_server = settings.train.mlflow_uri.startswith(("http://", "https://"))
    artifacts = (Path(settings.train.runs_dir) / "tune" / "mlflow").resolve().as_uri()
    return str(client.create_experiment(name, None if is_server else artifacts))
