"""A snapshot to an adapter on Ray Train: the cluster, bounded attempts, and what comes out.

Reads the state document `progress`; writes it, model checkpoints and the adapter's folder.
"""

import logging
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ray
from ray.train import (
    CheckpointConfig,
    FailureConfig,
    Result,
    RunConfig,
    ScalingConfig,
    TrainingFailedError,
)
from ray.train.torch import TorchTrainer

import deskwheel
from deskwheel.errors import DeskwheelError
from deskwheel.ids import record_id
from deskwheel.progress import Progress, begin_progress, end_progress
from deskwheel.records import Evaluation, Run
from deskwheel.settings import Settings
from deskwheel.state import State
from train.card.facts import card_facts
from train.card.page import write_card
from train.champion import champion_folder
from train.continual.start import Start, choose_start
from train.failures import FinalFailure, final_reason
from train.files import export_adapter
from train.finetune.storage import checkpoint_storage
from train.forgetting import hold_losses, measure_shifts
from train.gate import judge
from train.job import job_config, pack_data, work
from train.progress import ProgressReports
from train.scores import from_plain

_OBJECT_STORE_BYTES = 200 * 2**20
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What a run is about."""

    run_id: str
    snapshot_id: str
    data_file: Path | None = None
    """Chats to train on in place of the snapshot."""


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What came out of a run."""

    run: Run
    evaluation: Evaluation
    adapter_dir: Path
    history: list[dict[str, float]]


def connect(settings: Settings) -> None:
    """Join the cluster of the settings or of the job this is; else start a private one."""
    if settings.train.ray_address or "RAY_ADDRESS" in os.environ:
        ray.init(address=settings.train.ray_address or None, log_to_driver=False)
        return
    workers = settings.train.workers
    ray.init(
        address="local",
        num_cpus=max(1, int(workers * settings.jobs.cpus_per_worker)) + 1,
        include_dashboard=False,
        object_store_memory=_OBJECT_STORE_BYTES,
        log_to_driver=False,
        _node_ip_address="127.0.0.1",
    )


def fit(settings: Settings, state: State, what: Fit) -> Fitted:
    """Train and judge; a run that was broken off goes on at its last model checkpoint.

    Raises:
        FinalFailure: no further attempt would end otherwise.
        TrainingFailedError: workers died more often than `jobs.max_failures` allows.
    """
    started_at = datetime.now(UTC)
    progress = begin_progress(
        state,
        what.run_id,
        pipeline=settings.pipeline.name,
        snapshot_id=what.snapshot_id,
        now=started_at,
    )
    try:
        start = choose_start(
            settings,
            state,
            run_id=what.run_id,
            snapshot_id=what.snapshot_id,
            has_file=what.data_file is not None,
        )
        result = _train(settings, state, what, progress, start=start)
    except FinalFailure as error:
        _end(state, what, "held", str(error))
        raise
    except (DeskwheelError, TrainingFailedError) as error:
        _end(state, what, "failed", f"{type(error).__name__}: {error}".strip().splitlines()[-1])
        raise
    return _fitted(settings, what, result, started_at=started_at, start=start)


def _train(
    settings: Settings, state: State, what: Fit, progress: Progress, *, start: Start
) -> Result:
    config = job_config(
        settings,
        snapshot_id=what.snapshot_id,
        champion_dir=champion_folder(settings, state),
        data_file=what.data_file,
        start=start,
    )
    reports = ProgressReports(settings.pipeline.state_url, progress, steps=settings.train.steps)
    for failures in range(settings.jobs.max_failures + 1):
        try:
            packed = pack_data(config)
            return _trainer(settings, what, {**config, "packed": packed}, reports).fit()
        except (DeskwheelError, TrainingFailedError) as error:
            # Ray would start the workers again, whatever it is that they have met.
            reason = final_reason(error)
            if reason is not None:
                raise FinalFailure(reason) from error
            if failures == settings.jobs.max_failures:
                raise
            _LOG.warning("run %s goes on at its last model checkpoint: %s", what.run_id, error)
    raise AssertionError("unreachable")


def _trainer(
    settings: Settings, what: Fit, config: dict[str, Any], reports: ProgressReports
) -> TorchTrainer:
    """A trainer that finds the model checkpoints of one of the same name."""
    train, jobs = settings.train, settings.jobs
    resources = {"CPU": jobs.cpus_per_worker}
    if train.use_gpu:
        resources["GPU"] = jobs.gpus_per_worker
    least = min(train.min_workers or train.workers, train.workers)
    storage = checkpoint_storage(train)
    if storage.filesystem is None:
        Path(storage.path).mkdir(parents=True, exist_ok=True)
    return TorchTrainer(
        work,
        train_loop_config=config,
        scaling_config=ScalingConfig(
            num_workers=train.workers if least == train.workers else (least, train.workers),
            use_gpu=train.use_gpu,
            resources_per_worker=resources,
        ),
        run_config=RunConfig(
            name=what.run_id,
            storage_path=storage.path,
            storage_filesystem=storage.filesystem,
            failure_config=FailureConfig(max_failures=0),
            checkpoint_config=CheckpointConfig(num_to_keep=2),
            callbacks=[reports],
        ),
    )


def _fitted(
    settings: Settings, what: Fit, result: Result, *, started_at: datetime, start: Start
) -> Fitted:
    returned = result.return_value
    answer = returned[0] if isinstance(returned, list) else returned
    adapter_dir = Path(settings.train.runs_dir).resolve() / what.run_id / "adapter"
    with result.checkpoint.as_directory() as folder:
        export_adapter(Path(folder), adapter_dir)
    run = _run_record(
        settings, what, answer, adapter_dir=adapter_dir, started_at=started_at, start=start
    )
    evaluation = _evaluation_record(settings, run, answer, start=start)
    card = card_facts(settings, run, evaluation, history=answer["history"], told=answer)
    write_card(adapter_dir, card)
    return Fitted(
        run=run,
        evaluation=evaluation,
        adapter_dir=adapter_dir,
        history=[*answer["history"], *answer["preference"]["history"]],
    )


def _run_record(
    settings: Settings,
    what: Fit,
    answer: dict[str, Any],
    *,
    adapter_dir: Path,
    started_at: datetime,
    start: Start,
) -> Run:
    history = answer["history"]
    return Run(
        run_id=what.run_id,
        pipeline=settings.pipeline.name,
        snapshot_id=what.snapshot_id,
        content_digest=answer["content_digest"],
        base_model=settings.train.base_model,
        adapter_uri=adapter_dir.as_uri(),
        seed=settings.train.seed,
        steps=answer["steps"],
        first_loss=history[0]["loss"],
        last_loss=history[-1]["loss"],
        settings={key: str(value) for key, value in asdict(settings.train).items()}
        | {"precision": answer["precision"], "preference_outcome": answer["preference"]["told"]}
        | {"start": start.policy, "start_reason": start.reason, "start_run": start.from_run or ""},
        started_at=started_at,
        finished_at=datetime.now(UTC),
        code_version=deskwheel.__version__,
    )


def _evaluation_record(
    settings: Settings, run: Run, answer: dict[str, Any], *, start: Start
) -> Evaluation:
    scored = from_plain(answer["scored"])
    champion, challenger = scored["champion"].scores, scored["challenger"].scores
    verdict = judge(champion, challenger, settings=settings.gate)
    shifts = measure_shifts(champion, challenger)
    if start.policy == "warm":
        verdict = hold_losses(verdict, shifts)
    return Evaluation(
        evaluation_id=record_id("eval", run.run_id),
        run_id=run.run_id,
        snapshot_id=run.snapshot_id,
        examples=len(challenger),
        scores={name: dict(result.summary) for name, result in scored.items()},
        verdict=verdict.verdict,
        reasons=verdict.reasons,
        evaluated_at=datetime.now(UTC),
        shifts=shifts,
    )


def _end(state: State, what: Fit, phase: Any, reason: str) -> None:
    end_progress(state, what.run_id, phase=phase, now=datetime.now(UTC), reason=reason)
