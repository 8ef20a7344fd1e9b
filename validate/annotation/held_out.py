"""What nobody is asked about and no label is made of: the golden set, in whichever split it lies.

Reads `golden`; writes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deskwheel import lake
from deskwheel.tables import GOLDEN

COLUMNS = ("example_id", "conversation_id", "tenant", "subject_key")
"""What a row needs for `Golden.holds`."""


@dataclass(frozen=True)
class Golden:
    """Conversations and customers of every golden set there has been, drafts included."""

    conversations: frozenset[str]
    subjects: frozenset[tuple[str, str]]

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether an example is of a golden one's conversation or customer."""
        return (
            row["conversation_id"] in self.conversations
            or (row["tenant"], row["subject_key"]) in self.subjects
        )


def read_golden(lake_dir: str) -> Golden:
    """The golden examples of a lake, of all its pipelines."""
    rows = lake.read(lake_dir, GOLDEN, columns=["members"])
    members = [member for row in rows.to_pylist() for member in row["members"]]
    return Golden(
        frozenset(m["conversation_id"] for m in members),
        frozenset((m["tenant"], m["subject_key"]) for m in members if m["subject_key"]),
    )
