"""What a model card says of its snapshot, and where the data card is.

Reads `snapshots` and `validated_examples` without a JVM, batch by batch; writes nothing.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
from deltalake.exceptions import DeltaError

from deskwheel import lake
from deskwheel.tables import SNAPSHOTS, VALIDATED
from train.data.members import read_members

MIXES = ("category", "channel", "language")
_ABOUT = ("table_version", "content_digest", "created_at", "suite_version", "code_version")


def describe_snapshot(lake_dir: str | Path, snapshot_id: str) -> dict[str, Any]:
    """Version, counts, mix and times of a snapshot, as JSON, with the command of its data card.

    Of a file of chats, or where a table cannot be read, it says so instead: a card that lacks a
    part is better than a run that is lost.
    """
    about: dict[str, Any] = {"snapshot_id": snapshot_id}
    try:
        found = _row(lake_dir, snapshot_id)
        if found is None:
            return {**about, "note": "not in the table of snapshots: a file of chats, or removed"}
        about |= found
        about["table"] = lake.table_path(lake_dir, SNAPSHOTS).name
        about["data_card"] = f"python -m validate snapshot card {snapshot_id}"
        return {**about, **_mix(lake_dir, snapshot_id, version=found["table_version"])}
    except (DeltaError, OSError) as error:
        return {**about, "note": f"could not be read ({type(error).__name__}: {error})"}


def _row(lake_dir: str | Path, snapshot_id: str) -> dict[str, Any] | None:
    columns = {name: pc.field(name) for name in (*_ABOUT, "counts")}
    where = pc.field("snapshot_id") == snapshot_id
    for batch in lake.scan(lake_dir, SNAPSHOTS, columns, where):
        for row in batch.to_pylist():
            created_at = row["created_at"].isoformat(timespec="seconds")
            return {**row, "created_at": created_at, "counts": dict(row["counts"])}
    return None


def _mix(lake_dir: str | Path, snapshot_id: str, *, version: int) -> dict[str, Any]:
    """Members by category, channel and language, of all splits, and the times of their answers."""
    members = read_members(lake_dir, snapshot_id)
    assert members is not None
    counted = {name: Counter[str]() for name in MIXES}
    times: list[Any] = []
    columns = {name: pc.field(name) for name in (*MIXES, "sent_at")}
    where = pc.field("example_id").isin(members["example_id"].combine_chunks())
    for batch in lake.scan(lake_dir, VALIDATED, columns, where, version=version):
        for name in MIXES:
            counted[name].update(v for v in batch.column(name).to_pylist() if v)
        if batch.num_rows:
            spread = pc.min_max(batch.column("sent_at")).as_py()
            times += [spread["min"], spread["max"]]
    return {
        "mix": {name: dict(found.most_common()) for name, found in counted.items() if found},
        "time_range": [t.isoformat(timespec="seconds") for t in (min(times), max(times))]
        if times
        else [],
    }
