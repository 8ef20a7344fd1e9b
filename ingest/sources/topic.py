"""A Kafka topic that exists already, mapped field by field into events. Writes a raw topic.

Reads with a consumer of its own that belongs to no group and commits nothing: where it goes on
stands in the source's position, as the next offset of each partition. A batch that unpacks beyond
`max_unpacked_bytes` is not unpacked; its packed bytes travel as one event, which the stream
rejects as DECOMPRESSION_BOMB. A record that cannot be mapped travels with its original bytes.
"""

import base64
import binascii
import json
import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from deskwheel.errors import ConfigError, ServiceError, SetupError
from deskwheel.ids import record_id
from deskwheel.records import Event
from deskwheel.settings import KafkaSettings, bounded, described
from deskwheel.strict_json import Flaw, read_object
from deskwheel.topics import CHANNELS
from ingest import access
from ingest.contract.payload import check_payload
from ingest.contract.schemas import versions_of
from ingest.envelope import Arrival
from ingest.sources.call import to_event as call_event
from ingest.sources.chat import to_event as chat_event
from ingest.sources.email import to_event as email_event
from ingest.sources.mapping import Mapped, Rules, compile_rules, map_record
from ingest.sources.model import Context, FieldMap, Item, Source
from ingest.sources.outcomes import to_event as outcome_event
from ingest.unpack import REFUSED, REFUSED_DETAIL, bound_unpacking

RAW_FIELD = "raw"
"""The one field of a mail: the whole of it, as RFC 5322 has it."""

ORIGIN = "origin"
"""Header of our event that names the record it was made of: `topic/partition/offset`."""

_TO_EVENT = {
    "email": email_event,
    "chat": chat_event,
    "call": call_event,
    "outcome": outcome_event,
}
_POLL_MS = 500
_MAX_EMPTY_POLLS = 20
"""Polls without a record after which what is left counts as out of reach: 10 s."""
_PARTITIONS_S = 30.0
_TIMEOUT_MS = 10_000
_FETCH_BYTES = 4 * 1024 * 1024
_HEADER = re.compile(r"(?!ce_|dlq\.|refused)[a-z0-9_.-]{1,100}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LOG = logging.getLogger(__name__)


def _table(doc: str) -> Any:
    return field(default_factory=dict, metadata={"doc": doc})


@dataclass(frozen=True)
class TopicOptions:
    """Which topic is read, and what its records mean."""

    topic: str = described("", "Topic that is read.", pattern=r"[A-Za-z0-9._-]{1,249}")
    channel: str = described("chat", "Channel of the events.", CHANNELS)
    payload: str = described(
        "mapped",
        "`mapped` makes payloads of JSON records by the tables below, `as_is` takes values whole.",
        ("mapped", "as_is"),
    )
    bootstrap: str = described(
        "", "Brokers of the topic where they are not the pipeline's; `[kafka]` says all else."
    )
    start: str = described(
        "earliest", "Where a source without a position begins.", ("earliest", "latest")
    )
    fields: Mapping[str, str] = _table("Field of our schema = JSONPath in the record.")
    constants: Mapping[str, str] = _table("Field of our schema = value of every event.")
    values: Mapping[str, str] = _table("`field:value there` = value here; `field:*` the others.")
    times: Mapping[str, str] = _table("Field = iso, epoch_s or epoch_ms; iso where left out.")
    raw_encoding: str = described(
        "text", "How a mail stands in its field `raw`.", ("text", "base64")
    )
    max_unpacked_bytes: int = bounded(
        33_554_432, 65_536, 536_870_912, "A batch that expands beyond is refused whole."
    )


def read(options: TopicOptions, context: Context) -> Iterator[Item]:
    """Yield one event a record, in the order of each partition.

    Raises:
        ConfigError: a path, rule or setting is wrong.
        SetupError: there is no such topic, or the position lies beyond its end.
        ServiceError: no broker answers.
    """
    rules = _rules(options)
    with _consumer(options, context.kafka) as consumer:
        offsets = _begin(consumer, options, context.position)
        for record in _records(consumer, options.topic, offsets, context):
            offsets[record.partition] = record.offset + 1
            event, fields = to_event(record, options, rules, context)
            yield Item(
                event=event,
                origin=_place(record),
                position=_position(options.topic, offsets),
                fields=fields if context.is_sampling else (),
            )


def to_event(
    record: Any, options: TopicOptions, rules: Rules | None, context: Context
) -> tuple[Event, tuple[FieldMap, ...]]:
    """The event of one record, and how its fields were mapped."""
    headers = {name.lower(): (v or b"").decode("utf-8", "replace") for name, v in record.headers}
    value, is_mapped = record.value or b"", False
    fields: tuple[FieldMap, ...] = ()
    if headers.get(REFUSED):
        pass
    elif rules is None:
        is_mapped = True
    else:
        payload, fields = _payload(value, options, rules)
        value, is_mapped = payload or value, payload is not None
    arrival = Arrival(
        data=value,
        received_at=_moment(record.timestamp) or context.now(),
        headers=_headers(headers, record, options),
        tenant=context.tenant,
    )
    event = _TO_EVENT[options.channel](arrival)
    if not is_mapped:
        # Its bytes name nothing: two records alike are two events nevertheless.
        event = replace(event, id=record_id("evt", options.channel, _place(record)))
    return event, fields


def _payload(
    value: bytes, options: TopicOptions, rules: Rules
) -> tuple[bytes | None, tuple[FieldMap, ...]]:
    """The payload of a record, or None where the contract would refuse what came out."""
    record = read_object(value)
    if isinstance(record, Flaw):
        problem = f"{record.reason}: {record.detail}"
        return None, (FieldMap(canonical=None, source="$", problem=problem),)
    mapped = map_record(record, rules)
    if options.channel == "email":
        return _mail(mapped, options.raw_encoding), mapped.fields
    payload = json.dumps(mapped.payload, ensure_ascii=False).encode("utf-8", "surrogatepass")
    problems = {p.field: p for p in check_payload(_schema(options), payload).problems}
    unnamed = set(problems) - {f.canonical for f in mapped.fields}
    fields = [
        replace(f, problem=f"{problems[f.canonical].reason}: {problems[f.canonical].detail}")
        if f.problem is None and f.canonical in problems
        else f
        for f in mapped.fields
    ]
    fields += [
        FieldMap(canonical=name, source=None, problem=f"{problems[name].reason}: not mapped")
        for name in sorted(unnamed)
    ]
    is_whole = mapped.is_whole and not problems
    return payload if is_whole else None, tuple(fields)


def _mail(mapped: Mapped, encoding: str) -> bytes | None:
    raw = mapped.payload.get(RAW_FIELD)
    if not isinstance(raw, str) or not mapped.is_whole:
        return None
    if encoding == "text":
        return raw.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(raw, validate=True)
    except (binascii.Error, ValueError):
        return None


def _rules(options: TopicOptions) -> Rules | None:
    if options.payload == "as_is":
        return None
    if not options.fields:
        raise ConfigError("options.fields is empty; map at least one field, or payload = as_is")
    if options.channel == "email" and RAW_FIELD not in options.fields:
        raise ConfigError(f"options.fields needs {RAW_FIELD!r}, the path of the whole mail")
    return compile_rules(
        _schema(options),
        fields=options.fields,
        constants=options.constants,
        values=options.values,
        times=options.times,
    )


def _schema(options: TopicOptions) -> str:
    return versions_of(options.channel)[-1]


def _headers(found: Mapping[str, str], record: Any, options: TopicOptions) -> dict[str, str]:
    """Headers of our event; those of the record travel where its value does as it is."""
    kept = {}
    if options.payload == "as_is":
        kept = {n: v for n, v in found.items() if _HEADER.fullmatch(n) and not _CONTROL.search(v)}
    told = {name: _CONTROL.sub(" ", found[name]) for name in (REFUSED, REFUSED_DETAIL)
            if name in found}  # fmt: skip
    return {
        **kept,
        **told,
        "producer": f"topic:{options.topic}",
        "schema": _CONTROL.sub(" ", found.get("ce_dataschema", "")) or _schema(options),
        ORIGIN: _place(record),
    }


@contextmanager
def _consumer(options: TopicOptions, kafka: KafkaSettings) -> Iterator[Any]:
    """Yield a consumer that is assigned nothing yet and unpacks no bomb."""
    settings = replace(kafka, bootstrap=options.bootstrap) if options.bootstrap else kafka
    try:
        with access.watched() as seen:
            consumer = KafkaConsumer(
                **access.client_arguments(settings),
                client_id="deskwheel-source",
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                allow_auto_create_topics=False,
                # In pure Python the sum takes longer than all the rest (9 MB/s measured).
                check_crcs=False,
                fetch_max_bytes=4 * _FETCH_BYTES,
                max_partition_fetch_bytes=_FETCH_BYTES,
                bootstrap_timeout_ms=_TIMEOUT_MS,
                request_timeout_ms=_TIMEOUT_MS,
            )
            bound_unpacking(consumer, options.max_unpacked_bytes)
            try:
                yield consumer
            finally:
                consumer.close()
    except KafkaError as error:
        raise ServiceError(
            f"topic {options.topic} at {settings.bootstrap}: {access.explained(seen, error)}"
        ) from error


def _begin(consumer: Any, options: TopicOptions, position: str | None) -> dict[int, int]:
    """Assign every partition, seek to the position, and return the next offset of each."""
    parts = _partitions(consumer, options.topic)
    if not parts:
        raise SetupError(f"topic {options.topic}: no such topic; check options.topic and bootstrap")
    kept = _kept(options.topic, position)
    first = consumer.beginning_offsets(parts)
    end = consumer.end_offsets(parts)
    is_fresh = kept is None and options.start == "latest"
    offsets = {}
    consumer.assign(parts)
    for part in parts:
        at = end[part] if is_fresh else (kept or {}).get(part.partition, first[part])
        if at > end[part]:
            raise SetupError(
                f"topic {options.topic}/{part.partition} ends at offset {end[part]}, before the"
                f" position {at}: was it made anew? Remove the source's position to begin again"
            )
        if at < first[part]:
            lost = first[part] - at
            _LOG.warning(
                "topic %s/%d: %d records were deleted before they were read",
                options.topic, part.partition, lost,
            )  # fmt: skip
            at = first[part]
        consumer.seek(part, at)
        offsets[part.partition] = at
    return offsets


def _records(consumer: Any, topic: str, offsets: dict[int, int], context: Context) -> Iterator[Any]:
    """Yield records up to today's ends, or until the stop, with partitions that come meanwhile."""
    ends = consumer.end_offsets([TopicPartition(topic, p) for p in offsets])
    looked_at, empty = time.monotonic(), 0
    while not context.stop.is_set():
        if not context.is_following:
            if all(consumer.position(p) >= end for p, end in ends.items()):
                return
            if empty >= _MAX_EMPTY_POLLS:
                # Raises where it is the brokers who are out of reach.
                consumer.end_offsets(list(ends))
                return
        batch = consumer.poll(timeout_ms=_POLL_MS)
        empty = 0 if batch else empty + 1
        for part, records in batch.items():
            for record in records:
                if context.is_following or record.offset < ends[part]:
                    yield record
        if context.is_following and time.monotonic() - looked_at > _PARTITIONS_S:
            _add_partitions(consumer, topic, offsets)
            looked_at = time.monotonic()


def _add_partitions(consumer: Any, topic: str, offsets: dict[int, int]) -> None:
    parts = _partitions(consumer, topic)
    new = [p for p in parts if p.partition not in offsets]
    if not new:
        return
    places = {p: consumer.position(p) for p in consumer.assignment()}
    consumer.assign(parts)
    for part in parts:
        consumer.seek(part, places.get(part, 0))
    offsets.update({p.partition: 0 for p in new})


def _partitions(consumer: Any, topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]


def _position(topic: str, offsets: Mapping[int, int]) -> str:
    return json.dumps({"topic": topic, "offsets": {str(p): at for p, at in offsets.items()}})


def _kept(topic: str, position: str | None) -> dict[int, int] | None:
    """Next offset by partition, as `_position` wrote it."""
    if position is None:
        return None
    try:
        kept = json.loads(position)
        if kept["topic"] == topic:
            return {int(p): int(at) for p, at in kept["offsets"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SetupError(f"position {position[:80]!r} is none of a topic; remove it") from error
    raise SetupError(
        f"the position is of topic {kept['topic']!r}, not {topic!r}; give the source another name"
    )


def _place(record: Any) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


def _moment(timestamp_ms: int | None) -> datetime | None:
    if timestamp_ms is None or timestamp_ms < 0:
        return None
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


SOURCE = Source(
    channel="chat",
    about="A Kafka topic that exists already, each record mapped by JSONPath.",
    options=TopicOptions,
    read=read,
)
