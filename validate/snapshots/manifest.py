"""The manifest of a snapshot: what was frozen out of what, as bytes that are the same each time.

No clock, name of a machine or release of the software is in it: the same table version, judged by
the same suite, frozen under the same settings beside the same golden set, gives the same bytes and
so the same snapshot id. Pure functions; reads and writes no table.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deskwheel.ids import record_id, snapshot_digest
from deskwheel.records import SnapshotMember
from deskwheel.tables import VALIDATED
from validate.near import NEAR_JACCARD, SAME_QUESTION_FROM
from validate.snapshots.contamination import COPIED_SHARE, NGRAM
from validate.snapshots.merkle import leaf_hash, merkle_root

FORMAT = 1
"""Grows when other members or another manifest would come of the same inputs."""
SPLITS = ("train", "dev", "test")
KINDS = ("ideal", "negative", "preference")


def canonical(document: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no spaces, fractions as Python writes them: one text a document."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def manifest_id(prefix: str, manifest: str) -> str:
    """The id that a manifest gives to what it describes."""
    return record_id(prefix, manifest)


def member_leaf(member: SnapshotMember) -> bytes:
    """The Merkle leaf of a member: id, split, kind, content hash and digest of the texts."""
    return leaf_hash(
        member.example_id,
        member.split,
        member.kind or "ideal",
        member.content_hash or "",
        member.text_digest or "",
    )


def members_root(members: Iterable[SnapshotMember]) -> str:
    """Hex Merkle root of members in their order."""
    return merkle_root([member_leaf(m) for m in members]).hex()


def ideal_digest(members: Iterable[SnapshotMember]) -> str:
    """The digest that training computes again from what it reads: of the ideal members alone."""
    return snapshot_digest(
        (m.example_id, m.split, m.content_hash or "") for m in members if m.kind in (None, "ideal")
    )


def count_members(members: Iterable[SnapshotMember]) -> dict[str, dict[str, int]]:
    """Members by kind and split, zeros included."""
    counted: Counter[tuple[str, str]] = Counter((m.kind or "ideal", m.split) for m in members)
    return {kind: {split: counted[kind, split] for split in SPLITS} for kind in KINDS}


def build_manifest(
    members: Sequence[SnapshotMember],
    *,
    pipeline: str,
    table_version: int,
    suites: Mapping[str, int],
    max_contaminated_share: float,
    golden_id: str | None,
    left_out: Mapping[str, int],
) -> str:
    """The manifest of members in order of their ids.

    Args:
        members: what the snapshot holds, every kind.
        pipeline: whose snapshot it is.
        table_version: of `validated_examples`.
        suites: members by the suite version that judged them.
        max_contaminated_share: of train that could be left out; 0 under `block`.
        golden_id: the frozen golden set that was kept out; None if there was none.
        left_out: valid examples that are no members, by reason.
    """
    return canonical(
        {
            "format": FORMAT,
            "pipeline": pipeline,
            "table": VALIDATED.name,
            "table_version": table_version,
            "suites": dict(suites),
            "golden_id": golden_id,
            "config": {
                "max_contaminated_share": max_contaminated_share,
                "copied_share": COPIED_SHARE,
                "near_jaccard": NEAR_JACCARD,
                "ngram_tokens": NGRAM,
                "same_question_share": round(SAME_QUESTION_FROM, 3),
            },
            "left_out": dict(left_out),
            "counts": count_members(members),
            "size": len(members),
            "content_digest": ideal_digest(members),
            "merkle_root": members_root(members),
        }
    )
