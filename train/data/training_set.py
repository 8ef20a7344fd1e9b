"""A frozen snapshot as the examples a model reads, checked against its digest.

Reads `snapshots`, `golden` and `validated_examples` without a JVM; writes nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deltalake.exceptions import DeltaError

from deskwheel import lake
from deskwheel.chat import Message, user_message
from deskwheel.errors import SnapshotError
from deskwheel.ids import digest, snapshot_digest
from deskwheel.records import Snapshot, SnapshotMember, Split
from deskwheel.tables import GOLDEN, SNAPSHOTS, VALIDATED
from train.data.contamination import check_contamination, check_kinds

_COLUMNS = [
    "example_id",
    "conversation_id",
    "query",
    "response",
    "context",
    "content_hash",
    "verdict",
    "kind",
    "is_empathetic",
    "authorship",
    "category",
    "sent_at",
]


@dataclass(frozen=True, kw_only=True)
class ChatRow:
    """One example as a chat: what the customer writes and what the model should answer."""

    example_id: str
    conversation_id: str
    query: str
    context: str
    response: str
    is_empathetic: bool = False
    is_corrected: bool = False
    """An agent changed a model's draft into it."""
    category: str = ""
    month: str = ""
    """Of the response's time, such as `2026-03`; this and the category empty where unknown."""

    def messages(self) -> list[Message]:
        """The prompt of the example: one message of the user."""
        return [user_message(self.query, self.context)]


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """The ideal examples of a snapshot by split, in order of example id, and their digest."""

    snapshot: Snapshot
    content_digest: str
    """As recomputed from the rows that were read."""
    rows: Mapping[Split, Sequence[ChatRow]]


def find_snapshot(lake_dir: str, snapshot_id: str) -> Snapshot:
    """The snapshot with an id.

    Raises:
        SnapshotError: there is none.
    """
    for row in lake.read(lake_dir, SNAPSHOTS).to_pylist():
        if row["snapshot_id"] == snapshot_id:
            members = tuple(SnapshotMember(**member) for member in row["members"])
            return Snapshot(**{**row, "members": members, "counts": dict(row["counts"])})
    raise SnapshotError(
        f"snapshot {snapshot_id!r} is not in {lake.table_path(lake_dir, SNAPSHOTS)};"
        " list them with `python -m validate snapshot list`"
    )


def load_training_set(lake_dir: str, snapshot: Snapshot) -> TrainingSet:
    """The ideal examples of a snapshot, read at its table version.

    What must not be learnt as an answer (members of another kind) is not read.

    Raises:
        SnapshotError: the version cannot be read any more, a member is missing or no ideal
            example, the digest of what was read differs from the frozen one, or the snapshot is
            contaminated (`train.data.contamination`). Never trains on something else.
    """
    found = {row["example_id"]: row for row in read_valid(lake_dir, snapshot, _COLUMNS)}
    members = [m for m in snapshot.members if m.kind in (None, "ideal")]
    missing = [m.example_id for m in members if m.example_id not in found]
    if missing:
        raise SnapshotError(
            f"snapshot {snapshot.snapshot_id}: {len(missing)} of {len(members)} members"
            f" are not in version {snapshot.table_version}, first {missing[0]}; freeze a new one"
        )
    content_digest = snapshot_digest(
        (m.example_id, m.split, found[m.example_id]["content_hash"]) for m in members
    )
    if content_digest != snapshot.content_digest:
        raise SnapshotError(
            f"snapshot {snapshot.snapshot_id}: digest {content_digest[:12]}… is not the frozen"
            f" {snapshot.content_digest[:12]}…: the data changed; freeze a new one"
        )
    check_kinds(snapshot, {m.example_id: found[m.example_id]["kind"] for m in members})
    check_contamination(
        snapshot,
        {m.example_id: found[m.example_id]["content_hash"] for m in members},
        golden=golden_ids(lake_dir, snapshot),
    )
    rows: dict[Split, list[ChatRow]] = {"train": [], "dev": [], "test": []}
    for member in sorted(members, key=lambda m: m.example_id):
        rows[member.split].append(_chat_row(found[member.example_id]))
    return TrainingSet(snapshot=snapshot, content_digest=content_digest, rows=rows)


def choose_examples(rows: Sequence[ChatRow], limit: int) -> list[ChatRow]:
    """At most `limit` rows, the same ones for every model and run, whole conversations first.

    Conversations are taken in the order of their hash, so the choice depends on no clock or seed.
    """
    ordered = sorted(rows, key=lambda r: (digest(r.conversation_id), r.example_id))
    return ordered[:limit]


def read_valid(lake_dir: str, snapshot: Snapshot, columns: Sequence[str]) -> list[dict[str, Any]]:
    """The valid examples at the version of a snapshot; `verdict` is one of the columns.

    Raises:
        SnapshotError: the version cannot be read any more.
    """
    version = snapshot.table_version
    try:
        table = lake.read(lake_dir, VALIDATED, columns=list(columns), version=version)
    except (DeltaError, FileNotFoundError, OSError) as error:
        raise SnapshotError(
            f"snapshot {snapshot.snapshot_id}: version {version} of {VALIDATED.name} cannot be"
            f" read ({error}); raise the table's retention and freeze a new one"
        ) from error
    return [row for row in table.to_pylist() if row["verdict"] == "valid"]


def golden_ids(lake_dir: str, snapshot: Snapshot) -> set[str]:
    """Examples of the golden set that the snapshot was frozen beside; none where it names none."""
    golden_id = json.loads(snapshot.manifest or "{}").get("golden_id")
    if golden_id is None:
        return set()
    for row in lake.read(lake_dir, GOLDEN, columns=["golden_id", "members"]).to_pylist():
        if row["golden_id"] == golden_id:
            return {member["example_id"] for member in row["members"]}
    raise SnapshotError(
        f"snapshot {snapshot.snapshot_id}: the golden set {golden_id} that was kept out of it is"
        f" not in {lake.table_path(lake_dir, GOLDEN)}; restore it or freeze a new snapshot"
    )


def _chat_row(row: Mapping[str, Any]) -> ChatRow:
    return ChatRow(
        example_id=row["example_id"],
        conversation_id=row["conversation_id"],
        query=row["query"],
        context=row["context"],
        response=row["response"],
        is_empathetic=bool(row["is_empathetic"]),
        is_corrected=row["authorship"] == "model_edited",
        category=row["category"],
        month=row["sent_at"].strftime("%Y-%m"),
    )
