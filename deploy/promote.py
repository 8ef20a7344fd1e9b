"""Acts on evaluations, each once: a promoted adapter is put to the test, the rest is noted.

Reads the documents `evaluation` and `run`; writes `variant`, `split`, `action` and the timeline.
Missing evidence never promotes. Imports neither Ray nor torch.
"""

import argparse
import importlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from deploy.roster import (
    adapter_folder,
    change_split,
    ensure_first_variant,
    read_split,
    set_role,
    variant_of_run,
    write_variant,
)
from deploy.split import SplitRow
from deskwheel.marks import Shift
from deskwheel.records import Evaluation, Run, Variant
from deskwheel.service import announce_ready, stop_event
from deskwheel.settings import Settings
from deskwheel.state import State

Outcome = Literal["promoted", "held", "rejected"]

Versions = Callable[[Settings, Run, Evaluation, Path], str]
"""Gives the registry's version of an adapter, registering it if it is not yet there."""


@dataclass(frozen=True, kw_only=True)
class Action:
    """What was done about one evaluation: the state document `action`."""

    evaluation_id: str
    outcome: Outcome
    reason: str
    variant: str | None
    is_final: bool
    """False while it waits for something outside the evaluation and is looked at again."""


def watch(settings: Settings, arguments: argparse.Namespace) -> int:
    """Exit status 0 after one pass (`--once`) or after a stop signal.

    It may be killed at any moment: a pass repeats what the last one did not finish.
    """
    stop = stop_event()
    state = State(settings.pipeline.state_url)
    try:
        ensure_first_variant(state, settings, datetime.now(UTC))
        announce_ready(pipeline=settings.pipeline.name)
        while True:
            for action in act_on_evaluations(
                state, settings, versions=registry_version, now=datetime.now(UTC)
            ):
                print(_line(action, as_json=arguments.json), flush=True)
            if arguments.once or stop.wait(settings.ab.interval_s):
                return 0
    finally:
        state.close()


def act_on_evaluations(
    state: State, settings: Settings, *, versions: Versions, now: datetime
) -> list[Action]:
    """What changed in this pass, oldest evaluation first; a second pass gives nothing.

    When several promoted evaluations wait, the newest is tested and the others are held for
    good, because their scores are older than those of the newest.
    """
    pending = [_judge(p, settings) for p in _pending(state, settings)]
    promotable = [p.id for p in pending if p.action is None]
    changed = []
    for item in pending:
        if item.action is not None:
            action = item.action
        elif item.id != promotable[-1]:
            action = _held(item.id, f"superseded by evaluation {promotable[-1]}", is_final=True)
        else:
            evaluation = read_evaluation(item.body)
            action = _promote(state, settings, evaluation, versions=versions, now=now)
        if item.before is None or asdict(action) != item.before:
            _remember(state, settings.pipeline.name, action, item.body)
            changed.append(action)
    return changed


def registry_version(settings: Settings, run: Run, evaluation: Evaluation, directory: Path) -> str:
    """The version of the run's adapter in the model registry, registered now if it is new."""
    # Not at the top of the file: MLflow takes seconds to import and most passes do not need it.
    registry = importlib.import_module("train.registry")
    return str(registry.register(settings, run, evaluation, directory))


@dataclass(frozen=True, kw_only=True)
class _Pending:
    """An evaluation that is not finally acted upon."""

    id: str
    body: Mapping[str, Any]
    before: Mapping[str, Any] | None
    """The action so far."""
    action: Action | None = None
    """What follows from the evaluation alone; None when it may be promoted."""


def _pending(state: State, settings: Settings) -> list[_Pending]:
    """Evaluations of this pipeline that are not finally acted upon, by date."""
    actions = state.documents("action")
    others = {
        id
        for id, run in state.documents("run").items()
        if run.get("pipeline") != settings.pipeline.name
    }
    found = [
        _Pending(id=id, body=body, before=actions.get(id))
        for id, body in state.documents("evaluation").items()
        if body.get("run_id") not in others and not actions.get(id, {}).get("is_final")
    ]
    return sorted(found, key=lambda item: (str(item.body.get("evaluated_at")), item.id))


def _judge(item: _Pending, settings: Settings) -> _Pending:
    """The evaluation with the action that follows from it alone, if one does."""
    try:
        evaluation = read_evaluation(item.body)
    except (KeyError, TypeError, ValueError) as error:
        problem = f"the evaluation cannot be read: {error!r}"
        return replace(item, action=_held(item.id, problem, is_final=True))
    if evaluation.verdict == "PROMOTE":
        missing = missing_evidence(evaluation, settings.gate.primary)
        return replace(item, action=_held(item.id, missing, is_final=True) if missing else None)
    action = Action(
        evaluation_id=item.id,
        outcome="rejected" if evaluation.verdict == "REJECT" else "held",
        reason="; ".join(evaluation.reasons) or f"verdict {evaluation.verdict}",
        variant=None,
        is_final=True,
    )
    return replace(item, action=action)


def _promote(
    state: State, settings: Settings, evaluation: Evaluation, *, versions: Versions, now: datetime
) -> Action:
    """Put the run's adapter to the test, or hold it with the reason why that cannot be."""
    id, pipeline = evaluation.evaluation_id, settings.pipeline.name
    known = variant_of_run(state, evaluation.run_id)
    if known is not None and known.role == "retired":
        return _held(id, f"{known.name} was rolled back before", is_final=True)
    under_test = read_split(state, pipeline).challenger
    if under_test is not None and (known is None or known.name != under_test):
        return _held(id, f"challenger {under_test} still under test")
    described = known or _describe(state, settings, evaluation, versions=versions, now=now)
    if isinstance(described, Action):
        return described
    name = described.name
    change_split(state, pipeline, lambda now: _with_challenger(now, name, settings))
    split = read_split(state, pipeline)
    if split.challenger != name:
        return _held(id, f"challenger {split.challenger} still under test")
    set_role(state, split.champion, "champion", 1.0 - split.share)
    return Action(
        evaluation_id=id,
        outcome="promoted",
        reason="; ".join(evaluation.reasons) or "verdict PROMOTE",
        variant=name,
        is_final=True,
    )


def _describe(
    state: State, settings: Settings, evaluation: Evaluation, *, versions: Versions, now: datetime
) -> Variant | Action:
    """The stored variant of the evaluation's adapter, or why it cannot be made."""
    id = evaluation.evaluation_id
    found = state.get("run", evaluation.run_id)
    if found is None:
        return _held(id, f"run {evaluation.run_id} is not in the state database")
    try:
        run = read_run(found[0])
        directory = adapter_folder(run.adapter_uri)
    except (KeyError, TypeError, ValueError) as error:
        return _held(id, f"run {evaluation.run_id} cannot be read: {error!r}")
    if not directory.is_dir():
        return _held(id, f"the adapter's folder {directory} is missing")
    try:
        version = versions(settings, run, evaluation, directory)
    except Exception as error:  # whatever a registry raises: it is not there, so wait for it
        return _held(id, f"the model registry failed: {type(error).__name__}: {error}")
    variant = _variant(settings, f"{settings.pipeline.name}-v{version}", run, now)
    write_variant(state, variant)
    return variant


def _with_challenger(split: SplitRow, name: str, settings: Settings) -> SplitRow | None:
    if split.challenger is not None:
        return None
    # A salt of its own, so that it is not the same few customers who try every challenger.
    salt = f"{settings.ab.salt}/{name}"
    return split.with_challenger(name, settings.ab.initial_share, salt=salt)


def _variant(settings: Settings, name: str, run: Run, now: datetime) -> Variant:
    return Variant(
        name=name,
        pipeline=settings.pipeline.name,
        kind="adapter",
        base_model=run.base_model,
        adapter_uri=run.adapter_uri,
        run_id=run.run_id,
        role="challenger",
        share=settings.ab.initial_share,
        since=now,
    )


def missing_evidence(evaluation: Evaluation, primary: str) -> str | None:
    """What a promotion lacks, in words; None when the scores it rests on are all there."""
    if evaluation.examples < 1:
        return "the evaluation scored no examples"
    for model in ("champion", "challenger"):
        value = evaluation.scores.get(model, {}).get(primary)
        if value is None:
            return f"{primary} of the {model} is missing"
    for model, scores in evaluation.scores.items():
        for metric, value in scores.items():
            if not math.isfinite(value):
                return f"{metric} of the {model} is {value}"
    return None


def read_evaluation(body: Mapping[str, Any]) -> Evaluation:
    """The record of a stored evaluation.

    Raises:
        KeyError, TypeError, ValueError: a field is missing, unknown or of another type.
    """
    fields = dict(body)
    if fields["verdict"] not in ("PROMOTE", "HOLD", "REJECT"):
        raise ValueError(f"verdict {fields['verdict']!r}")
    scores = {
        str(model): {str(metric): float(value) for metric, value in values.items()}
        for model, values in dict(fields.pop("scores")).items()
    }
    reasons = [str(reason) for reason in fields.pop("reasons")]
    examples = int(fields.pop("examples"))
    evaluated_at = datetime.fromisoformat(str(fields.pop("evaluated_at")))
    shifts = [Shift(**shift) for shift in fields.pop("shifts", ())]
    return Evaluation(
        **fields,
        scores=scores,
        reasons=reasons,
        examples=examples,
        evaluated_at=evaluated_at,
        shifts=shifts,
    )


def read_run(body: Mapping[str, Any]) -> Run:
    """The record of a stored run.

    Raises:
        KeyError, TypeError, ValueError: a field is missing, unknown or of another type.
    """
    fields = dict(body)
    for name in ("started_at", "finished_at"):
        fields[name] = datetime.fromisoformat(str(fields[name]))
    return Run(**fields)


def _remember(state: State, pipeline: str, action: Action, body: Mapping[str, Any]) -> None:
    """Timeline first, then the document that ends the matter: a crash loses neither."""
    detail = {
        "evaluation_id": action.evaluation_id,
        "run_id": body.get("run_id"),
        "variant": action.variant,
        "reason": action.reason,
    }
    subject = action.variant or action.evaluation_id
    told = state.timeline(pipeline, kind=action.outcome)
    if not any(e["subject"] == subject and e["detail"] == detail for e in told):
        state.record(pipeline, action.outcome, subject, detail)
    state.put("action", action.evaluation_id, asdict(action))


def _held(id: str, reason: str, *, is_final: bool = False) -> Action:
    return Action(evaluation_id=id, outcome="held", reason=reason, variant=None, is_final=is_final)


def _line(action: Action, *, as_json: bool) -> str:
    if as_json:
        return json.dumps(asdict(action))
    subject = action.variant or action.evaluation_id
    return f"{action.outcome}: {subject}: {action.reason}"
