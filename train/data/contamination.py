"""Whether a snapshot may be learnt from: what was recorded when it was frozen, looked at again.

Freezing looks for near-copies (`validate.snapshots`). Here the record is held to itself, and exact
copies and golden examples are looked for once more, so that no run learns what it is measured on
because a table or a manifest was changed by hand. Pure functions.
"""

import json
from collections.abc import Mapping

from deskwheel.errors import SnapshotError
from deskwheel.records import Snapshot


def check_kinds(snapshot: Snapshot, kinds: Mapping[str, str | None]) -> None:
    """Return if every example is an ideal one; null is that in tables without the column.

    Raises:
        SnapshotError: a negative or a preference would be learnt as an answer.
    """
    wrong = sorted(i for i, kind in kinds.items() if kind not in (None, "ideal"))
    if wrong:
        raise SnapshotError(
            f"snapshot {snapshot.snapshot_id}: {len(wrong)} members that it calls ideal are not,"
            f" first {wrong[0]} ({kinds[wrong[0]]}); freeze a new one"
        )


def check_contamination(snapshot: Snapshot, hashes: Mapping[str, str], *, golden: set[str]) -> None:
    """Return if nothing of train or dev is measured on, and the manifest says what it should.

    Args:
        snapshot: of which the manifest is looked at, where it has one.
        hashes: content hash by id of the ideal members.
        golden: ids of the golden examples that were to be kept out.

    Raises:
        SnapshotError: the snapshot is contaminated.
    """
    members = [m for m in snapshot.members if m.example_id in hashes]
    learnt = {m.example_id: hashes[m.example_id] for m in members if m.split != "test"}
    tested = {hashes[m.example_id] for m in members if m.split == "test"}
    copied = sorted(i for i, content in learnt.items() if content in tested)
    known = sorted(set(learnt) & golden)
    for what, found in (("say exactly what a test example says", copied), ("are golden", known)):
        if found:
            raise SnapshotError(
                f"snapshot {snapshot.snapshot_id} is contaminated: {len(found)} examples of train"
                f" or dev {what}, first {found[0]}; freeze a new one"
            )
    if snapshot.manifest:
        _check_record(snapshot, json.loads(snapshot.manifest))


def _check_record(snapshot: Snapshot, manifest: Mapping[str, object]) -> None:
    """The manifest is of this snapshot, and no more was left out than was to be tolerated."""
    if manifest.get("content_digest") != snapshot.content_digest:
        raise SnapshotError(
            f"snapshot {snapshot.snapshot_id}: its manifest is that of other members"
            f" ({str(manifest.get('content_digest'))[:12]}…); freeze a new one"
        )
    config, left_out = manifest.get("config"), manifest.get("left_out")
    if not isinstance(config, dict) or not isinstance(left_out, dict):
        return
    tainted = int(left_out.get("contaminated", 0))
    learnt = tainted + sum(m.split == "train" for m in snapshot.members)
    tolerated = float(config.get("max_contaminated_share", 0.0))
    if tainted > tolerated * learnt:
        raise SnapshotError(
            f"snapshot {snapshot.snapshot_id} is contaminated: {tainted} of {learnt} examples of"
            f" train said what a held-out one says, {tolerated:.0%} are tolerated; freeze a new one"
        )
