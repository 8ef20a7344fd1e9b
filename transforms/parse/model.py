"""What parsers take and give: plain values, free of Spark and of Kafka."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from deskwheel import reasons
from deskwheel.records import Authorship, Channel, OutcomeKind, Role, SpeakerNote
from deskwheel.strict_json import MAX_DEPTH
from deskwheel.times import parse_time
from transforms.parse.thread import Links

__all__ = [
    "Closing",
    "Limits",
    "ParsedEvent",
    "RawEvent",
    "Rejection",
    "Said",
    "Told",
    "parse_time",
]


class Rejection(Exception):  # noqa: N818  a verdict on data, not an error of ours
    """Why an event has no utterances: a code of `deskwheel.reasons` and what was wrong.

    The detail names fields and sizes, never text of the customer.
    """

    def __init__(self, reason: str, detail: str) -> None:
        """Keep the code and the detail."""
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class RawEvent:
    """One Kafka record as the parsers see it; `data` is empty where it was too large to load."""

    channel: str
    data: bytes
    size: int
    """Length of the value in Kafka, in bytes."""
    headers: Mapping[str, str]
    ingested_at: datetime

    def header(self, name: str) -> str:
        """A header's value, or the empty string; names are compared without regard to case."""
        return self.headers.get(name.lower(), "")

    def envelope_time(self) -> datetime:
        """CloudEvents `time`, or the broker's time where it is missing or unreadable."""
        return parse_time(self.header("ce_time")) or self.ingested_at


@dataclass(frozen=True)
class Limits:
    """What an event may not exceed."""

    max_event_bytes: int
    future_slack: timedelta
    earliest: datetime
    company_domains: tuple[str, ...]
    max_depth: int = MAX_DEPTH

    def check_time(self, at: datetime, ingested_at: datetime) -> None:
        """Refuse a time that would drag the stream's clock along.

        One message dated 2099 moves a watermark past every conversation that is open.
        """
        if at > ingested_at + self.future_slack:
            raise Rejection(reasons.TIME_FUTURE, f"dated {at.isoformat()}")
        if at < self.earliest:
            raise Rejection(reasons.TIME_PAST, f"dated {at.isoformat()}")


@dataclass(frozen=True)
class Said:
    """One utterance before cleaning and redaction."""

    role: Role
    text: str
    sent_at: datetime
    agent_id: str | None = None
    authorship: Authorship = "human"
    status: str | None = None
    replaces: str | None = None
    """Message whose text this one takes the place of; without text it was deleted."""
    asr_confidence: float | None = None
    has_cross_talk: bool | None = None
    speaker_note: SpeakerNote | None = None
    notes: Mapping[str, int] = field(default_factory=dict)
    """What the parser left out or had to guess, and how often."""


@dataclass(frozen=True)
class Closing:
    """The end of a conversation as its source states it."""

    at: datetime
    status: str | None
    csat: int | None


@dataclass(frozen=True)
class Told:
    """What came of a conversation, told by an outcome event before redaction."""

    kind: OutcomeKind
    channel: Channel
    """Of the conversation, where the event's own channel is `outcome`."""
    at: datetime
    is_closing: bool = False
    """The source says that the conversation is over."""
    status: str | None = None
    csat: int | None = None
    agent_id: str | None = None
    message_id: str | None = None
    """Message that it is about, as its own event states it."""
    draft: str | None = None
    final: str | None = None


@dataclass(frozen=True)
class ParsedEvent:
    """All that one event says."""

    event_id: str
    conversation_id: str
    customer_id: str | None
    utterances: Sequence[Said]
    closing: Closing | None = None
    told: Told | None = None
    known_names: tuple[str, ...] = ()
    """Names of people that the envelope states; they are masked wherever they occur."""
    links: Links | None = None
    """Of a mail: what ties it to others of its thread."""
