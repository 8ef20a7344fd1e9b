"""Which examples a warm start learns from: the fresh ones, and some of those learnt before.

Pure but for `warm_set`, which reads `snapshots` for the ids of the champion's examples.

Source: Robins 1995, "Catastrophic Forgetting, Rehearsal and Pseudorehearsal", for rehearsal;
largest remainders (Hare) for the shares of categories.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from deskwheel.errors import SnapshotError
from deskwheel.ids import digest
from train.data.members import read_members, train_ids
from train.data.training_set import ChatRow, TrainingSet


def replay_size(fresh: int, share: float) -> int:
    """How many older examples make up a share of what is learnt beside some fresh ones.

    >>> replay_size(70, 0.3)
    30
    """
    # Rounded first: 0.3 / 0.7 * 70 is a little more than 30.
    return math.ceil(round(fresh * share / (1 - share), 9))


def choose_replay(older: Sequence[ChatRow], size: int, *, salt: str) -> list[ChatRow]:
    """`size` of the older rows, each category by its share in them, in order of example id.

    Every category is there if there is room. Within one the hash of id and salt decides, so the
    same rows are chosen each time, and others for another salt.

    Raises:
        ValueError: there are fewer older rows.
    """
    if size > len(older):
        raise ValueError(f"{size} rows to replay, and there are only {len(older)}")
    rows: dict[str, list[ChatRow]] = defaultdict(list)
    for row in older:
        rows[row.category].append(row)
    quotas = share_out({name: len(found) for name, found in rows.items()}, size)
    chosen = [
        row
        for name, found in rows.items()
        for row in sorted(found, key=lambda r: digest("replay", salt, r.example_id))[: quotas[name]]
    ]
    return sorted(chosen, key=lambda row: row.example_id)


def share_out(counts: Mapping[str, int], size: int) -> dict[str, int]:
    """A size divided in proportion to counts, no part above its count; one each if size allows.

    >>> share_out({"a": 90, "b": 9, "c": 1}, 10)
    {'a': 8, 'b': 1, 'c': 1}
    """
    floor = 1 if size >= len(counts) else 0
    whole = sum(counts.values())
    ideal = {name: size * count / whole for name, count in counts.items()}
    parts = {name: max(floor, int(ideal[name])) for name in counts}
    while (over := sum(parts.values()) - size) != 0:
        step = -1 if over > 0 else 1
        open_names = [n for n in counts if floor <= parts[n] + step <= counts[n]]
        # The part that is furthest from its ideal in the wrong direction; names break a tie.
        name = max(sorted(open_names), key=lambda n: step * (ideal[n] - parts[n]))
        parts[name] += step
    return parts


def warm_set(
    data: TrainingSet, *, lake_dir: str, older_snapshot_id: str, share: float
) -> TrainingSet:
    """A training set whose train rows are the fresh ones and a replay; dev and test stay.

    Its digest is another one, so that nobody takes its packed sequences for the whole snapshot's.

    Raises:
        SnapshotError: the champion's snapshot is not there, or has too few examples.
    """
    members = read_members(lake_dir, older_snapshot_id)
    known = set() if members is None else train_ids(members)
    older = [row for row in data.rows["train"] if row.example_id in known]
    fresh = [row for row in data.rows["train"] if row.example_id not in known]
    size = replay_size(len(fresh), share)
    if size > len(older):
        raise SnapshotError(
            f"a warm start on {data.snapshot.snapshot_id} must replay {size} examples, and has"
            f" {len(older)} of {older_snapshot_id}; set train.continual='retrain'"
        )
    replayed = choose_replay(older, size, salt=data.content_digest)
    rows = sorted([*fresh, *replayed], key=lambda row: row.example_id)
    name = digest("warm", data.content_digest, *(row.example_id for row in rows))
    return replace(data, content_digest=name, rows={**data.rows, "train": rows})
