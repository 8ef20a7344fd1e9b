"""What one Ray Train worker does: read the snapshot, train, and (rank 0) score the models.

Reads `snapshots` and `validated_examples`; reports metrics and model checkpoints to Ray Train.
Scores are made here, because a process of their own would load everything again.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray.train

from train.data import find_snapshot, load_training_set
from train.evaluate import evaluate_models
from train.job import job_settings
from train.loop import Metrics, train_adapter
from train.scores import to_plain


def work(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Train and evaluate; rank 0 returns scores, history and digest, the others None.

    Started again after a failure, it goes on from the newest model checkpoint.
    """
    settings = job_settings(config)
    snapshot = find_snapshot(settings.pipeline.lake, config["snapshot_id"])
    data = load_training_set(settings.pipeline.lake, snapshot)
    with tempfile.TemporaryDirectory() as folder, _newest_checkpoint() as resume_from:
        outcome = train_adapter(
            data.rows["train"],
            settings.train,
            directory=Path(folder),
            report=_report,
            resume_from=resume_from,
        )
    if ray.train.get_context().get_world_rank() != 0:
        return None
    champion = config["champion_dir"]
    scored = evaluate_models(
        outcome.model,
        outcome.tokenizer,
        data.rows["test"],
        settings=settings,
        champion_dir=None if champion is None else Path(champion),
    )
    return {
        "scored": to_plain(scored),
        "history": [dict(entry) for entry in outcome.history],
        "steps": outcome.steps,
        "content_digest": data.content_digest,
    }


@contextmanager
def _newest_checkpoint() -> Iterator[Path | None]:
    """A local folder with the newest model checkpoint of this run, or None at its first start."""
    checkpoint = ray.train.get_checkpoint()
    if checkpoint is None:
        yield None
        return
    with checkpoint.as_directory() as folder:
        yield Path(folder)


def _report(metrics: Metrics, folder: Path | None) -> None:
    checkpoint = None if folder is None else ray.train.Checkpoint.from_directory(str(folder))
    ray.train.report(dict(metrics), checkpoint=checkpoint)
