"""One run: a window's snapshot to an adapter with a verdict, on Ray Train.

Reads the window and the champion; writes model checkpoints and the adapter under
`train.runs_dir`, and everything `train.publish` names.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ray
from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer

import deskwheel
from deskwheel.errors import StateError
from deskwheel.ids import record_id
from deskwheel.records import Evaluation, Run
from deskwheel.settings import Settings
from deskwheel.state import State
from train.announce import finish
from train.files import export_adapter
from train.gate import judge
from train.job import LossCurve, job_config, work
from train.publish import find_window, publish
from train.registry import champion_folder
from train.scores import from_plain

_MAX_FAILURES = 2
_OBJECT_STORE_BYTES = 200 * 2**20


def run_window(settings: Settings, *, snapshot_id: str, from_version: int) -> bool:
    """Train, judge and publish for a submitted window; False when that was done before.

    Raises:
        StateError: the window is not submitted, or belongs to another snapshot.
    """
    state = State(settings.pipeline.state_url)
    window = find_window(state, settings.pipeline.name, from_version)
    if window["phase"] == "trained":
        finish(state, window["run_id"])
        return False
    if window["phase"] != "submitted" or window["snapshot_id"] != snapshot_id:
        raise StateError(
            f"window {settings.pipeline.name}/{from_version} is {window['phase']} with snapshot"
            f" {window['snapshot_id']}, not submitted with {snapshot_id}; leave it to the watcher"
        )
    started_at = datetime.now(UTC)
    run_id = window["run_id"]
    result, adapter_dir = _fit(settings, run_id, snapshot_id, champion_folder(settings, state))
    run = _run_record(settings, window, result, adapter_dir=adapter_dir, started_at=started_at)
    evaluation = _evaluation_record(settings, run, result)
    is_published = publish(
        settings,
        state,
        run,
        evaluation,
        from_version=from_version,
        adapter_dir=adapter_dir,
        history=result["history"],
    )
    state.close()
    return is_published


def main(settings: Settings, arguments: argparse.Namespace) -> int:
    """`python -m train run --snapshot ID --from-version N`."""
    _connect(settings)
    try:
        is_published = run_window(
            settings, snapshot_id=arguments.snapshot, from_version=arguments.from_version
        )
    finally:
        ray.shutdown()
    print("published" if is_published else "published before", file=sys.stderr)
    return 0


def _connect(settings: Settings) -> None:
    """Join the cluster of the settings or of the job this is; else start a private one."""
    if settings.train.ray_address or "RAY_ADDRESS" in os.environ:
        ray.init(address=settings.train.ray_address or None, log_to_driver=False)
        return
    ray.init(
        address="local",
        num_cpus=settings.train.workers + 1,
        include_dashboard=False,
        object_store_memory=_OBJECT_STORE_BYTES,
        log_to_driver=False,
        _node_ip_address="127.0.0.1",
    )


def _fit(
    settings: Settings, run_id: str, snapshot_id: str, champion_dir: Path | None
) -> tuple[dict[str, Any], Path]:
    """What rank 0 returned, and the adapter's folder. Continues a run that was broken off."""
    train = settings.train
    runs_dir = Path(train.runs_dir).resolve()
    runs_dir.mkdir(parents=True, exist_ok=True)
    trainer = TorchTrainer(
        work,
        train_loop_config=job_config(settings, snapshot_id=snapshot_id, champion_dir=champion_dir),
        scaling_config=ScalingConfig(
            num_workers=train.workers, use_gpu=train.use_gpu, resources_per_worker={"CPU": 1}
        ),
        run_config=RunConfig(
            name=run_id,
            storage_path=str(runs_dir),
            failure_config=FailureConfig(max_failures=_MAX_FAILURES),
            checkpoint_config=CheckpointConfig(num_to_keep=2),
            callbacks=[LossCurve(settings.pipeline.state_url, run_id)],
        ),
    )
    result = trainer.fit()
    returned = result.return_value
    answer = returned[0] if isinstance(returned, list) else returned
    adapter_dir = runs_dir / run_id / "adapter"
    with result.checkpoint.as_directory() as folder:
        export_adapter(Path(folder), adapter_dir)
    return answer, adapter_dir


def _run_record(
    settings: Settings,
    window: Mapping[str, Any],
    result: Mapping[str, Any],
    *,
    adapter_dir: Path,
    started_at: datetime,
) -> Run:
    history = result["history"]
    return Run(
        run_id=window["run_id"],
        pipeline=settings.pipeline.name,
        snapshot_id=window["snapshot_id"],
        content_digest=result["content_digest"],
        base_model=settings.train.base_model,
        adapter_uri=adapter_dir.as_uri(),
        seed=settings.train.seed,
        steps=result["steps"],
        first_loss=history[0]["loss"],
        last_loss=history[-1]["loss"],
        settings={key: str(value) for key, value in asdict(settings.train).items()},
        started_at=started_at,
        finished_at=datetime.now(UTC),
        code_version=deskwheel.__version__,
    )


def _evaluation_record(settings: Settings, run: Run, result: Mapping[str, Any]) -> Evaluation:
    scored = from_plain(result["scored"])
    verdict = judge(scored["champion"].scores, scored["challenger"].scores, settings=settings.gate)
    return Evaluation(
        evaluation_id=record_id("eval", run.run_id),
        run_id=run.run_id,
        snapshot_id=run.snapshot_id,
        examples=len(scored["challenger"].scores),
        scores={name: dict(result.summary) for name, result in scored.items()},
        verdict=verdict.verdict,
        reasons=verdict.reasons,
        evaluated_at=datetime.now(UTC),
    )
