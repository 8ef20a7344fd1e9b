"""What changed between two snapshots: members, splits, and the mix of what is learnt.

Reads `snapshots` and `validated_examples`; writes nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from deskwheel.records import Snapshot, SnapshotMember
from validate.snapshots.rows import read_rows

MIXES = ("kind", "split", "channel", "category", "language")
"""Columns whose values are counted; one that the table does not have is left out."""
LEFT_OUT = "valid, left out of the newer snapshot"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How a newer snapshot differs from an older one; ids and counts, no text."""

    older: str
    newer: str
    added: Sequence[str]
    removed: Sequence[str]
    moved: Mapping[str, str]
    """Examples in both whose split is another one, as `train → test`: never expected."""
    changed: Sequence[str]
    """Examples in both whose text or kind is another one: never expected."""
    reasons: Mapping[str, int]
    """Removed members by their verdict at the newer version, with its reasons."""
    mix: Mapping[str, Mapping[str, tuple[int, int]]]
    """Column → value → members in the older and in the newer snapshot."""

    @property
    def is_sound(self) -> bool:
        """Whether nothing moved or changed that must not."""
        return not (self.moved or self.changed)


def compare_snapshots(lake_dir: str | Path, older: Snapshot, newer: Snapshot) -> Difference:
    """Compare two snapshots.

    Raises:
        SnapshotError: the table version of one cannot be read any more.
    """
    before, after = ({m.example_id: m for m in s.members} for s in (older, newer))
    both = sorted(before.keys() & after.keys())
    removed = sorted(before.keys() - after.keys())
    tables = [read_rows(lake_dir, s.table_version, _COLUMNS) for s in (older, newer)]
    return Difference(
        older=older.snapshot_id,
        newer=newer.snapshot_id,
        added=sorted(after.keys() - before.keys()),
        removed=removed,
        moved={
            i: f"{before[i].split} → {after[i].split}"
            for i in both
            if before[i].split != after[i].split
        },
        changed=[i for i in both if _is_changed(before[i], after[i])],
        reasons=_reasons(tables[1], removed),
        mix=_mix(tables, [list(before), list(after)]),
    )


_COLUMNS = ("example_id", "verdict", "reasons", *MIXES)


def _is_changed(before: SnapshotMember, after: SnapshotMember) -> bool:
    if before.text_digest is None or after.text_digest is None:
        return False
    return (before.text_digest, before.kind) != (after.text_digest, after.kind)


def _reasons(table: pa.Table, removed: Sequence[str]) -> dict[str, int]:
    rows = {row["example_id"]: row for row in _rows_of(table, removed).to_pylist()}
    counted = Counter(_why(rows.get(example_id)) for example_id in removed)
    return dict(counted.most_common())


def _why(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "no row any more"
    if row["verdict"] == "valid":
        return LEFT_OUT
    return " ".join([f"{row['verdict']}:", *row["reasons"]])


def _mix(
    tables: Sequence[pa.Table], ids: Sequence[Sequence[str]]
) -> dict[str, dict[str, tuple[int, int]]]:
    members = [_rows_of(table, kept) for table, kept in zip(tables, ids, strict=True)]
    shared = [c for c in MIXES if all(c in table.column_names for table in members)]
    mix = {}
    for column in shared:
        before, after = (Counter(map(str, table[column].to_pylist())) for table in members)
        mix[column] = {v: (before[v], after[v]) for v in sorted(before.keys() | after.keys())}
    return mix


def _rows_of(table: pa.Table, ids: Sequence[str]) -> pa.Table:
    wanted = pa.array(ids, table["example_id"].type)
    return table.filter(pc.is_in(table["example_id"], wanted))
