"""Rows of `turns` as the stream's state keeps them; the job has the JVM write these lines."""

from typing import Any

from deskwheel.records import Turn
from deskwheel.times import to_us
from transforms.stored import STORED_COLUMNS, StoredTurn


def stored_turn(row: Turn) -> StoredTurn:
    """What `transforms.conversations.stored_line` keeps of an accepted row."""
    named: dict[str, Any] = {
        "sent_us": to_us(row.sent_at),
        "counts": row.redaction.counts,
        "replaces": row.replaces_turn_id,
    }
    kept: dict[str, Any] = {
        name: named.get(name, getattr(row, name, None)) for name in STORED_COLUMNS
    }
    return StoredTurn(**kept)
