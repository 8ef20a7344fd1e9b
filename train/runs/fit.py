"""A snapshot to an adapter on Ray Train: bounded attempts, and what comes out.

Reads the state document `progress`; writes it, model checkpoints and the adapter's folder.
"""

import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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
from deskwheel.progress import Progress, RunPhase, begin_progress, end_progress
from deskwheel.records import Evaluation, Run
from deskwheel.settings import Settings
from deskwheel.state import State
from train.card.facts import card_facts
from train.card.page import write_card
from train.continual.start import Start, choose_start
from train.files import export_adapter
from train.finetune.storage import checkpoint_storage
from train.judging.champion import champion_folder
from train.judging.forgetting import hold_losses, measure_shifts
from train.judging.gate import judge
from train.judging.scores import from_plain
from train.runs.failures import FinalFailure, final_reason
from train.workers.entry import work
from train.workers.job import job_config, pack_data
from train.workers.places import Wish, telling_waits
from train.workers.progress import ProgressReports

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
        when = _Times(started_at=started_at, earlier_s=progress.spent_s)
        return _fitted(settings, what, result, when=when, start=start)
    except FinalFailure as error:
        end_run(state, what.run_id, "held", str(error))
        raise
    except Exception as error:
        end_run(state, what.run_id, "failed", last_line(error))
        raise


def end_run(state: State, run_id: str, phase: RunPhase, reason: str | None = None) -> None:
    """Say in the run's progress, as its driver, how it ended."""
    now = datetime.now(UTC)
    end_progress(state, run_id, phase=phase, now=now, reason=reason, is_driver=True)


def last_line(error: Exception) -> str:
    """What an error says, in one line: of the errors that a worker met, the last one's."""
    return f"{type(error).__name__}: {error}".strip().splitlines()[-1]


@dataclass(frozen=True, kw_only=True)
class _Times:
    """When this driver began, and how long those took that were broken off before it."""

    started_at: datetime
    earlier_s: float


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
            trainer = _trainer(settings, what, {**config, "packed": packed}, reports)
            with telling_waits(settings.pipeline.state_url, what.run_id, _wish(settings)):
                return trainer.fit()
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
    train, least = settings.train, _wish(settings).workers
    storage = checkpoint_storage(train)
    if storage.filesystem is None:
        Path(storage.path).mkdir(parents=True, exist_ok=True)
    return TorchTrainer(
        work,
        train_loop_config=config,
        scaling_config=ScalingConfig(
            num_workers=train.workers if least == train.workers else (least, train.workers),
            use_gpu=train.use_gpu,
            resources_per_worker=dict(_wish(settings).resources),
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


def _wish(settings: Settings) -> Wish:
    """What the run needs at least to begin."""
    train, jobs = settings.train, settings.jobs
    resources = {"CPU": jobs.cpus_per_worker}
    if train.use_gpu:
        resources["GPU"] = jobs.gpus_per_worker
    return Wish(workers=min(train.min_workers or train.workers, train.workers), resources=resources)


def _fitted(settings: Settings, what: Fit, result: Result, *, when: _Times, start: Start) -> Fitted:
    returned = result.return_value
    answer = returned[0] if isinstance(returned, list) else returned
    adapter_dir = Path(settings.train.runs_dir).resolve() / what.run_id / "adapter"
    with result.checkpoint.as_directory() as folder:
        export_adapter(Path(folder), adapter_dir)
    run = _run_record(settings, what, answer, adapter_dir=adapter_dir, when=when, start=start)
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
    when: _Times,
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
        | {"precision": answer["precision"], "compile": answer["compiled"]}
        | {"preference_outcome": answer["preference"]["told"]}
        | {"start": start.policy, "start_reason": start.reason, "start_run": start.from_run or ""},
        started_at=when.started_at,
        finished_at=datetime.now(UTC),
        code_version=deskwheel.__version__,
        earlier_s=when.earlier_s,
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
