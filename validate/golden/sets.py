"""Golden sets: drafts that grow, and frozen ones that snapshots keep out of training.

Reads `validated_examples`; writes `golden`, one row and one commit a change. A frozen set is never
changed; adding to it starts the draft of the next one, which holds all of it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import deskwheel
from deskwheel import lake
from deskwheel.errors import SnapshotError
from deskwheel.golden import GoldenMember, GoldenSet
from deskwheel.ids import text_digest
from deskwheel.schema import to_table
from deskwheel.tables import GOLDEN, VALIDATED
from validate.snapshots.golden import newest_set
from validate.snapshots.manifest import canonical, manifest_id
from validate.snapshots.merkle import leaf_hash, merkle_root
from validate.snapshots.rows import newest_version, valid_rows

FORMAT = 1
_NAMED = 3

Origin = Literal["file", "plan"]


def candidates(lake_dir: str | Path) -> dict[str, dict[str, Any]]:
    """Examples that may become golden, by id: valid and ideal in the newest version."""
    rows = valid_rows(lake_dir, newest_version(lake_dir))
    return {row["example_id"]: row for row in rows if row["kind"] == "ideal"}


def add_examples(
    lake_dir: str | Path, pipeline: str, ids: Iterable[str], *, origin: Origin, now: datetime
) -> GoldenSet:
    """The draft with further examples in it; those that it holds already change nothing.

    Raises:
        SnapshotError: an id is not that of a valid, ideal example; nothing was added.
    """
    known, newest = candidates(lake_dir), newest_set(lake_dir, pipeline)
    members = {m.example_id: m for m in (newest.members if newest else ())}
    wanted = [i for i in dict.fromkeys(ids) if i not in members]
    unknown = [i for i in wanted if i not in known]
    if unknown:
        raise SnapshotError(
            f"{len(unknown)} of {len(wanted)} ids are not of valid, ideal examples of"
            f" {VALIDATED.name}: {', '.join(unknown[:_NAMED])}; take them out of the file"
        )
    if newest is not None and not wanted:
        return newest
    members |= {i: _member(known[i], origin) for i in wanted}
    ordered = [members[i] for i in sorted(members)]
    return _store(lake_dir, pipeline, ordered, manifest=None, now=now)


def freeze_set(lake_dir: str | Path, pipeline: str, *, now: datetime) -> GoldenSet:
    """The draft as a frozen set; snapshots that are frozen from now on keep it out of training.

    Raises:
        SnapshotError: there is no draft, or one of its examples is not valid any more or reads
            otherwise than when it was added.
    """
    newest = newest_set(lake_dir, pipeline)
    if newest is None or not newest.members:
        raise SnapshotError(
            f"pipeline {pipeline} has no golden set to freeze; run `python -m validate golden add`"
        )
    if newest.is_frozen:
        return newest
    known = candidates(lake_dir)
    stale = [m.example_id for m in newest.members if not is_same(m, known.get(m.example_id))]
    if stale:
        raise SnapshotError(
            f"{len(stale)} of {len(newest.members)} golden examples are not valid any more or read"
            f" otherwise: {', '.join(stale[:_NAMED])}; `python -m validate golden check` lists"
            " them, `python -m validate golden remove` takes them out of the draft"
        )
    return _store(
        lake_dir, pipeline, newest.members, manifest=build_manifest(pipeline, newest.members),
        now=now,
    )  # fmt: skip


def remove_examples(
    lake_dir: str | Path, pipeline: str, ids: Iterable[str], *, now: datetime
) -> GoldenSet:
    """The next draft without some examples.

    Raises:
        SnapshotError: an id is not in the set; nothing was removed.
    """
    newest, unwanted = newest_set(lake_dir, pipeline), set(ids)
    members = newest.members if newest else ()
    unknown = sorted(unwanted - {m.example_id for m in members})
    if unknown:
        raise SnapshotError(
            f"{len(unknown)} of {len(unwanted)} ids are not in the golden set:"
            f" {', '.join(unknown[:_NAMED])}; `python -m validate golden list` shows what is"
        )
    kept = [m for m in members if m.example_id not in unwanted]
    return _store(lake_dir, pipeline, kept, manifest=None, now=now)


def build_manifest(pipeline: str, members: Sequence[GoldenMember]) -> str:
    """Canonical JSON of a golden set: the same members, reading the same, give the same bytes."""
    leaves = [leaf_hash(m.example_id, "golden", m.text_digest) for m in members]
    return canonical(
        {
            "format": FORMAT,
            "pipeline": pipeline,
            "table": VALIDATED.name,
            "size": len(members),
            "cells": cells_of(members),
            "merkle_root": merkle_root(leaves).hex(),
        }
    )


def cells_of(members: Iterable[GoldenMember]) -> dict[str, int]:
    """Members by category and channel, as `CATEGORY/channel`."""
    return dict(sorted(Counter(f"{m.category}/{m.channel}" for m in members).items()))


def is_same(member: GoldenMember, row: Mapping[str, Any] | None) -> bool:
    """Whether a row is there and reads as the member did when it was added."""
    return row is not None and text_digest(row) == member.text_digest


def _member(row: Mapping[str, Any], origin: Origin) -> GoldenMember:
    return GoldenMember(
        example_id=row["example_id"],
        tenant=row["tenant"],
        subject_key=row["subject_key"],
        conversation_id=row["conversation_id"],
        channel=row["channel"],
        category=row["category"],
        split=row["split"],
        text_digest=text_digest(row),
        origin=origin,
    )


def _store(
    lake_dir: str | Path,
    pipeline: str,
    members: Sequence[GoldenMember],
    *,
    manifest: str | None,
    now: datetime,
) -> GoldenSet:
    golden = GoldenSet(
        golden_id=manifest_id("gold", manifest or build_manifest(pipeline, members)),
        pipeline=pipeline,
        is_frozen=manifest is not None,
        members=members,
        manifest=manifest,
        code_version=deskwheel.__version__,
        created_at=now,
    )
    lake.append(lake_dir, GOLDEN, to_table([golden], GoldenSet))
    return golden
