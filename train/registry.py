"""Adapters as versions of a registered MLflow model, found again by the run they came from.

Reads and writes the MLflow server of `train.mlflow_uri`. An adapter's
folder (safetensors and its manifest) is the artifact. Nothing is pickled.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException

from deskwheel.errors import ServiceError
from deskwheel.records import Evaluation, Run
from deskwheel.settings import Settings

RUN_TAG = "deskwheel.run_id"
_ARTIFACT = "adapter"
_METRICS_AT_ONCE, _PARAMS_AT_ONCE = 1000, 100
"""What one call may carry.

Source: MLflow, REST API, "Log Batch", request limits.
"""


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

    Raises:
        ServiceError: the server does not answer, or refuses.
    """
    known = versions_of(settings, run.run_id)
    if known:
        return known[0]
    with _asking(settings) as client:
        return _new_version(client, settings, run, evaluation, adapter_dir, history=history)


def versions_of(settings: Settings, run_id: str) -> list[str]:
    """Every version that a run was registered as, oldest first."""
    with _asking(settings) as client:
        found = client.search_model_versions(f"name = '{settings.pipeline.name}'")
    return sorted((str(v.version) for v in found if v.tags.get(RUN_TAG) == run_id), key=int)


def drop_version(settings: Settings, version: str) -> None:
    """Remove a version with its aliases; one that is gone already stays so. Its artifact stays."""
    with _asking(settings) as client:
        try:
            client.delete_model_version(settings.pipeline.name, version)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise


def set_alias(settings: Settings, alias: str, version: str) -> None:
    """Let an alias point to a version, away from any other.

    For people who look at the registry; who answers customers is in the traffic split.
    """
    with _asking(settings) as client:
        client.set_registered_model_alias(settings.pipeline.name, alias, version)


@contextmanager
def _asking(settings: Settings) -> Iterator[MlflowClient]:
    try:
        yield _client(settings)
    except MlflowException as error:
        raise ServiceError(
            f"MLflow does not do what it is asked ({error}); is it up, and `train.mlflow_uri`"
            " its address?"
        ) from error


def _client(settings: Settings) -> MlflowClient:
    uri = settings.train.mlflow_uri
    if uri.startswith("sqlite:///"):
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def log_run(
    settings: Settings,
    run: Run,
    evaluation: Evaluation,
    adapter_dir: Path,
    *,
    history: Sequence[Mapping[str, float]] = (),
) -> str:
    """The id of a new MLflow run with a run's parameters, scores and adapter; no model version.

    Raises:
        ServiceError: the server does not answer, or refuses.
    """
    with _asking(settings) as client:
        return _logged(client, settings, run, evaluation, adapter_dir, history=history)[0]


def _new_version(
    client: MlflowClient,
    settings: Settings,
    run: Run,
    evaluation: Evaluation,
    adapter_dir: Path,
    *,
    history: Sequence[Mapping[str, float]],
) -> str:
    name = settings.pipeline.name
    _create_model(client, name)
    logged_id, source = _logged(client, settings, run, evaluation, adapter_dir, history=history)
    version = client.create_model_version(
        name,
        source=source,
        run_id=logged_id,
        tags={RUN_TAG: run.run_id, "base_model": run.base_model},
    )
    return str(version.version)


def _logged(
    client: MlflowClient,
    settings: Settings,
    run: Run,
    evaluation: Evaluation,
    adapter_dir: Path,
    *,
    history: Sequence[Mapping[str, float]],
) -> tuple[str, str]:
    """Id of the MLflow run, and address of the adapter in it."""
    logged = client.create_run(
        _experiment(client, settings), run_name=run.run_id, tags=_tags(run, evaluation)
    )
    logged_id = str(logged.info.run_id)
    params = [Param(key, str(value)[:500]) for key, value in run.settings.items()]
    for some in _batches(params, _PARAMS_AT_ONCE):
        client.log_batch(logged_id, params=some)
    for some in _batches(_metrics(evaluation, history), _METRICS_AT_ONCE):
        client.log_batch(logged_id, metrics=some)
    client.log_artifacts(logged_id, str(adapter_dir), _ARTIFACT)
    client.set_terminated(logged_id)
    return logged_id, f"{logged.info.artifact_uri}/{_ARTIFACT}"


def _create_model(client: MlflowClient, name: str) -> None:
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


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
    return final + steps


def _batches(found: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(found), most):
        yield found[start : start + most]
