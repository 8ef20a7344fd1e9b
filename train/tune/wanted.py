"""What a call of the verb asks for, and under which key the answer is known.

Reads `snapshots`, or a file of chats, and the base model's folder (or the hub). Loads no Ray.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deskwheel.errors import ConfigError
from deskwheel.settings import Settings
from train.bases.candidates import find_candidate
from train.data.chat_file import load_chat_file, snapshot_id_of
from train.data.training_set import find_snapshot
from train.tune.kept import Search
from train.tune.space import (
    Proposal,
    parse_grid,
    propose_grid,
    propose_trials,
    recipe_digest,
    search_key,
    size_bucket,
)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A search that is asked for."""

    proposals: Sequence[Proposal]
    empty: Search
    """The search before its first trial."""
    data_file: Path | None


def wanted_search(
    settings: Settings,
    *,
    snapshot_id: str | None,
    data_file: Path | None,
    trials: int | None = None,
    grid: Sequence[str] = (),
) -> Wanted:
    """What to try, on what, and its key.

    Args:
        settings: ranges, base, method and seed.
        snapshot_id: of the snapshot to search on; None where there is a file.
        data_file: chats to search on in place of a snapshot.
        trials: how many in place of `tune.trials`.
        grid: `KEY=V,V` each, in place of the ranges.

    Raises:
        ConfigError: data, a number or the grid is wrong.
        SnapshotError: the data cannot be read.
        SetupError: the base model cannot be had here.
    """
    if (snapshot_id is None) == (data_file is None):
        raise ConfigError("name what to search on: --snapshot ID, or --data FILE.jsonl")
    if trials is not None and trials < 1:
        raise ConfigError(f"--trials must be above 0, got {trials}")
    if data_file is not None:
        snapshot_id = snapshot_id_of(data_file)
        examples = len(load_chat_file(data_file).rows["train"])
    else:
        assert snapshot_id is not None
        examples = find_snapshot(settings.pipeline.lake, snapshot_id).counts["train"]
    train = settings.train
    tried = propose_grid(train, parse_grid(grid)) if grid else []
    count = settings.tune.trials if trials is None else trials
    base = find_candidate(train.base_model, revision=train.base_revision)
    empty = Search(
        key=search_key(settings, base=base.fingerprint, examples=examples, grid=tried),
        base_model=train.base_model,
        method=train.method,
        bucket=size_bucket(examples),
        examples=examples,
        snapshot_id=snapshot_id,
        recipe=recipe_digest(settings, snapshot_id=snapshot_id),
    )
    return Wanted(
        proposals=tried or propose_trials(settings.tune, count, seed=train.seed),
        empty=empty,
        data_file=data_file,
    )
