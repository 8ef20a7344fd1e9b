"""The nine records of deskwheel, in the order in which one becomes the next.

Event → Turn → Conversation → Example → Snapshot → Run → Evaluation → Variant → Feedback

An Example that has met the rules is a ValidatedExample: the same record with its verdict.
Column types exist only here; `deskwheel.schema` derives pyarrow (and from that Spark) types.
All times are UTC. Text fields of every record after Event are redacted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from deskwheel.marks import Cut, Disfluency, Edit, Shift

Channel = Literal["email", "chat", "call"]
EventChannel = Literal["email", "chat", "call", "outcome"]
"""A channel of conversations, or what came of one, told apart from its words."""
OutcomeKind = Literal["status", "csat", "reopened", "edit", "thumbs_up", "thumbs_down"]
Role = Literal["customer", "agent", "bot", "system"]
Thumb = Literal["up", "down"]
Authorship = Literal["human", "model", "model_edited"]
SpeakerNote = Literal["swapped", "one_speaker"]
NoiseReason = Literal["no_customer", "no_answer", "bot_only", "advertisement"]
Split = Literal["train", "dev", "test"]
ExampleKind = Literal["ideal", "negative", "preference"]
IntakeVerdict = Literal["accepted", "rejected", "duplicate"]
ExampleVerdict = Literal["valid", "quarantined", "duplicate", "superseded", "erased"]
GateVerdict = Literal["PROMOTE", "HOLD", "REJECT"]


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """Where in Kafka the original bytes of a record are."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, kw_only=True)
class Redaction:
    """What was masked: the version of the detectors and the number of spans per type."""

    version: str
    counts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Event:
    """One message from the outside world, its bytes untouched, in a CloudEvents 1.0 envelope.

    Published in Kafka binary content mode: the attributes below travel as `ce_*` headers.
    """

    id: str
    """Unique per tenant and topic; two events with one id are the same event delivered twice,
    also by two gateways. Sources that number from 1 must be given ids of their own."""
    source: str
    """Who produced it, for example `chat-gw-1`."""
    type: str
    """`deskwheel.email.message`, `deskwheel.chat.message`, `deskwheel.call.transcript`, …"""
    dataschema: str
    """Name and version of the payload's schema, for example `chat.v1`."""
    time: datetime
    """When it happened at the source; untrusted, see `transforms.stream`."""
    tenant: str
    channel: EventChannel
    key: str
    """Kafka key that keeps a conversation in order; empty where the source knows none."""
    content_type: str
    data: bytes
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Further headers of the source, passed on as they are."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One utterance, normalised and redacted, or a rejected or duplicate event with its reason.

    Each (topic, partition, offset) has at least one row, so the table can be counted against
    Kafka. A row with `is_closing` carries the end of a conversation instead of an utterance, one
    with `outcome` what came of it.
    """

    turn_id: str
    tenant: str
    channel: EventChannel
    """Channel of the conversation; `outcome` only where the outcome was rejected."""
    source: Pointer
    event_id: str
    position: int
    """Index of the utterance within its event, from 0 (a call has many, a chat message one)."""
    verdict: IntakeVerdict
    reason: str | None
    """Code from `deskwheel.reasons`; null when accepted."""
    detail: str | None
    """What was wrong, without text of the customer."""
    conversation_id: str | None
    role: Role | None
    text: str | None
    shadow_text: str | None
    """Text with slang and typos mended, for search only; never trained on."""
    sent_at: datetime
    """Event time, never later than `ingested_at` plus the allowed slack."""
    ingested_at: datetime
    """Time at which the broker appended the event."""
    is_closing: bool
    status: str | None
    """Outcome stated by the source: solved, unsolved, transferred, follow_up, …"""
    csat: int | None
    outcome: OutcomeKind | None = None
    """What an outcome event tells; null in the rows of utterances and closings."""
    about_turn_id: str | None = None
    """Turn that an edit or thumb is about, where the event names its message."""
    draft_text: str | None = None
    """The reply that was suggested, in an outcome of kind edit."""
    final_text: str | None = None
    """The reply that the agent sent instead: with the draft, a preference."""
    subject_key: str | None
    """HMAC-SHA256 of the customer's id: the handle for erasure, useless without the key."""
    agent_key: str | None
    authorship: Authorship
    redaction: Redaction
    ruleset_version: str
    code_version: str
    batch_id: int
    thread_keys: Sequence[str] | None = None
    """Keyed hashes of id, ticket, subject by which mails find a thread (`transforms.threads`)."""
    replaces_turn_id: str | None = None
    """Turn of a chat whose text this one takes the place of; without `text` it was deleted."""
    asr_confidence: float | None = None
    """How sure the recogniser was of a call's turn, in [0, 1]: mean by words."""
    has_cross_talk: bool | None = None
    """Somebody else spoke during the turn; null but for calls."""
    speaker_note: SpeakerNote | None = None
    """Speakers were exchanged as their words showed (swapped) or have one label (one_speaker)."""
    disfluencies: Sequence[Disfluency] | None = None
    """What `transforms.clean.disfluency.restore` puts back into a text; null but for calls."""
    cuts: Sequence[Cut] | None = None
    """What `transforms.clean.cuts.restore` puts back into a mail's text; null but for mails."""
    notes: Mapping[str, int] | None = None
    """How often what was left out of a mail (`transforms.parse.mime.Body`), changed in links
    (`clean.links`) or is meant for a model (`clean.tokens`); null where nothing was."""
    emoji: Sequence[str] | None = None
    """Emoji of the text in their order, at most `transforms.clean.emoji.MOST`; null without any."""


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """A turn as it stands inside a conversation."""

    turn_id: str
    role: Role
    text: str
    sent_at: datetime
    authorship: Authorship
    is_edited: bool | None = None
    """Its text was changed after it was sent; null where nobody changed it."""
    asr_confidence: float | None = None
    has_cross_talk: bool | None = None
    speaker_note: SpeakerNote | None = None
    """These three as the turn has them."""


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """One closed version of a conversation; a late turn reopens it as the next version.

    The row with the highest `version` is current and holds every turn, not only the new ones.
    """

    conversation_id: str
    version: int
    tenant: str
    channel: Channel
    subject_key: str | None
    agent_key: str | None
    opened_at: datetime
    closed_at: datetime
    """Event time of the last turn."""
    close_reason: Literal["stated", "idle", "capped"]
    utterances: Sequence[Utterance]
    status: str | None
    csat: int | None
    resolution_probability: float
    """In [0, 1]; `evidence` are signs with the log-odds each adds (`customer_confirms:+2.39`)."""
    resolution: Literal["resolved", "unresolved", "undecided"]
    evidence: Sequence[str]
    category: str
    sentiment: Literal["negative", "neutral", "positive"]
    redaction: Redaction
    ruleset_version: str
    code_version: str
    batch_id: int
    edits: Sequence[Edit] | None = None
    """Suggestions that agents changed, in order of time; their masks are those of the turns."""
    thumbs: Mapping[str, Thumb] | None = None
    """Last thumb on each turn that has one, by its id."""
    noise: NoiseReason | None = None
    """Why nothing is mined from it, see `transforms.noise`; null for a dialogue."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """One candidate (customer query, agent response) pair mined from a conversation version."""

    example_id: str
    """Hash of conversation id, version and position: the same input mines the same id."""
    tenant: str
    conversation_id: str
    conversation_version: int
    position: int
    channel: Channel
    kind: ExampleKind
    negative_kind: Literal["needless_apology", "rude", "evasive", "unresolved"] | None
    """Why a negative must not be learnt; null for the others."""
    query: str
    response: str
    context: str
    """Earlier utterances, one a line with their role; empty for a first question."""
    category: str
    sentiment: Literal["negative", "neutral", "positive"]
    has_needless_apology: bool
    is_empathetic: bool
    """The response shows that the customer's feelings were understood."""
    resolution_probability: float
    csat: int | None
    subject_key: str | None
    agent_key: str | None
    authorship: Authorship
    turn_ids: Sequence[str]
    redaction: Redaction
    sent_at: datetime
    """Event time of the response."""
    content_hash: str
    """SHA-256 of normalised query and response (and draft): equal for exact copies."""
    ruleset_version: str
    code_version: str
    rejected_response: str | None = None
    """Of a preference the draft in whose place the response was sent; null for the others."""
    thumb: Thumb | None = None
    """Verdict of the customer or an agent on the response; null where nobody gave one."""
    query_language: str | None = None
    """BCP 47 code, such as `pt`; null where the text is too short to be sure."""
    language: str | None = None
    """The response's, where it is too short the query's."""
    relevance: float | None = None
    """How much the response speaks of the query, in [0, 1]; see `transforms.pairs.relevance`."""
    is_answered: bool | None = None
    """The response does something for the query: it does not only ask, put off or refuse."""
    asr_confidence: float | None = None
    speaker_note: SpeakerNote | None = None
    """Both as the least sure and the worst turn of the pair has them; null but for calls."""


@dataclass(frozen=True, kw_only=True)
class ValidatedExample(Example):
    """An Example with its verdict; every candidate has exactly one row."""

    verdict: ExampleVerdict
    reasons: Sequence[str]
    """Rule ids of the suite, in the suite's order; empty when valid."""
    split: Split
    """By hash of the subject, fixed at first sight: a customer is never in two splits."""
    suite_version: str
    validated_at: datetime
    warnings: Sequence[str] | None = None
    """Rule ids of severity warn that it breaks; null in rows of releases that had none."""
    cluster_id: str | None = None
    """Example id of the first of those that say nearly the same; they lie in one split. Null where
    a rule was broken, and in rows of older releases."""
    group_id: str | None = None
    """Example id of the first of those of the cluster that also ask the same: one is valid."""
    duplicate_of: str | None = None
    """The valid example that a duplicate was judged to stand behind; another of the group may have
    taken its place since."""
    signature: bytes | None = None
    """What `validate.near` compares; null after erasure and where a text was missing."""
    attempt: int | None = None
    """How many repairs were applied to the row; null where none was."""
    repair_id: str | None = None
    """The last of them, see `deskwheel.repairs`."""


@dataclass(frozen=True, kw_only=True)
class SnapshotMember:
    """One example of a frozen training set, the split it belongs to, and what it is there for."""

    example_id: str
    split: Split
    kind: ExampleKind | None = None
    """Only an ideal example is trained on as an answer to give; null in snapshots of releases that
    knew no other kind."""
    content_hash: str | None = None
    """The example's hash of the normalised texts; null in older snapshots."""
    text_digest: str | None = None
    """SHA-256 of query, context and response to the letter; null in older snapshots."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A frozen training set: a Delta version, its members and a digest of their content."""

    snapshot_id: str
    pipeline: str
    table_version: int
    """Delta version of `validated_examples` from which the members are read."""
    members: Sequence[SnapshotMember]
    """Ordered by example id."""
    content_digest: str
    """SHA-256 over (example id, split, content hash) of the ideal members in their order."""
    counts: Mapping[str, int]
    """Ideal members per split."""
    suite_version: str
    code_version: str
    created_at: datetime
    manifest: str | None = None
    """Canonical JSON of what was frozen out of what, with the Merkle root of the members;
    `snapshot_id` is its hash. Null in snapshots of releases without one."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One fine-tune: what was trained on what, and the adapter that came out."""

    run_id: str
    pipeline: str
    snapshot_id: str
    content_digest: str
    """Digest of the examples as the training process read them."""
    base_model: str
    adapter_uri: str
    seed: int
    steps: int
    first_loss: float
    last_loss: float
    """Mean token cross-entropy in nats at the first and last report."""
    settings: Mapping[str, str]
    started_at: datetime
    finished_at: datetime
    code_version: str
    earlier_s: float = 0.0
    """Time of the attempts before `started_at` that were broken off, without the waits between."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Scores of base, champion and challenger on one frozen test split, and the gate's verdict."""

    evaluation_id: str
    run_id: str
    snapshot_id: str
    examples: int
    scores: Mapping[str, Mapping[str, float]]
    """Model name (base, champion, challenger) → metric name → value."""
    verdict: GateVerdict
    reasons: Sequence[str]
    evaluated_at: datetime
    shifts: Sequence[Shift] = ()
    """Champion to challenger by category and time slice; what was forgotten is a loss there."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to answer customers, and the share of them who get it."""

    name: str
    pipeline: str
    kind: Literal["prompt", "adapter"]
    base_model: str
    adapter_uri: str | None
    run_id: str | None
    role: Literal["champion", "challenger", "retired"]
    share: float
    """Share of customers in [0, 1]; the shares of champion and challenger add up to 1."""
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """One assignment or outcome of a served answer, tied to its trace."""

    feedback_id: str
    tenant: str
    source: Pointer
    kind: Literal["assignment", "outcome"] | None
    verdict: IntakeVerdict
    reason: str | None
    trace_id: str | None
    conversation_id: str | None
    subject_key: str | None
    variant: str | None
    csat: int | None
    is_completed: bool | None
    occurred_at: datetime
    ingested_at: datetime
    code_version: str
    batch_id: int
