"""What the stateful stream keeps of a turn until its conversation closes.

Pure; reads and writes no table. A line of state is JSON: newer code reads old state.
"""

import json
from dataclasses import dataclass, field, fields

from deskwheel.records import Channel


@dataclass(frozen=True, kw_only=True)
class StoredTurn:
    """What the stream's state keeps of a turn."""

    turn_id: str
    tenant: str
    channel: Channel
    role: str | None = None
    text: str | None = None
    sent_us: int
    """Event time in microseconds since the epoch."""
    is_closing: bool
    status: str | None = None
    csat: int | None = None
    subject_key: str | None = None
    agent_key: str | None = None
    authorship: str
    counts: dict[str, int] = field(default_factory=dict)
    replaces: str | None = None
    """Turn whose text this one takes the place of; without text it was deleted."""
    is_edited: bool | None = None
    """Known only when the conversation is assembled."""
    asr_confidence: float | None = None
    has_cross_talk: bool | None = None
    speaker_note: str | None = None
    outcome: str | None = None
    about_turn_id: str | None = None
    draft_text: str | None = None
    final_text: str | None = None
    """These four of what an outcome event tells, as the turn has them."""

    def to_json(self) -> str:
        """One line of state, without what is not known.

        A field that is added needs a default, so that old state stays readable.
        """
        known = {name: value for name, value in self.__dict__.items() if value is not None}
        return json.dumps(known, ensure_ascii=False, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> "StoredTurn":
        """The turn of a line that `to_json` or `transforms.conversations.stored_line` wrote."""
        return StoredTurn(**json.loads(text))


STORED_COLUMNS = tuple(f.name for f in fields(StoredTurn) if f.name != "is_edited")
"""What is kept of a row of `turns`, by the names of `StoredTurn`."""
