"""All that the page, the metrics and the API show, out of tables, state database and `stack.json`.

Reads every table through `deskwheel.console.counts` and writes nothing.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import deskwheel
from deskwheel import ids, lake, reasons
from deskwheel.console.annotated import annotation_counts
from deskwheel.console.counts import (
    arm_counts,
    conversation_counts,
    example_counts,
    intake_counts,
)
from deskwheel.progress import KIND as PROGRESS
from deskwheel.settings import Settings
from deskwheel.stack import addresses_of
from deskwheel.state import State
from deskwheel.supervise import read_stack
from deskwheel.tables import SNAPSHOTS

Facts = dict[str, Any]

_TIMELINE_LIMIT = 60
_TRIGGER_LIMIT = 12


def snapshot_of(
    settings: Settings, home: Path | None = None, *, now: datetime | None = None
) -> Facts:
    """The facts of one moment, as JSON can hold them.

    Tables are counted again only when they have a new version. The tables are read one after the
    other, so that figures of a running pipeline may differ by one micro-batch.

    Args:
        settings: where tables and state are.
        home: state folder with `stack.json`; the folder above the secrets if None.
        now: the moment to date the facts with.
    """
    lake_path = settings.pipeline.lake
    intake, mined = intake_counts(lake_path), example_counts(lake_path)
    conversations = conversation_counts(lake_path)
    facts: Facts = {
        "pipeline": settings.pipeline.name,
        "generated_at": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
        "code_version": deskwheel.__version__,
        "flow": _flow(lake_path, intake, mined, conversations),
        "topics": [{"topic": t, **verdicts} for t, verdicts in intake["topics"].items()],
        "channels": intake["channels"],
        "rejected": [
            {"reason": code, "count": count, "meaning": reasons.MEANING.get(code, "")}
            for code, count in intake["reasons"].items()
        ],
        "quarantined": [{"reason": r, "count": c} for r, c in mined["rules"].items()],
        "verdicts": mined["verdicts"],
        "splits": mined["splits"],
        "categories": mined["categories"],
        "resolutions": conversations["resolutions"],
        "annotation": annotation_counts(lake_path),
        **_state_facts(settings),
        **_stack_facts(home or Path(settings.pipeline.secrets_dir).parent),
    }
    facts["flow"]["runs"] = facts["runs"]
    return {key: _storable(value) for key, value in facts.items()}


def digest_of(facts: Mapping[str, Any]) -> str:
    """A short text that changes when anything but the date of the facts changes."""
    kept = {key: value for key, value in facts.items() if key != "generated_at"}
    return ids.digest(json.dumps(kept, sort_keys=True, default=str))[:16]


def _flow(lake_path: str, intake: Any, mined: Any, conversations: Any) -> dict[str, int]:
    verdicts = ("accepted", "rejected", "duplicate")
    intake_sums = {
        verdict: sum(topic.get(verdict, 0) for topic in intake["topics"].values())
        for verdict in verdicts
    }
    judged = mined["verdicts"]
    return {
        "events": sum(intake_sums.values()),
        **intake_sums,
        "turns": intake["turns"],
        "conversations": conversations["total"],
        "resolved": conversations["resolutions"].get("resolved", 0),
        "examples": mined["candidates"],
        "valid": judged.get("valid", 0),
        "quarantined": judged.get("quarantined", 0),
        "pending": max(0, mined["candidates"] - sum(judged.values())),
        "snapshots": lake.read(lake_path, SNAPSHOTS, columns=["snapshot_id"]).num_rows,
    }


def _state_facts(settings: Settings) -> Facts:
    name = settings.pipeline.name
    state = State(settings.pipeline.state_url)
    try:
        return {
            "pause": _pause(state, name),
            "triggers": state.timeline(name, kind="trigger", limit=_TRIGGER_LIMIT),
            "windows": state.windows(name),
            **_run_facts(state, name),
            "evaluation": _newest(state.documents("evaluation"), "evaluated_at"),
            **_traffic_facts(state, settings),
            "audit": _document(state, "audit", name),
            "timeline": state.timeline(name, limit=_TIMELINE_LIMIT),
        }
    finally:
        state.close()


def _pause(state: State, pipeline: str) -> Facts | None:
    """Who paused the trigger, when and why, while that holds; see `train.trigger.orders`."""
    found = _document(state, "trigger_pause", pipeline)
    return found if found and found["is_open"] else None


def _run_facts(state: State, pipeline: str) -> Facts:
    """The newest run with its loss curve; while one is under way, the curve is already its own."""
    runs = state.documents("run")
    run = _newest(runs, "finished_at")
    under_way = [w["run_id"] for w in state.windows(pipeline, phase="submitted") if w["run_id"]]
    run_id = under_way[-1] if under_way else (run or {}).get("run_id")
    curve = _document(state, "loss_curve", run_id) if run_id else None
    if curve is None and run is not None:
        run_id = run["run_id"]
        curve = _document(state, "loss_curve", run_id)
    return {
        "runs": len(runs),
        "run": run,
        "curve_run_id": run_id,
        "progress": _document(state, PROGRESS, run_id) if run_id else None,
        "loss_curve": (curve or {}).get("points") or (run or {}).get("loss_curve") or [],
    }


def _traffic_facts(state: State, settings: Settings) -> Facts:
    split = _document(state, "split", settings.pipeline.name)
    variants = state.documents("variant")
    counted = arm_counts(settings.pipeline.lake)
    names = list(dict.fromkeys([*_arms_of(split), *counted]))
    return {
        "split": split,
        "arms": [
            {"variant": name, **_role(name, split, variants), **counted.get(name, _NO_TRAFFIC)}
            for name in names
        ],
        "decision": _decision(state, settings.pipeline.name),
    }


def _decision(state: State, pipeline: str) -> Facts | None:
    """What `python -m deploy decide` found last: its document, else its entry on the timeline."""
    stored = _document(state, "decision", pipeline)
    told = state.timeline(pipeline, kind="decided", limit=1)
    if stored is None and told:
        return {"variant": told[0]["subject"], **told[0]["detail"]}
    return stored


_NO_TRAFFIC = {"assignments": 0, "outcomes": 0, "completed": 0, "ratings": 0, "mean_csat": None}


def _arms_of(split: Mapping[str, Any] | None) -> list[str]:
    if split is None:
        return []
    return [name for name in (split.get("champion"), split.get("challenger")) if name]


def _role(name: str, split: Mapping[str, Any] | None, variants: Mapping[str, Any]) -> Facts:
    """The split row decides who answers; the variant's own document only lags behind it."""
    share = float((split or {}).get("share") or 0.0)
    if split and name == split.get("champion"):
        return {"role": "champion", "share": 1.0 - share if split.get("challenger") else 1.0}
    if split and name == split.get("challenger"):
        return {"role": "challenger", "share": share}
    return {"role": variants.get(name, {}).get("role", "retired"), "share": 0.0}


def _stack_facts(home: Path) -> Facts:
    owner, statuses = read_stack(home)
    return {
        "is_supervised": owner is not None,
        "services": [asdict(status) for status in statuses],
        "addresses": addresses_of(statuses),
    }


def _storable(value: Any) -> Any:
    """The value without numbers that JSON does not know: a diverged loss becomes null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _storable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(part) for part in value]
    return value


def _document(state: State, kind: str, id: str) -> Facts | None:
    found = state.get(kind, id)
    return None if found is None else dict(found[0])


def _newest(documents: Mapping[str, Any], column: str) -> Facts | None:
    return max(documents.values(), key=lambda body: str(body.get(column, "")), default=None)
