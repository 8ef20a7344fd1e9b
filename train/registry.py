"""Adapters as versions of a registered MLflow model, found again by the run they came from.

Reads the traffic split; reads and writes the MLflow server of `train.mlflow_uri`. An adapter's
folder (safetensors and its manifest) is the artifact. Nothing is pickled.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException

from deskwheel.records import Evaluation, Run
from deskwheel.settings import Settings
from deskwheel.state import State

RUN_TAG = "deskwheel.run_id"
_ARTIFACT = "adapter"


def register(
    settings: Settings,
    run: Run,
    evaluation: Evaluation,
    adapter_dir: Path,
    *,
    history: Sequence[Mapping[str, float]] = (),
) -> str:
    """The model version of a run's adapter; registered once, whoever asks how often.

    Args:
        settings: name of the model (the pipeline's) and address of the server.
        run: logged as parameters, its snapshot's digest as a tag.
        evaluation: logged as metrics, `MODEL.METRIC` each.
        adapter_dir: folder of the adapter; becomes the artifact.
        history: metrics a report, each with its `step`.
    """
    client = _client(settings)
    name = settings.pipeline.name
    known = _version_of(client, name, run.run_id)
    if known is not None:
        return known
    logged = client.create_run(
        _experiment(client, settings), run_name=run.run_id, tags=_tags(run, evaluation)
    )
    logged_id = logged.info.run_id
    params = [Param(key, str(value)[:500]) for key, value in run.settings.items()]
    client.log_batch(logged_id, metrics=_metrics(evaluation, history), params=params)
    client.log_artifacts(logged_id, str(adapter_dir), _ARTIFACT)
    client.set_terminated(logged_id)
    version = client.create_model_version(
        name,
        source=f"{logged.info.artifact_uri}/{_ARTIFACT}",
        run_id=logged_id,
        tags={RUN_TAG: run.run_id, "base_model": run.base_model},
    )
    return str(version.version)


def set_alias(settings: Settings, alias: str, version: str) -> None:
    """Let an alias point to a version, away from any other.

    For people who look at the registry; who answers customers is in the traffic split.
    """
    _client(settings).set_registered_model_alias(settings.pipeline.name, alias, version)


def champion_folder(settings: Settings, state: State) -> Path | None:
    """The adapter that answers customers now; None while that is the prompt-engineered bot.

    The traffic split decides; before there is one, nobody but the bot can answer.
    """
    split = state.get("split", settings.pipeline.name)
    if split is None:
        return None
    variant = state.get("variant", split[0]["champion"])
    uri = None if variant is None else variant[0]["adapter_uri"]
    return None if uri is None else Path(unquote(urlparse(uri).path))


def _client(settings: Settings) -> MlflowClient:
    uri = settings.train.mlflow_uri
    if uri.startswith("sqlite:///"):
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _version_of(client: MlflowClient, name: str, run_id: str) -> str | None:
    """The version that a run was registered as; creates the model itself when it is new."""
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    for version in client.search_model_versions(f"name = '{name}'"):
        if version.tags.get(RUN_TAG) == run_id:
            return str(version.version)
    return None


def _experiment(client: MlflowClient, settings: Settings) -> str:
    name = settings.pipeline.name
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    is_server = settings.train.mlflow_uri.startswith(("http://", "https://"))
    artifacts = (Path(settings.train.runs_dir) / "mlflow").resolve().as_uri()
    return str(client.create_experiment(name, None if is_server else artifacts))


def _tags(run: Run, evaluation: Evaluation) -> dict[str, str]:
    return {
        RUN_TAG: run.run_id,
        "snapshot_id": run.snapshot_id,
        "content_digest": run.content_digest,
        "base_model": run.base_model,
        "verdict": evaluation.verdict,
    }


def _metrics(evaluation: Evaluation, history: Sequence[Mapping[str, float]]) -> list[Any]:
    at_ms = int(time.time() * 1000)
    final = [
        Metric(f"{model}.{metric}", value, at_ms, 0)
        for model, scores in evaluation.scores.items()
        for metric, value in scores.items()
    ]
    steps = [
        Metric(name, value, at_ms, int(entry["step"]))
        for entry in history
        for name, value in entry.items()
        if name != "step"
    ]
    return (final + steps)[:1000]
