"""The members of a snapshot as columns, for those who ask for ids and not for texts.

Reads `snapshots` without a JVM, one snapshot's row at a time; writes nothing.
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from deskwheel import lake
from deskwheel.tables import SNAPSHOTS

_FIELDS = ("example_id", "split", "kind")


def read_members(lake_dir: str | Path, snapshot_id: str) -> pa.Table | None:
    """Members of a snapshot (`example_id`, `split`, `kind`); None: there is no such snapshot.

    Snapshots of other ids are not read.
    """
    where = pc.field("snapshot_id") == snapshot_id
    for batch in lake.scan(lake_dir, SNAPSHOTS, {"members": pc.field("members")}, where):
        for row in range(batch.num_rows):
            return _table(batch.column("members").slice(row, 1))
    return None


def train_ids(members: pa.Table) -> set[str]:
    """Ids of the examples that a run learns from: the ideal ones of train."""
    is_ideal = pc.fill_null(pc.equal(members["kind"], "ideal"), True)
    kept = members.filter(pc.and_(is_ideal, pc.equal(members["split"], "train")))
    return set(kept["example_id"].to_pylist())


def snapshots_with(lake_dir: str | Path, example_ids: set[str]) -> Iterator[tuple[str, list[str]]]:
    """Each snapshot that has any of some examples as a member, with those that it has, sorted.

    Each is read by itself: together their members may not fit into memory.
    """
    wanted = pa.array(sorted(example_ids), pa.string())
    for snapshot_id in lake.read(lake_dir, SNAPSHOTS, columns=["snapshot_id"])[0].to_pylist():
        members = read_members(lake_dir, snapshot_id)
        if members is None:
            continue
        ids = members["example_id"]
        if found := ids.filter(pc.is_in(ids, value_set=wanted)).to_pylist():
            yield snapshot_id, sorted(found)


def _table(members: pa.Array) -> pa.Table:
    flat = members.flatten()
    return pa.table({name: pc.struct_field(flat, name) for name in _FIELDS})
