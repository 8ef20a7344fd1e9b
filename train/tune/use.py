"""The settings of a run with what a search has found, where `train.use_tuned` asks for it.

Reads the state document `tuned`; writes `tuned_window`, so that all attempts at a window have the
same settings, whatever is searched meanwhile. Loads no Ray.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from deskwheel.settings import Settings
from deskwheel.state import State
from train.tune.kept import best_trial, read_search, tuned_values
from train.tune.wanted import wanted_search

_PINNED = "tuned_window"


def tuned_settings(
    settings: Settings,
    *,
    snapshot_id: str | None,
    data_file: Path | None,
    from_version: int | None = None,
) -> Settings:
    """Settings with the best known lr, rank, steps and batch; as they are where none is known.

    Says on standard error which it is. A warm start keeps its settings: its adapter has a rank
    already.

    Args:
        settings: of the pipeline; without `train.use_tuned` they are returned.
        snapshot_id: of the run.
        data_file: chats in place of a snapshot.
        from_version: start of the window; None for a run alone.
    """
    train = settings.train
    if not train.use_tuned:
        return settings
    if train.continual == "warm":
        _say("train.use_tuned does nothing with train.continual=warm")
        return settings
    state = State(settings.pipeline.state_url)
    try:
        pin = None if from_version is None else f"{settings.pipeline.name}/{from_version}"
        values = _pinned(state, pin, snapshot_id)
        if values is None:
            values = _found(state, settings, snapshot_id=snapshot_id, data_file=data_file)
            if pin is not None:
                state.put(_PINNED, pin, {"snapshot_id": snapshot_id, "train": values})
    finally:
        state.close()
    if not values:
        return settings
    _say("settings of the best trial: " + " ".join(f"{k}={v}" for k, v in values.items()))
    # Found with one worker: a step of several is shared out evenly.
    batch = -(-values["global_batch"] // train.workers) * train.workers
    return replace(settings, train=replace(train, **{**values, "global_batch": batch}))


def _pinned(state: State, pin: str | None, snapshot_id: str | None) -> dict[str, Any] | None:
    found = None if pin is None else state.get(_PINNED, pin)
    if found is None or found[0]["snapshot_id"] != snapshot_id:
        return None
    return dict(found[0]["train"])


def _found(
    state: State, settings: Settings, *, snapshot_id: str | None, data_file: Path | None
) -> dict[str, Any]:
    empty = wanted_search(settings, snapshot_id=snapshot_id, data_file=data_file).empty
    search = read_search(state, empty.key)
    best = best_trial(search) if search is not None and search.is_done else None
    if best is None:
        _say(
            f"no finished search for {empty.base_model}, {empty.method}, {empty.bucket:,} examples"
            " and more: settings stay as they are; `python -m train tune` makes one"
        )
        return {}
    return tuned_values(best)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
