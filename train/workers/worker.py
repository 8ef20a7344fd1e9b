"""What one Ray Train worker does: map the packed snapshot, train, and (rank 0) score the models.

Reads the packed snapshot, and on rank 0 `snapshots` and `validated_examples` (or a file of chats)
for the test split; reports metrics and model checkpoints to Ray Train. Scores are made here: a
process of their own would load everything again.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pyarrow.fs
import ray.train
import torch

from train.card.environment import describe_worker
from train.finetune.checkpoints import newest_whole, storing
from train.finetune.loop import Metrics, train_adapter
from train.finetune.packed import open_packed, read_index
from train.finetune.prepare import read_data
from train.finetune.served import check_served
from train.judging.evaluate import evaluate_models
from train.judging.scores import to_plain
from train.preference.answers import read_preferences
from train.preference.stage import learn_preferences
from train.workers.job import data_of, job_settings


def work(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Train and evaluate; rank 0 returns scores, history and digest, the others None.

    Started again after a failure, it goes on from the newest model checkpoint that is whole.
    """
    settings = job_settings(config)
    check_served(settings.train)
    is_first = ray.train.get_context().get_world_rank() == 0
    data = read_data(**data_of(config)) if is_first else None
    packed = Path(config["packed"])
    with tempfile.TemporaryDirectory() as folder, _newest_checkpoint() as resume_from:
        dev = open_packed(packed, "dev")
        outcome = train_adapter(
            open_packed(packed, "train"),
            settings.train,
            directory=Path(folder),
            report=_report,
            dev=dev,
            resume_from=resume_from,
            start_from=Path(config["warm"]["adapter_dir"]) if config["warm"] else None,
        )
        learnt = learn_preferences(
            outcome,
            read_preferences(settings, data),
            settings.train,
            dev=dev,
            directory=Path(folder),
            report=_report,
            resume_from=resume_from,
        )
    if data is None:
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
        "precision": outcome.precision,
        "compiled": outcome.compiled,
        "best_step": outcome.best_step,
        "dev_loss": outcome.dev_loss,
        "preference": learnt.to_plain(),
        "packed": read_index(packed)["about"],
        "environment": describe_worker(),
    }


@contextmanager
def _newest_checkpoint() -> Iterator[Path | None]:
    """A local folder with the newest whole model checkpoint of this run; None at its first start.

    All workers look at the same storage, so they go on from the same one.
    """
    checkpoint = ray.train.get_checkpoint()
    with ExitStack() as stack:
        paths = [] if checkpoint is None else _newest_first(checkpoint)
        stored = (ray.train.Checkpoint(path, checkpoint.filesystem) for path in paths)
        yield newest_whole(Path(stack.enter_context(s.as_directory())) for s in stored)


def _newest_first(checkpoint: Any) -> list[str]:
    """The paths of a model checkpoint and of those before it; Ray names them by their time."""
    parent, _, newest = str(checkpoint.path).rstrip("/").rpartition("/")
    found = checkpoint.filesystem.get_file_info(pyarrow.fs.FileSelector(parent))
    names = [
        info.base_name
        for info in found
        if info.type == pyarrow.fs.FileType.Directory and info.base_name.startswith("checkpoint_")
    ]
    return [f"{parent}/{name}" for name in sorted(names, reverse=True) if name <= newest]


def _report(metrics: Metrics, folder: Path | None) -> None:
    with storing("model checkpoint"):
        checkpoint = None if folder is None else ray.train.Checkpoint.from_directory(str(folder))
        ray.train.report({**metrics, **_memory()}, checkpoint=checkpoint)


def _memory() -> dict[str, float]:
    """Memory of this worker: resident on the machine, and the most so far on its GPU."""
    found = {"rss_bytes": float(psutil.Process().memory_info().rss)}
    if torch.cuda.is_available():
        found["gpu_bytes"] = float(torch.cuda.max_memory_allocated())
    return found
