"""What a comparison leaves behind: files, a state document, and a run of MLflow.

Writes `train.runs_dir`/bases/ID, the state document `bases`, and the experiment PIPELINE-bases.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from mlflow import MlflowClient

from deskwheel.settings import Settings
from deskwheel.state import State
from train.bases.comparison import Comparison, dump, to_plain_comparison
from train.bases.plot import curves_picture


def keep_evidence(settings: Settings, comparison: Comparison) -> Path:
    """The folder of a comparison's files, after everything was written. May be repeated."""
    folder = Path(settings.train.runs_dir).resolve() / "bases" / comparison.id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "comparison.json").write_text(dump(comparison) + "\n", encoding="utf-8")
    (folder / "curves.svg").write_text(curves_picture(comparison), encoding="utf-8")
    state = State(settings.pipeline.state_url)
    state.put("bases", comparison.id, {**to_plain_comparison(comparison), "folder": str(folder)})
    state.close()
    _log(settings, comparison, folder)
    return folder


def _log(settings: Settings, comparison: Comparison, folder: Path) -> None:
    """One run of MLflow a comparison; numbers as metrics `CANDIDATE/METRIC`."""
    uri = settings.train.mlflow_uri
    if uri.startswith("sqlite:///"):
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    name = f"{settings.pipeline.name}-bases"
    known = client.get_experiment_by_name(name)
    is_server = uri.startswith(("http://", "https://"))
    artifacts = None if is_server else (folder.parent / "mlflow").as_uri()
    experiment = known.experiment_id if known else client.create_experiment(name, artifacts)
    recommended = comparison.recommendation.name or ""
    tags = {"comparison": comparison.id, "recommended": recommended, "basis": comparison.basis}
    run_id = client.create_run(experiment, run_name=comparison.id, tags=tags).info.run_id
    for metric, value in _metrics(comparison):
        client.log_metric(run_id, metric, value)
    client.log_artifacts(run_id, str(folder))
    client.set_terminated(run_id)


def _metrics(comparison: Comparison) -> Iterator[tuple[str, float]]:
    for entry in comparison.entries:
        name = _metric_name(entry.row.name)
        found = {
            "zero_shot_bits_per_byte": entry.zero_shot,
            "few_shot_bits_per_byte": entry.few_shot,
            "predicted_bits_per_byte": entry.prediction.loss if entry.prediction else None,
            "answer_s": entry.answer_s,
            **entry.row.parts.get("scores", {}),
        }
        yield from ((f"{name}/{key}", float(v)) for key, v in found.items() if v is not None)


def _metric_name(candidate: str) -> str:
    """The end of a candidate's name in letters that MLflow takes, told apart by a digest."""
    plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in candidate)[-60:].strip(".-")
    return f"{plain}-{hashlib.sha256(candidate.encode()).hexdigest()[:6]}"
