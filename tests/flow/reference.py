"""What the streaming job should make of events, in plain Python: no Kafka, Spark, Delta or state.

Same parsing, assembly and mining as the job, none of its machinery: what differs between the
two was lost, doubled or torn apart on the way.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from deskwheel import reasons
from deskwheel.records import Conversation, Event, Example, Pointer, Turn
from deskwheel.settings import TransformsSettings
from deskwheel.topics import raw_topic
from ingest.envelope import headers_of
from transforms.assemble import assemble
from transforms.pairs.mine import mine_pairs
from transforms.parse.model import RawEvent
from transforms.stored import StoredTurn
from transforms.threads import Mail, assign_threads
from transforms.turns import Rules, turn_rows

SUBJECT_WINDOW = timedelta(hours=TransformsSettings().thread_subject_h)

_ROUTE = {"version", "close_reason", "batch_id"}
"""Fields of a conversation that tell how it came about, not what was said."""

_EXAMPLE_ROUTE = {"example_id", "conversation_version"}


@dataclass(frozen=True)
class Reference:
    """Every event's rows, and each conversation once, with its pairs, as if nothing came late."""

    turns: Sequence[Turn]
    """Rows of all events in order of arrival; a redelivered event is one `duplicate` row."""
    conversations: Mapping[str, Conversation]
    examples: Sequence[Example]

    def count(self, verdict: str, topic: str) -> int:
        """How many events of a topic have a verdict; a call counts once."""
        places = {t.source for t in self.turns if t.verdict == verdict and t.source.topic == topic}
        return len(places)


def reference(events: Iterable[Event], rules: Rules, *, now: datetime | None = None) -> Reference:
    """The outcome of events that arrive in this order, all of them before anything closes.

    Offsets are counted a topic, all in partition 0. `now` is the broker's clock.
    """
    now = now or datetime.now(UTC)
    turns = _threaded(_deduplicated(_rows(events, rules, now)))
    by_id: dict[str, list[Turn]] = {}
    for turn in turns:
        if turn.verdict == "accepted" and turn.conversation_id is not None:
            by_id.setdefault(turn.conversation_id, []).append(turn)
    conversations = {
        name: assemble(
            name,
            [stored(t) for t in said],
            version=1,
            close_reason="idle",
            batch_id=0,
            secret=rules.secret,
            company_domains=rules.limits.company_domains,
        )
        for name, said in by_id.items()
    }
    examples = [pair for c in conversations.values() for pair in mine_pairs(c)]
    return Reference(turns, conversations, examples)


def stored(turn: Turn) -> StoredTurn:
    """A turn as the stream's state keeps it."""
    return StoredTurn(
        turn_id=turn.turn_id,
        tenant=turn.tenant,
        channel=turn.channel,
        role=turn.role,
        text=turn.text,
        sent_us=round(turn.sent_at.timestamp() * 1_000_000),
        is_closing=turn.is_closing,
        status=turn.status,
        csat=turn.csat,
        subject_key=turn.subject_key,
        agent_key=turn.agent_key,
        authorship=turn.authorship,
        counts=dict(turn.redaction.counts),
        replaces=turn.replaces_turn_id,
        asr_confidence=turn.asr_confidence,
        has_cross_talk=turn.has_cross_talk,
        speaker_note=turn.speaker_note,
        outcome=turn.outcome,
        about_turn_id=turn.about_turn_id,
        draft_text=turn.draft_text,
        final_text=turn.final_text,
    )


def content(record: Conversation | Example | Mapping[str, Any]) -> dict[str, Any]:
    """What a conversation or example says, without the version and batch in which it came.

    Takes records and rows of `deskwheel.lake.read(…).to_pylist()`, and makes them comparable.
    """
    row = dict(record) if isinstance(record, Mapping) else asdict(record)
    kept = {k: v for k, v in row.items() if k not in _ROUTE | _EXAMPLE_ROUTE}
    kept["redaction"] = {**kept["redaction"], "counts": dict(kept["redaction"]["counts"])}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in kept.items()}


def current(conversations: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The newest version of each conversation out of the rows of the table."""
    newest: dict[str, Mapping[str, Any]] = {}
    for row in conversations:
        known = newest.get(row["conversation_id"])
        if known is None or row["version"] > known["version"]:
            newest[row["conversation_id"]] = row
    return newest


def _rows(events: Iterable[Event], rules: Rules, now: datetime) -> list[list[Turn]]:
    rows, offsets = [], dict[str, int]()
    for event in events:
        topic = raw_topic(event.channel)
        offset = offsets[topic] = offsets.get(topic, -1) + 1
        raw = RawEvent(
            channel=event.channel,
            data=event.data if len(event.data) <= rules.limits.max_event_bytes else b"",
            size=len(event.data),
            headers={k.lower(): v.decode("utf-8", "replace") for k, v in headers_of(event)},
            ingested_at=now,
        )
        place = Pointer(topic=topic, partition=0, offset=offset)
        rows.append(turn_rows(raw, place, rules, batch_id=0))
    return rows


def _threaded(turns: Sequence[Turn]) -> list[Turn]:
    """The turns with every mail in its thread."""
    mails = [t for t in turns if t.thread_keys is not None and t.verdict == "accepted"]
    threads = assign_threads(
        [Mail(t.conversation_id or "", t.sent_at, t.thread_keys or ()) for t in mails],
        [],
        subject_window=SUBJECT_WINDOW,
    )
    found = {t.turn_id: thread for t, thread in zip(mails, threads, strict=True)}
    return [replace(t, conversation_id=found.get(t.turn_id, t.conversation_id)) for t in turns]


def _deduplicated(rows: Iterable[list[Turn]]) -> list[Turn]:
    kept: list[Turn] = []
    seen: set[tuple[str, str]] = set()
    for of_event in rows:
        first = of_event[0]
        key = (first.source.topic, first.event_id)
        if first.verdict == "accepted" and key in seen:
            kept.append(
                replace(first, verdict="duplicate", reason=reasons.DUPLICATE_EVENT, text=None,
                        shadow_text=None)
            )  # fmt: skip
            continue
        if first.verdict == "accepted":
            seen.add(key)
        kept.extend(of_event)
    return kept
