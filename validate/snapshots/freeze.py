"""Freezes training sets: a Delta version of the valid examples, its members and their manifest.

Reads `validated_examples`, `golden` and the windows that the trigger claimed; writes `snapshots`.

In this order, so that a process may die between any two steps: read the version, leave out what is
golden, look for contamination, build the manifest (which is the id), look whether the id is stored,
append the one row in one commit, move the window. A repeat ends at the same id and adds no row.
"""

import argparse
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import deskwheel
from deskwheel import failpoint
from deskwheel.errors import ContaminationError, SnapshotError, StateError
from deskwheel.records import Snapshot
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.tables import VALIDATED
from validate.snapshots.golden import frozen_set
from validate.snapshots.manifest import build_manifest, count_members, ideal_digest, manifest_id
from validate.snapshots.rows import newest_version, valid_rows
from validate.snapshots.select import Row, select_members
from validate.snapshots.store import store_snapshot, stored_snapshot


def freeze_snapshot(settings: Settings, *, table_version: int, now: datetime) -> Snapshot:
    """The snapshot of the valid examples at a Delta version of `validated_examples`.

    Idempotent: the id is the hash of the manifest, and a snapshot that is stored already is
    returned as it is, so that a repeat after a crash adds no row. 20,000 examples take a few
    seconds, most of it the look for contamination.

    Raises:
        ContaminationError: train says what a held-out example says, and `validate.contamination`
            is `block`.
        SnapshotError: the version does not exist or holds no valid example.
    """
    lake_dir, name = settings.pipeline.lake, settings.pipeline.name
    golden = frozen_set(lake_dir, name)
    tolerated = _tolerated(settings)
    selection = select_members(
        valid_rows(lake_dir, table_version),
        golden.members if golden else (),
        max_contaminated_share=tolerated,
    )
    members = selection.members()
    manifest = build_manifest(
        members,
        pipeline=name,
        table_version=table_version,
        suites=Counter(row["suite_version"] for row in selection.rows),
        max_contaminated_share=tolerated,
        golden_id=golden.golden_id if golden else None,
        left_out=selection.left_out,
    )
    snapshot = Snapshot(
        snapshot_id=manifest_id("snap", manifest),
        pipeline=name,
        table_version=table_version,
        members=members,
        content_digest=ideal_digest(members),
        counts=count_members(members)["ideal"],
        suite_version=_newest_suite(selection.rows),
        code_version=deskwheel.__version__,
        created_at=now,
        manifest=manifest,
    )
    stored = stored_snapshot(lake_dir, snapshot.snapshot_id)
    if stored is not None:
        return stored
    failpoint.reach(failpoint.IN_SNAPSHOT)
    store_snapshot(lake_dir, snapshot)
    failpoint.reach(failpoint.AFTER_SNAPSHOT)
    return snapshot


def freeze_claimed(settings: Settings, state: State, *, now: datetime) -> list[Snapshot]:
    """Snapshots of all windows in phase `claimed`, each advanced to `frozen`.

    A window without a valid example becomes `failed`: its examples count again with the next
    version. One whose examples are contaminated becomes `held`: a person must act first. Both
    stand on the timeline. A window that another process moves meanwhile is left to it.
    """
    pipeline = settings.pipeline.name
    frozen = []
    for window in state.windows(pipeline, phase="claimed"):
        start = window["from_version"]
        try:
            snapshot = freeze_snapshot(settings, table_version=window["to_version"], now=now)
        except SnapshotError as error:
            end = "held" if isinstance(error, ContaminationError) else "failed"
            if _advance(state, pipeline, start, phase=end, reason=str(error)):
                state.record(pipeline, end, f"window {start}", {"reason": str(error)})
            continue
        if _advance(state, pipeline, start, phase="frozen", snapshot_id=snapshot.snapshot_id):
            state.record(pipeline, "frozen", snapshot.snapshot_id, facts_of(snapshot))
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
        version = newest_version(settings.pipeline.lake)
    snapshot = freeze_snapshot(settings, table_version=version, now=datetime.now(UTC))
    facts = {"snapshot_id": snapshot.snapshot_id, **facts_of(snapshot)}
    print(json.dumps(facts) if arguments.json else _sentence(snapshot))
    return 0


def facts_of(snapshot: Snapshot) -> dict[str, Any]:
    """What a snapshot is in numbers; no text and no member."""
    return {
        "table_version": snapshot.table_version,
        "examples": len(snapshot.members),
        "counts": dict(snapshot.counts),
        "left_out": manifest_of(snapshot).get("left_out", {}),
        "content_digest": snapshot.content_digest,
    }


def manifest_of(snapshot: Snapshot) -> Mapping[str, Any]:
    """The decoded manifest; empty for a snapshot of a release without one."""
    return json.loads(snapshot.manifest) if snapshot.manifest else {}


def _tolerated(settings: Settings) -> float:
    """Share of the training examples that may be left out because they are contaminated."""
    is_dropping = settings.validate.contamination == "drop"
    return settings.validate.max_contaminated_share if is_dropping else 0.0


def _newest_suite(rows: Sequence[Row]) -> str:
    """The suite version that judged last; members may have been judged by older ones."""
    newest = max(rows, key=lambda row: (row["validated_at"], row["suite_version"]))
    return str(newest["suite_version"])


def _advance(state: State, pipeline: str, start: int, *, phase: str, **changes: Any) -> bool:
    try:
        state.advance_window(pipeline, start, expect="claimed", phase=phase, **changes)
    except StateError:
        return False
    return True


def _sentence(snapshot: Snapshot) -> str:
    counts = ", ".join(f"{split} {n}" for split, n in snapshot.counts.items())
    out = ", ".join(f"{why} {n}" for why, n in manifest_of(snapshot)["left_out"].items())
    return (
        f"{snapshot.snapshot_id}: {sum(snapshot.counts.values())} examples ({counts}) of"
        f" {VALIDATED.name} version {snapshot.table_version}, digest {snapshot.content_digest}"
        + (f"; left out: {out}" if out else "")
    )
