"""Whether the golden set is still what it was, and whether a model could have learnt from it.

Reads `golden`, `snapshots` and `validated_examples`; writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deskwheel.golden import GoldenSet
from deskwheel.records import Snapshot
from validate.golden.sets import build_manifest, is_same
from validate.snapshots.manifest import manifest_id
from validate.snapshots.rows import newest_version, read_rows
from validate.snapshots.store import all_snapshots

COLUMNS = (
    "example_id", "tenant", "subject_key", "conversation_id", "verdict", "query", "context",
    "response", "rejected_response",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Check:
    """What was found about a golden set; example and snapshot ids, no text."""

    golden_id: str
    members: int
    is_intact: bool
    """The manifest is that of the members, and the id that of the manifest."""
    gone: Mapping[str, str]
    """Golden examples that are not valid any more, with their verdict now."""
    changed: Sequence[str]
    """Golden examples that read otherwise than when they were added."""
    learnt_before: Mapping[str, int]
    """Snapshots that are older than the set: their train and dev members that are golden or from
    the same customer or conversation. Their models are not measured fairly by it."""
    learnt_since: Mapping[str, int]
    """The same of snapshots frozen since: never expected."""

    @property
    def holds(self) -> bool:
        """Whether a model may be measured by the set."""
        return self.is_intact and not (self.changed or self.learnt_since)


def check_set(lake_dir: str | Path, golden: GoldenSet) -> Check:
    """Compare a golden set with the newest table version and with every snapshot."""
    table = read_rows(lake_dir, newest_version(lake_dir), COLUMNS)
    rows = {row["example_id"]: row for row in table.to_pylist()}
    verdicts = {m.example_id: _verdict(rows.get(m.example_id)) for m in golden.members}
    kin = _kin(golden, rows.values())
    learnt = {
        s.snapshot_id: (s, len(kin & {m.example_id for m in s.members if m.split != "test"}))
        for s in all_snapshots(lake_dir)
        if s.pipeline == golden.pipeline
    }
    return Check(
        golden_id=golden.golden_id,
        members=len(golden.members),
        is_intact=_is_intact(golden),
        gone={i: v for i, v in verdicts.items() if v != "valid"},
        changed=[
            m.example_id
            for m in golden.members
            if m.example_id in rows and not is_same(m, rows[m.example_id])
        ],
        learnt_before={i: n for i, (s, n) in learnt.items() if n and _is_older(s, golden)},
        learnt_since={i: n for i, (s, n) in learnt.items() if n and not _is_older(s, golden)},
    )


def _is_intact(golden: GoldenSet) -> bool:
    expected = build_manifest(golden.pipeline, golden.members)
    return golden.golden_id == manifest_id("gold", expected) and golden.manifest in (None, expected)


def _is_older(snapshot: Snapshot, golden: GoldenSet) -> bool:
    return snapshot.created_at < golden.created_at


def _kin(golden: GoldenSet, rows: Any) -> set[str]:
    """Ids of the golden examples and of every example of their customers and conversations."""
    subjects = {(m.tenant, m.subject_key) for m in golden.members if m.subject_key}
    conversations = {(m.tenant, m.conversation_id) for m in golden.members}
    return {m.example_id for m in golden.members} | {
        row["example_id"]
        for row in rows
        if (row["tenant"], row["subject_key"]) in subjects
        or (row["tenant"], row["conversation_id"]) in conversations
    }


def _verdict(row: Mapping[str, Any] | None) -> str:
    return "gone" if row is None else str(row["verdict"])
