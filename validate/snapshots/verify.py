"""Whether a snapshot still reads as it was frozen, and proofs that an example is a member of it.

Reads `snapshots` and `validated_examples`; writes nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deskwheel.errors import SnapshotError
from deskwheel.ids import text_digest
from deskwheel.records import Snapshot, SnapshotMember
from validate.snapshots.manifest import ideal_digest, manifest_id, member_leaf, members_root
from validate.snapshots.merkle import audit_path, is_member, merkle_root
from validate.snapshots.store import load_frozen


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A snapshot compared with the rows that its table version has now."""

    snapshot_id: str
    members: int
    missing: Sequence[str]
    """Members that the version does not hold as valid rows."""
    content_digest: bool
    """The digest that training checks comes out of the rows again."""
    merkle_root: bool | None
    """The root comes out of the rows' texts again; None for a snapshot without a manifest."""
    manifest: bool | None
    """The id is the hash of the manifest; None for a snapshot without one."""

    @property
    def holds(self) -> bool:
        """Whether everything that can be compared agrees."""
        is_same = self.merkle_root is not False and self.manifest is not False
        return not self.missing and self.content_digest and is_same


@dataclass(frozen=True, kw_only=True)
class Proof:
    """That an example is a member: all that is needed to compute the root, and nothing else."""

    snapshot_id: str
    member: Mapping[str, Any]
    index: int
    size: int
    path: Sequence[str]
    """Hex hashes, the leaf's neighbour first."""
    root: str

    def holds(self) -> bool:
        """Whether the path leads from the member to the root."""
        return is_member(
            member_leaf(SnapshotMember(**self.member)),
            self.index,
            size=self.size,
            path=[bytes.fromhex(h) for h in self.path],
            root=bytes.fromhex(self.root),
        )


def verify_snapshot(lake_dir: str | Path, snapshot: Snapshot) -> Verified:
    """Compute digest and root again from the rows of the snapshot's table version.

    Raises:
        SnapshotError: that version cannot be read any more.
    """
    rows = {r["example_id"]: r for r in load_frozen(lake_dir, snapshot).rows}
    valid = {i: row for i, row in rows.items() if row["verdict"] == "valid"}
    read = [_read_again(m, valid[m.example_id]) for m in snapshot.members if m.example_id in valid]
    document = json.loads(snapshot.manifest) if snapshot.manifest else None
    return Verified(
        snapshot_id=snapshot.snapshot_id,
        members=len(snapshot.members),
        missing=[m.example_id for m in snapshot.members if m.example_id not in valid],
        content_digest=ideal_digest(read) == snapshot.content_digest,
        merkle_root=None if document is None else members_root(read) == document["merkle_root"],
        manifest=None
        if snapshot.manifest is None
        else manifest_id("snap", snapshot.manifest) == snapshot.snapshot_id,
    )


def prove_member(snapshot: Snapshot, example_id: str) -> Proof:
    """The proof that an example is a member of a snapshot; no table is read.

    Raises:
        SnapshotError: it is none, or the snapshot has no manifest.
    """
    ids = [m.example_id for m in snapshot.members]
    if snapshot.manifest is None:
        raise SnapshotError(
            f"snapshot {snapshot.snapshot_id} is of a release without manifests and proves"
            " nothing; freeze its version again"
        )
    if example_id not in ids:
        raise SnapshotError(
            f"example {example_id!r} is not a member of {snapshot.snapshot_id}, which has"
            f" {len(ids)}; look for it with `python -m validate snapshot diff`"
        )
    index = ids.index(example_id)
    leaves = [member_leaf(m) for m in snapshot.members]
    return Proof(
        snapshot_id=snapshot.snapshot_id,
        member=asdict(snapshot.members[index]),
        index=index,
        size=len(leaves),
        path=[h.hex() for h in audit_path(leaves, index)],
        root=merkle_root(leaves).hex(),
    )


def _read_again(member: SnapshotMember, row: Mapping[str, Any]) -> SnapshotMember:
    """The member as it would be frozen from its row; an older one keeps what it does not know."""
    return SnapshotMember(
        example_id=row["example_id"],
        split=row["split"],
        kind=member.kind and row["kind"],
        content_hash=row["content_hash"],
        text_digest=text_digest(row),
    )
