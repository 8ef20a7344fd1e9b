"""The golden set: examples that no model may learn from, so that any two can be compared on them.

Beside the sentence of `deskwheel.records`: a golden set is no step of it but a measure held to it.
Holds no text: the examples are read from `validated_examples`, so that an erasure reaches them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from deskwheel.records import Channel, Split


@dataclass(frozen=True, kw_only=True)
class GoldenMember:
    """One example of a golden set, and by what else its like is recognised."""

    example_id: str
    tenant: str
    subject_key: str | None
    conversation_id: str
    channel: Channel
    category: str
    split: Split
    """As the example has it; a golden example is kept out of train and dev whatever it says."""
    text_digest: str
    """SHA-256 of query, context and response as they were read when it was added."""
    origin: Literal["file", "plan"]
    """Named by a person, or drawn from the test split by a plan."""


@dataclass(frozen=True, kw_only=True)
class GoldenSet:
    """One state of a pipeline's golden set: a draft that grows, or a frozen one."""

    golden_id: str
    """Hash of the manifest; of a draft: of its members."""
    pipeline: str
    is_frozen: bool
    members: Sequence[GoldenMember]
    """Ordered by example id."""
    manifest: str | None
    """Canonical JSON, of which `golden_id` is the hash; null in a draft."""
    code_version: str
    created_at: datetime
