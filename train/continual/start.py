"""Where a run starts: on the frozen base, or from the champion's adapter, and why.

Reads the traffic split, runs, adapters' folders and `snapshots`; writes the document `start` of
each run, so that one that was broken off goes on as it began. Loads no model library.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from deskwheel.settings import Settings, TrainSettings
from deskwheel.state import State
from train.continual.replay import replay_size
from train.data.members import read_members, train_ids
from train.files import MANIFEST
from train.judging.champion import champion_folder, champion_run


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where a run starts."""

    policy: Literal["retrain", "warm"]
    reason: str
    """Why, in a sentence."""
    adapter_dir: str | None = None
    """Whose weights a warm start goes on from."""
    from_run: str | None = None
    """The run that made them."""
    older_snapshot_id: str | None = None
    """What that run has learnt from."""


def choose_start(
    settings: Settings, state: State, *, run_id: str, snapshot_id: str, has_file: bool
) -> Start:
    """Where a run starts, the same each time it is asked for one run.

    Where a warm start is wanted and cannot be, the run starts on the base, and the reason says
    what was missing.

    Args:
        settings: policy, base and rank.
        state: knows the champion.
        run_id: the run.
        snapshot_id: what it learns from.
        has_file: it learns from a file of chats in place of a snapshot.
    """
    found = state.get("start", run_id)
    if found is not None:
        return Start(**found[0])
    start = _decide(settings, state, snapshot_id=snapshot_id, has_file=has_file)
    state.put("start", run_id, asdict(start))
    return start


def _decide(settings: Settings, state: State, *, snapshot_id: str, has_file: bool) -> Start:
    if settings.train.continual == "retrain":
        return Start(policy="retrain", reason="on the frozen base, as train.continual is retrain")
    if has_file:
        return _on_base("a file of chats does not say what is fresh")
    folder, run_id = champion_folder(settings, state), champion_run(settings, state)
    found = None if run_id is None else state.get("run", run_id)
    if folder is None:
        return _on_base("the champion is the prompt-engineered bot")
    if found is None:
        return _on_base("the champion's run is not recorded")
    run = found[0]
    refused = _unlike(settings.train, folder, run["settings"])
    if refused:
        return _on_base(refused)
    return _warm(settings, snapshot_id, folder=folder, run=run)


def _warm(settings: Settings, snapshot_id: str, *, folder: Path, run: Mapping[str, Any]) -> Start:
    lake_dir, older_id = settings.pipeline.lake, run["snapshot_id"]
    members, before = read_members(lake_dir, snapshot_id), read_members(lake_dir, older_id)
    if members is None or before is None:
        lacking = snapshot_id if members is None else older_id
        return _on_base(f"snapshot {lacking} is not in the table")
    wanted = train_ids(members)
    older = wanted & train_ids(before)
    fresh, share = len(wanted) - len(older), settings.train.replay_share
    size = replay_size(fresh, share)
    if fresh == 0:
        return _on_base(f"no example is fresh since snapshot {older_id}")
    if size > len(older):
        return _on_base(
            f"{size} of {len(older)} older examples would have to be replayed beside {fresh}"
            f" fresh ones for a share of {share:g}"
        )
    return Start(
        policy="warm",
        reason=f"goes on from {run['run_id']} with {fresh} fresh examples and a replay of {size}"
        f" out of {len(older)} older ones",
        adapter_dir=str(folder),
        from_run=run["run_id"],
        older_snapshot_id=older_id,
    )


def _unlike(train: TrainSettings, folder: Path, before: Mapping[str, str]) -> str | None:
    """What keeps an adapter's weights from going on under some settings; None where nothing does.

    The base's own bytes are compared later, where it is loaded.
    """
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        base = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["base_model"]
    except (OSError, ValueError, KeyError) as error:
        return f"the champion's adapter cannot be read ({type(error).__name__}: {error})"
    pairs = {
        "base_model": (base, train.base_model),
        "base_revision": (before.get("base_revision"), train.base_revision),
        "base_sha256": (before.get("base_sha256"), train.base_sha256),
        "lora_r": (config.get("r"), train.lora_r),
        "lora_alpha": (config.get("lora_alpha"), train.lora_alpha),
    }
    for key, (theirs, ours) in pairs.items():
        if theirs != ours:
            return f"the champion has {key} {theirs!r}, and train.{key} is {ours!r}"
    return None


def _on_base(reason: str) -> Start:
    return Start(policy="retrain", reason=f"no warm start: {reason}")
