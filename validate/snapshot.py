"""Freezes training sets: a Delta version of the valid examples, its members and their digest.

Reads `validated_examples` and the windows that the trigger claimed; writes `snapshots`. Runs
without a JVM.
"""

import argparse
import json
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

import deskwheel
from deskwheel import lake
from deskwheel.errors import SnapshotError, StateError
from deskwheel.ids import record_id, snapshot_digest
from deskwheel.records import Snapshot, SnapshotMember
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.tables import SNAPSHOTS, VALIDATED

COLUMNS = ["example_id", "split", "content_hash", "verdict", "suite_version", "validated_at"]
SPLITS = ("train", "dev", "test")


def freeze_snapshot(settings: Settings, *, table_version: int, now: datetime) -> Snapshot:
    """The snapshot of the valid examples at a Delta version of `validated_examples`.

    Idempotent: the id follows from pipeline, version and content, and a snapshot that is stored
    already is returned as it is, so that a repeat after a crash adds no row.

    Raises:
        SnapshotError: the version does not exist, or holds no valid example.
    """
    lake_dir = Path(settings.pipeline.lake)
    valid = _valid_rows(lake_dir, table_version)
    rows = sorted((row["example_id"], row["split"], row["content_hash"]) for row in valid)
    digest = snapshot_digest(rows)
    name = settings.pipeline.name
    snapshot_id = record_id("snap", name, str(table_version), digest)
    counted = Counter(split for _, split, _ in rows)
    snapshot = Snapshot(
        snapshot_id=snapshot_id,
        pipeline=name,
        table_version=table_version,
        members=[SnapshotMember(example_id=i, split=split) for i, split, _ in rows],
        content_digest=digest,
        counts={split: counted[split] for split in SPLITS},
        suite_version=_newest_suite(valid),
        code_version=deskwheel.__version__,
        created_at=now,
    )
    stored = _stored(lake_dir, snapshot_id)
    if stored is not None:
        return stored
    lake.append(lake_dir, SNAPSHOTS, to_table([snapshot], Snapshot))
    return snapshot


def freeze_claimed(settings: Settings, state: State, *, now: datetime) -> list[Snapshot]:
    """Snapshots of all windows in phase `claimed`, each advanced to `frozen`.

    A window without a valid example becomes `failed`; both stand on the timeline. A window that
    another process moves meanwhile is left to it.
    """
    pipeline = settings.pipeline.name
    frozen = []
    for window in state.windows(pipeline, phase="claimed"):
        start = window["from_version"]
        try:
            snapshot = freeze_snapshot(settings, table_version=window["to_version"], now=now)
        except SnapshotError as error:
            if _advance(state, pipeline, start, phase="failed"):
                state.record(pipeline, "failed", f"window {start}", {"reason": str(error)})
            continue
        if _advance(state, pipeline, start, phase="frozen", snapshot_id=snapshot.snapshot_id):
            state.record(pipeline, "frozen", snapshot.snapshot_id, _facts(snapshot))
            frozen.append(snapshot)
    return frozen


def watch_windows(
    settings: Settings,
    state: State,
    stop: threading.Event,
    *,
    now: Callable[[], datetime],
    poll_s: float = 1.0,
) -> None:
    """Freeze claimed windows until `stop` is set, looking every `poll_s` seconds."""
    while not stop.is_set():
        freeze_claimed(settings, state, now=now())
        stop.wait(poll_s)


def freeze(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `freeze`: print the snapshot of a version (the newest by default)."""
    version = arguments.version
    if version is None:
        version = lake.current_version(settings.pipeline.lake, VALIDATED)
    if version is None:
        raise SnapshotError(
            f"table {VALIDATED.name} does not exist in {settings.pipeline.lake}; run"
            " `python -m validate watch --once` first"
        )
    snapshot = freeze_snapshot(settings, table_version=version, now=datetime.now(UTC))
    facts = {"snapshot_id": snapshot.snapshot_id, **_facts(snapshot)}
    print(json.dumps(facts) if arguments.json else _sentence(snapshot))
    return 0


def _valid_rows(lake_dir: Path, table_version: int) -> list[dict[str, Any]]:
    newest = lake.current_version(lake_dir, VALIDATED)
    if newest is None or not 0 <= table_version <= newest:
        raise SnapshotError(
            f"{VALIDATED.name} has no version {table_version} in {lake_dir}, its newest is"
            f" {newest}; freeze a version from 0 to that"
        )
    rows = lake.read(lake_dir, VALIDATED, columns=COLUMNS, version=table_version)
    valid = rows.filter(pc.equal(rows["verdict"], "valid")).to_pylist()
    if not valid:
        raise SnapshotError(
            f"{VALIDATED.name} version {table_version} in {lake_dir} has no valid example;"
            " `python -m validate quarantine` tells why"
        )
    return valid


def _newest_suite(valid: list[dict[str, Any]]) -> str:
    """The suite version that judged last; members may have been judged by older ones."""
    return str(max(valid, key=lambda row: row["validated_at"])["suite_version"])


def _stored(lake_dir: Path, snapshot_id: str) -> Snapshot | None:
    rows = lake.read(lake_dir, SNAPSHOTS)
    for row in rows.filter(pc.equal(rows["snapshot_id"], snapshot_id)).to_pylist():
        members = [SnapshotMember(**member) for member in row.pop("members")]
        return Snapshot(members=members, counts=dict(row.pop("counts")), **row)
    return None


def _advance(state: State, pipeline: str, start: int, *, phase: str, **changes: Any) -> bool:
    try:
        state.advance_window(pipeline, start, expect="claimed", phase=phase, **changes)
    except StateError:
        return False
    return True


def _facts(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "table_version": snapshot.table_version,
        "examples": len(snapshot.members),
        "counts": dict(snapshot.counts),
        "content_digest": snapshot.content_digest,
    }


def _sentence(snapshot: Snapshot) -> str:
    counts = ", ".join(f"{split} {n}" for split, n in snapshot.counts.items())
    return (
        f"{snapshot.snapshot_id}: {len(snapshot.members)} examples ({counts}) of"
        f" {VALIDATED.name} version {snapshot.table_version}, digest {snapshot.content_digest}"
    )
