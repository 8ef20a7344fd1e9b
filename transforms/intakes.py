"""Which topics fill which table, and how the rows of their events are made and recognised.

Reads and writes no table: `transforms.intake` runs these, and a backfill runs them over the past.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from deskwheel.tables import FEEDBACK, TURNS, Table
from deskwheel.topics import FEEDBACK as FEEDBACK_TOPIC
from deskwheel.topics import RAW
from transforms.outcomes import feedback_rows
from transforms.turns import turn_rows

RowMaker = Callable[..., Sequence[Any]]


@dataclass(frozen=True)
class Intake:
    """One stream from topics to a table."""

    name: str
    topics: tuple[str, ...]
    table: Table
    make_rows: RowMaker
    """(event, pointer, rules, batch_id=…) → rows; called in the Spark workers."""
    id_column: str
    """Column by which a redelivered event is recognised, together with the topic."""
    order_column: str
    """Among rows of one event, the row with the lowest value stays when it is a duplicate."""


TURNS_INTAKE = Intake("turns", tuple(t.name for t in RAW), TURNS, turn_rows, "event_id", "position")
FEEDBACK_INTAKE = Intake(
    "feedback", (FEEDBACK_TOPIC.name,), FEEDBACK, feedback_rows, "feedback_id", "feedback_id"
)
