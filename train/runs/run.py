"""One run: a window's snapshot, or any other, to an adapter with a verdict, on Ray Train.

Reads the window and the champion; writes model checkpoints and the adapter under
`train.runs_dir`, and everything that `train.publishing` names. Without a window nothing is
published.
"""

import argparse
import importlib
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deskwheel.errors import StateError
from deskwheel.ids import digest, record_id
from deskwheel.progress import end_progress
from deskwheel.records import Evaluation
from deskwheel.settings import Settings
from deskwheel.state import State
from train.data.chat_file import snapshot_id_of
from train.ledger import find_window, hold_window
from train.runs.failures import final_reason
from train.runs.fit import Fit, Fitted, end_run, fit, last_line
from train.runs.telling import telling_progress
from train.tune.use import tuned_settings
from train.workers.cluster import connected


def run_window(settings: Settings, *, snapshot_id: str, from_version: int) -> bool:
    """Train, judge and publish for a submitted window; False when that was done before.

    A failure that every attempt would meet holds the window, with its reason; any other leaves
    it to the watcher, which tries again.

    Raises:
        FinalFailure: the window is held now.
        StateError: the window is not submitted, or belongs to another snapshot.
    """
    state = State(settings.pipeline.state_url)
    window = find_window(state, settings.pipeline.name, from_version)
    if window["phase"] == "trained":
        _publisher(settings, state).finish_run(window["run_id"])
        return False
    if window["phase"] != "submitted" or window["snapshot_id"] != snapshot_id:
        raise StateError(
            f"window {settings.pipeline.name}/{from_version} is {window['phase']} with snapshot"
            f" {window['snapshot_id']}, not submitted with {snapshot_id}; leave it to the watcher"
        )
    try:
        fitted = fit(settings, state, Fit(run_id=window["run_id"], snapshot_id=snapshot_id))
        return _publish(settings, state, fitted, from_version=from_version)
    except Exception as error:
        reason = final_reason(error)
        if reason is not None:
            _hold(settings, state, window, reason=reason)
        raise
    finally:
        state.close()


def run_alone(settings: Settings, what: Fit, *, is_registered: bool) -> tuple[Fitted, str | None]:
    """Train and judge without a window; what came out, and the model version if one was asked for.

    Run and evaluation are files beside the adapter, and a run of MLflow. No promoter sees them.

    Raises:
        FinalFailure: the training cannot end otherwise.
        ServiceError: MLflow does not answer; adapter and files are there, and the same call again
            does not train again.
    """
    state = State(settings.pipeline.state_url)
    try:
        fitted = fit(settings, state, what)
        logged = _keep_alone(settings, state, fitted, is_registered=is_registered)
    finally:
        state.close()
    return fitted, logged if is_registered else None


def _keep_alone(settings: Settings, state: State, fitted: Fitted, *, is_registered: bool) -> str:
    """Id of the MLflow run, or the model version; the files come first, whatever MLflow does."""
    run = fitted.run
    end_progress(state, run.run_id, phase="publishing", now=datetime.now(UTC))
    try:
        for name, record in (("run", run), ("evaluation", fitted.evaluation)):
            path = fitted.adapter_dir.parent / f"{name}.json"
            path.write_text(json.dumps(asdict(record), default=str, indent=1) + "\n", "utf-8")
        registry = importlib.import_module("train.registry")
        log = registry.register if is_registered else registry.log_run
        logged: str = log(
            settings, run, fitted.evaluation, fitted.adapter_dir, history=fitted.history
        )
    except Exception as error:
        end_run(state, run.run_id, "failed", last_line(error))
        raise
    end_run(state, run.run_id, "done")
    return logged


def main(settings: Settings, arguments: argparse.Namespace) -> int:
    """`python -m train run`: of a window with --from-version, alone without."""
    settings = tuned_settings(
        settings,
        snapshot_id=arguments.snapshot,
        data_file=None if arguments.data is None else Path(arguments.data),
        from_version=arguments.from_version,
    )
    what = None if arguments.from_version is not None else _alone(settings, arguments)
    if what is None:
        with connected(settings):
            is_published = run_window(
                settings, snapshot_id=arguments.snapshot, from_version=arguments.from_version
            )
        _say("published" if is_published else "published before")
        return 0
    url = settings.pipeline.state_url
    with connected(settings), telling_progress(url, what.run_id, tell=_say):
        found, version = run_alone(settings, what, is_registered=arguments.register)
    _tell(found, version, is_json=arguments.json)
    return 0


def _alone(settings: Settings, arguments: argparse.Namespace) -> Fit:
    """A run by itself; the same data, settings and code have the same id, so that it can go on."""
    data_file = None if arguments.data is None else Path(arguments.data)
    snapshot_id = arguments.snapshot if data_file is None else snapshot_id_of(data_file)
    how = json.dumps([asdict(settings.train), asdict(settings.gate)], sort_keys=True)
    run_id = record_id("run", settings.pipeline.name, "alone", snapshot_id, digest(how))
    return Fit(run_id=run_id, snapshot_id=snapshot_id, data_file=data_file)


def _publish(settings: Settings, state: State, fitted: Fitted, *, from_version: int) -> bool:
    run_id = fitted.run.run_id
    end_progress(state, run_id, phase="publishing", now=datetime.now(UTC))
    is_published: bool = _publisher(settings, state).publish_run(
        fitted.run,
        fitted.evaluation,
        from_version=from_version,
        adapter_dir=fitted.adapter_dir,
        history=fitted.history,
    )
    end_run(state, run_id, "done")
    return is_published


def _publisher(settings: Settings, state: State) -> Any:
    # Loads MLflow, which takes seconds in which nothing would be trained yet.
    return importlib.import_module("train.publishing.publish").RunPublisher(settings, state)


def _hold(settings: Settings, state: State, window: dict[str, Any], *, reason: str) -> None:
    hold_window(
        state,
        settings.pipeline.name,
        window["from_version"],
        reason=reason,
        attempt=window["attempts"],
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _tell(found: Fitted, version: str | None, *, is_json: bool) -> None:
    run, evaluation = found.run, found.evaluation
    if is_json:
        body = {"run": asdict(run), "evaluation": asdict(evaluation), "model_version": version}
        print(json.dumps(body, default=str))
        return
    loss = f"loss {run.first_loss:.3f} → {run.last_loss:.3f} in {run.steps} steps"
    registered = f", version {version}" if version else ""
    print(f"{run.run_id}  {loss}  {evaluation.verdict}{registered}")
    for line in (*evaluation.reasons, *_score_lines(evaluation)):
        print(f"  {line}")
    print(f"  adapter and card: {found.adapter_dir}")


def _score_lines(evaluation: Evaluation) -> list[str]:
    """A line a metric: what the base, the champion and the challenger got on the test split."""
    scores = evaluation.scores
    metrics = list(dict.fromkeys(name for found in scores.values() for name in found))
    return [
        f"{metric} on {evaluation.examples} test examples: "
        + ", ".join(
            f"{model} {found[metric]:.4g}" for model, found in scores.items() if metric in found
        )
        for metric in metrics
    ]
