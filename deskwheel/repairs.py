"""What people ask about examples that were judged: one record, one table.

Beside the sentence of `deskwheel.records`: a repair is a request, and the gate alone says what
comes of it. An edited text is redacted; one with what looks like personal data is never stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

RepairAction = Literal["fix", "replay", "accept", "reject"]


@dataclass(frozen=True, kw_only=True)
class Repair:
    """A request to judge a stored example anew: edited, as it is, or by a person's word."""

    repair_id: str
    """Hash of example, action, attempt and all that is asked: the same request twice is one."""
    example_id: str
    tenant: str
    subject_key: str | None
    """The customer's, so that an erasure finds the edited texts, too."""
    action: RepairAction
    """fix: with other texts. replay: as it is, by today's rules. accept: valid although it breaks
    the rules in `despite`. reject: a person keeps it out."""
    attempt: int
    """One more than the row's when it was asked; it is applied only while that is so."""
    query: str | None
    """As edited, as the three below; null where unchanged."""
    response: str | None
    context: str | None
    rejected_response: str | None
    content_hash: str | None
    """Of query and response as they are afterwards; null unless one of them was edited."""
    has_needless_apology: bool | None
    """What the editor says of the response; null where nothing was said."""
    despite: Sequence[str]
    """Rules that a person sets aside; empty but for accept."""
    note: str | None
    """Why, without personal data."""
    actor: str
    """An alias, or the HMAC of a name; never the name of a person."""
    at: datetime
    verdict_before: str
    reasons_before: Sequence[str]
    suite_before: str
    """The verdict, its reasons and the version of the suite when it was asked."""
    code_version: str
