"""Stored snapshots and the rows they froze.

Reads `snapshots` and `validated_examples`; the one place that appends to `snapshots`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from deskwheel import lake
from deskwheel.errors import SnapshotError
from deskwheel.records import Snapshot, SnapshotMember
from deskwheel.schema import to_table
from deskwheel.tables import SNAPSHOTS
from validate.snapshots.rows import read_rows


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """A snapshot with the rows of its members as its table version has them."""

    snapshot: Snapshot
    rows: Sequence[Mapping[str, Any]]
    """Every column, in the members' order; a member that is gone has no row."""


def find_snapshot(lake_dir: str | Path, name: str) -> Snapshot:
    """The snapshot whose id begins with a name; `newest` is the one frozen last.

    Raises:
        SnapshotError: there is none, or more than one.
    """
    found = all_snapshots(lake_dir)
    if name == "newest" and found:
        return found[-1]
    fitting = [s for s in found if s.snapshot_id.startswith(name)]
    exact = [s for s in fitting if s.snapshot_id == name]
    if len(exact or fitting) != 1:
        how_many = f"{len(fitting)} snapshots begin" if fitting else "no snapshot begins"
        raise SnapshotError(
            f"{how_many} with {name!r} in {lake.table_path(lake_dir, SNAPSHOTS)};"
            " `python -m validate snapshot list` names them"
        )
    return (exact or fitting)[0]


def all_snapshots(lake_dir: str | Path) -> list[Snapshot]:
    """Every snapshot once, oldest first."""
    rows = lake.read(lake_dir, SNAPSHOTS).to_pylist()
    by_id = {row["snapshot_id"]: row for row in sorted(rows, key=_age, reverse=True)}
    return [_snapshot(row) for row in sorted(by_id.values(), key=_age)]


def stored_snapshot(lake_dir: str | Path, snapshot_id: str) -> Snapshot | None:
    """The snapshot with exactly this id, or None."""
    rows = lake.read(lake_dir, SNAPSHOTS)
    found = rows.filter(pc.equal(rows["snapshot_id"], snapshot_id)).to_pylist()
    return _snapshot(min(found, key=_age)) if found else None


def store_snapshot(lake_dir: str | Path, snapshot: Snapshot) -> None:
    """Append a snapshot in one Delta commit: afterwards it is there whole, before not at all."""
    lake.append(lake_dir, SNAPSHOTS, to_table([snapshot], Snapshot))


def load_frozen(lake_dir: str | Path, snapshot: Snapshot) -> Frozen:
    """A snapshot with the rows of its members.

    Raises:
        SnapshotError: its table version cannot be read any more.
    """
    ids = [m.example_id for m in snapshot.members]
    table = read_rows(lake_dir, snapshot.table_version)
    kept = table.filter(pc.is_in(table["example_id"], pa.array(ids, table["example_id"].type)))
    by_id = {row["example_id"]: row for row in kept.to_pylist()}
    return Frozen(snapshot=snapshot, rows=[by_id[i] for i in ids if i in by_id])


def _snapshot(row: dict[str, Any]) -> Snapshot:
    members = [SnapshotMember(**member) for member in row["members"]]
    return Snapshot(**{**row, "members": members, "counts": dict(row["counts"])})


def _age(row: Mapping[str, Any]) -> tuple[Any, str]:
    return row["created_at"], row["snapshot_id"]
