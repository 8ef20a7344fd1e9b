"""Toy rows of the tables that train reads, and a toy model that trains in a second."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deskwheel import lake
from deskwheel.ids import digest, snapshot_digest
from deskwheel.records import Redaction, Snapshot, SnapshotMember, Split, ValidatedExample
from deskwheel.schema import to_table
from deskwheel.settings import Settings, TrainSettings
from deskwheel.tables import SNAPSHOTS, VALIDATED
from tests import places
from tests.validate.rows import GOOD, NOON
from train.data.training_set import ChatRow

_GOOD = ValidatedExample(
    **{**vars(GOOD), "context": "", "redaction": Redaction(version="r1", counts={})},
    verdict="valid",
    reasons=(),
    split="train",
    suite_version="suite-1",
    validated_at=NOON,
)


def example(
    number: int, *, category: str = "SETUP", split: Split = "train", is_valid: bool = True
) -> ValidatedExample:
    """A validated example that differs from the others by its number."""
    return replace(
        _GOOD,
        example_id=f"ex-{number:03}",
        conversation_id=f"conv-{number:03}",
        query=f"How do I reset lamp {number}?",
        response=f"Switch lamp {number} on and off six times.",
        category=category,
        content_hash=digest(str(number)),
        split=split,
        verdict="valid" if is_valid else "quarantined",
    )


def write_examples(lake_dir: str, examples: Sequence[ValidatedExample]) -> int:
    """Append examples in one commit; the table's new version."""
    return lake.append(lake_dir, VALIDATED, to_table(examples, ValidatedExample))


def freeze(lake_dir: str, examples: Sequence[ValidatedExample], *, version: int) -> Snapshot:
    """Store and return the snapshot of some examples at a version."""
    rows = sorted((e.example_id, e.split, e.content_hash) for e in examples)
    snapshot = Snapshot(
        snapshot_id="snap-1",
        pipeline="support",
        table_version=version,
        members=[SnapshotMember(example_id=e.example_id, split=e.split) for e in examples],
        content_digest=snapshot_digest(rows),
        counts={"train": len(rows), "dev": 0, "test": 0},
        suite_version="suite-1",
        code_version="0.1.0",
        created_at=NOON,
    )
    lake.append(lake_dir, SNAPSHOTS, to_table([snapshot], Snapshot))
    return snapshot


def settings_in(folder: Path, **train: object) -> Settings:
    """Settings whose every path lies in a folder; the rest changes `train`."""
    plain = places.settings_in(folder)
    return replace(plain, train=replace(plain.train, **train))


def quick(**changes: object) -> TrainSettings:
    """Training settings of a run that takes seconds on the demo base."""
    plain = TrainSettings(
        steps=6, lr=5e-3, accumulation=1, max_length=96, lora_r=4, threads=1, checkpoint_steps=3
    )
    return replace(plain, **changes)


def chat_rows(count: int) -> list[ChatRow]:
    """Toy chat rows."""
    return [
        ChatRow(
            example_id=e.example_id,
            conversation_id=e.conversation_id,
            query=e.query,
            context=e.context,
            response=e.response,
        )
        for e in map(example, range(count))
    ]
