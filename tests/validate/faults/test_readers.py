"""Audit, freezing and readers of a pinned version: killed, and beside OPTIMIZE, DELETE, VACUUM."""

import json
import threading
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deskwheel import lake
from deskwheel.errors import SnapshotError
from deskwheel.failpoint import AFTER_SNAPSHOT, IN_AUDIT, IN_SNAPSHOT
from deskwheel.records import Snapshot
from deskwheel.state import State
from deskwheel.tables import SNAPSHOTS
from tests.validate.faults.desk import Desk, beside, delete, files_of, optimize, said, vacuum
from tests.validate.frozen import judged, store
from train.data.training_set import TrainingSet, load_training_set
from validate.snapshots.freeze import freeze_claimed, freeze_snapshot
from validate.snapshots.store import all_snapshots
from validate.snapshots.verify import verify_snapshot

pytestmark = pytest.mark.faults

NOW = datetime(2026, 3, 4, tzinfo=UTC)
ROUNDS = 20


def freeze(desk: Desk) -> Snapshot:
    return freeze_snapshot(desk.settings, table_version=desk.version(), now=NOW)


def test_a_killed_audit_leaves_everything_as_it_was(stored: Desk, tmp_path: Path) -> None:
    file = tmp_path / "audit.json"
    file.write_text(json.dumps(stored.audit().to_dict()), encoding="utf-8")
    words = ("-m", "deskwheel.cli", "audit", "--home", str(tmp_path / "home"))
    before = files_of(Path(stored.lake))
    done = stored.run(*words, "--repeat", str(file), failpoint=IN_AUDIT)
    assert done.returncode == -9, done.stderr
    assert files_of(Path(stored.lake)) == before
    again = stored.run(*words, "--repeat", str(file))
    assert again.returncode == 0, again.stdout + again.stderr
    assert "balanced: every event" in again.stdout
    stored.check_conserved(IN_AUDIT)


@pytest.mark.parametrize(("point", "rows_stored"), [(IN_SNAPSHOT, 0), (AFTER_SNAPSHOT, 1)])
def test_a_killed_freeze_leaves_a_whole_snapshot_or_none(
    stored: Desk, point: str, rows_stored: int
) -> None:
    version = stored.version()
    done = stored.run("-m", "validate", "freeze", failpoint=point)
    assert done.returncode == -9, done.stderr
    assert len(all_snapshots(stored.lake)) == rows_stored
    with closing(State(stored.settings.pipeline.state_url)) as state:
        state.claim_window("support", 0, to_version=version, owner="test", detail={})
        (snapshot,) = freeze_claimed(stored.settings, state, now=NOW)
        assert not state.windows("support", phase="claimed")
    rows = lake.read(stored.lake, SNAPSHOTS).to_pylist()
    print(f"\n{point}: {rows_stored} stored at the death, {len(rows)} after")
    assert [r["snapshot_id"] for r in rows] == [snapshot.snapshot_id]
    assert verify_snapshot(stored.lake, snapshot).holds


def test_a_snapshot_whose_log_entry_was_not_written_does_not_exist(stored: Desk) -> None:
    """Delta's writer for snapshots stops for nobody between its two steps: half a write is laid."""
    table = lake.ensure(stored.lake, SNAPSHOTS)
    freeze(stored)
    (part,) = table.glob("*.parquet")
    entry = table / "_delta_log" / f"{1:020}.json"
    entry.rename(entry.with_name("_commit_0.json.tmp"))
    assert all_snapshots(stored.lake) == []
    freeze(stored)
    (snapshot,) = all_snapshots(stored.lake)
    assert verify_snapshot(stored.lake, snapshot).holds
    assert part.exists()


def test_a_pinned_version_reads_the_same_until_vacuum_and_then_not_at_all(stored: Desk) -> None:
    snapshot = freeze(stored)
    frozen = load_training_set(stored.lake, snapshot)
    member = snapshot.members[0].example_id
    for change in (optimize, lambda d: delete(d, member)):
        change(stored)
        assert verify_snapshot(stored.lake, snapshot).holds
        assert load_training_set(stored.lake, snapshot) == frozen
    assert member not in stored.verdicts()
    vacuum(stored)
    with pytest.raises(SnapshotError, match=f"version {snapshot.table_version} of .* read"):
        load_training_set(stored.lake, snapshot)
    done = stored.run("-m", "validate", "snapshot", "verify", snapshot.snapshot_id)
    print(f"\n{len(snapshot.members)} members; after VACUUM: {done.stderr.strip()[-300:]}")
    assert done.returncode == 1
    assert "cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_beside_maintenance_gets_its_rows_or_a_refusal(stored: Desk) -> None:
    snapshot = freeze(stored)
    frozen = load_training_set(stored.lake, snapshot)
    members = [m.example_id for m in snapshot.members]
    found: Counter[str] = Counter()

    def read() -> TrainingSet | None:
        try:
            return load_training_set(stored.lake, snapshot)
        except SnapshotError:
            return None

    def change(number: int) -> None:
        store(stored.settings, judged(said(f"later{number}")))
        delete(stored, members[number] if number < len(members) else f"ex-later{number - 1}-1")
        optimize(stored)
        if number >= ROUNDS:
            vacuum(stored)

    with beside(change, times=ROUNDS + 3) as rounds:
        is_last = False
        while not is_last:
            is_last = bool(rounds["ended"])
            got = read()
            found["refused" if got is None else "same" if got == frozen else "other"] += 1
    print(f"\nreads beside DELETE, OPTIMIZE, VACUUM: {dict(found)}, {rounds['made']} changes")
    assert rounds["made"] == ROUNDS + 3
    assert not stored.verdicts().keys() & set(members)
    assert found["same"] > 0
    assert found["refused"] > 0
    assert found["other"] == 0


@pytest.mark.parametrize("own", [None, KeyError("own")])
def test_a_change_that_fails_beside_a_block_fails_the_test(own: Exception | None) -> None:
    def run() -> None:
        with beside(lambda number: print(1 // number)) as rounds:
            while not rounds["ended"]:
                pause.wait(0.01)
            if own:
                raise own

    pause = threading.Event()
    with pytest.raises(type(own) if own else ZeroDivisionError):
        run()
