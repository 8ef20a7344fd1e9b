"""A topic that exists already: mapping, positions, and batches that must not be unpacked."""

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import zstandard
from kafka import KafkaProducer
from kafka.consumer.fetcher import ConsumerRecord
from kafka.record.default_records import DefaultRecordBase
from kafka.record.util import encode_varint

from deskwheel import reasons
from deskwheel.errors import ConfigError, ServiceError, SetupError
from deskwheel.settings import KafkaSettings
from ingest.brokers import administration
from ingest.contract import check
from ingest.sources import SOURCES
from ingest.sources.model import Context, Item
from ingest.sources.topic import TopicOptions, _rules, read, to_event
from ingest.unpack import UnpackError, unpack
from tests.ingest.conftest import NOON

BATCH_HEAD_BYTES = DefaultRecordBase.HEADER_STRUCT.size
NOON_MS = int(NOON.timestamp() * 1000)
FOREIGN: dict[str, Any] = {
    "id": 17,
    "thread": {"id": "th-1", "who": {"id": "c-9"}},
    "from": "usr",
    "body": "Where is my parcel?",
    "ts": NOON_MS,
}
CHAT = TopicOptions(
    topic="orders",
    fields={
        "message_id": "$.id",
        "conversation_id": "$.thread.id",
        "customer_id": "$.thread.who.id",
        "sender": "$.from",
        "text": "$.body",
        "sent_at": "$.ts",
    },
    values={"sender:usr": "customer", "sender:rep": "agent"},
    times={"sent_at": "epoch_ms"},
)
CALL = TopicOptions(
    topic="orders",
    channel="call",
    fields={
        "call_id": "$.call",
        "started_at": "$.begin",
        "segments[]": "$.lines[*]",
        "segments[].speaker": "$.who",
        "segments[].text": "$.said",
        "segments[].start_s": "$.from",
        "segments[].end_s": "$.to",
    },
    values={"segments[].speaker:A": "agent", "segments[].speaker:*": "customer"},
    times={"started_at": "epoch_s"},
)
LINES = [{"who": "A", "said": "Hello.", "from": 0, "to": 1}, {"who": "B", "said": "Hi.", "from": 2,
         "to": 3.5}]  # fmt: skip


def record(value: Any, **changes: Any) -> ConsumerRecord:
    data = value if isinstance(value, bytes | None) else json.dumps(value).encode()
    plain = ConsumerRecord(
        "orders", 2, 0, 40, NOON_MS, 0, None, data, [], None, -1, len(data or b""), -1
    )
    return plain._replace(**changes)


def event_of(value: Any, options: TopicOptions = CHAT, **changes: Any) -> Any:
    context = Context(tenant="acme", is_sampling=True, now=lambda: NOON)
    return to_event(record(value, **changes), options, _rules(options), context)


def payload_of(value: Any, options: TopicOptions = CHAT) -> Any:
    event, fields = event_of(value, options)
    assert [f for f in fields if f.problem] == []
    assert check(event, now=NOON) == []
    return json.loads(event.data)


def test_a_foreign_message_becomes_a_chat_message() -> None:
    assert payload_of(FOREIGN) == {
        "message_id": "17",
        "conversation_id": "th-1",
        "customer_id": "c-9",
        "sender": "customer",
        "text": "Where is my parcel?",
        "sent_at": "2026-04-01T12:00:00.000Z",
    }


def test_the_event_says_where_it_comes_from() -> None:
    event, _ = event_of(FOREIGN)
    assert (event.id, event.key, event.tenant, event.dataschema) == (
        "17",
        "th-1",
        "acme",
        "chat.v2",
    )
    assert (event.source, event.attributes) == ("topic:orders", {"origin": "orders/2/40"})


def test_a_list_of_objects_becomes_the_segments_of_a_call() -> None:
    payload = payload_of({"call": "ca-1", "begin": NOON_MS / 1000, "lines": LINES}, CALL)
    assert payload == {
        "call_id": "ca-1",
        "started_at": "2026-04-01T12:00:00.000Z",
        "segments": [
            {"speaker": "agent", "text": "Hello.", "start_s": 0, "end_s": 1},
            {"speaker": "customer", "text": "Hi.", "start_s": 2, "end_s": 3.5},
        ],
    }


def test_a_foreign_rating_becomes_an_outcome() -> None:
    options = TopicOptions(
        topic="ratings",
        channel="outcome",
        fields={"outcome_id": "$.id", "conversation_id": "$.chat", "csat": "$.stars",
                "occurred_at": "$.at"},
        constants={"kind": "csat", "channel": "chat"},
    )  # fmt: skip
    value = {"id": "r-1", "chat": "ch-1", "stars": 4, "at": "2026-04-01T12:00:00+02:00"}
    assert payload_of(value, options)["csat"] == 4
    assert event_of(value, options)[0].type == "deskwheel.outcome.csat"


@pytest.mark.parametrize("encoding", ["text", "base64"])
def test_a_mail_stands_whole_in_one_field(encoding: str) -> None:
    mail = "From: a@example.com\r\nMessage-ID: <1@example.com>\r\n\r\nHello.\r\n"
    options = TopicOptions(topic="m", channel="email", fields={"raw": "$.mime"},
                           raw_encoding=encoding)  # fmt: skip
    stored = mail if encoding == "text" else "RnJvbTogYUBleGFtcGxlLmNvbQ=="
    event, _ = event_of({"mime": stored}, options)
    assert event.data == (mail.encode() if encoding == "text" else b"From: a@example.com")


def test_a_record_of_our_own_format_is_taken_as_it_is() -> None:
    options = TopicOptions(topic="copy", payload="as_is")
    headers = [("ce_dataschema", b"chat.v1"), ("Gateway", b"gw"), ("bad", b"a\nb"), ("ce_id", b"x")]
    event, _ = event_of(b'{"message_id": "m-1"}', options, headers=headers)
    assert (event.data, event.dataschema, event.id) == (b'{"message_id": "m-1"}', "chat.v1", "m-1")
    assert event.attributes == {"gateway": "gw", "origin": "orders/2/40"}


BAD: list[tuple[str, Any, str, str]] = [
    ("no JSON", b"<a/>", "$", "NOT_JSON"),
    ("bytes", b"\xff", "$", "UNDECODABLE"),
    ("a tombstone", None, "$", "NOT_JSON"),
    ("a field is missing", {**FOREIGN, "body": None}, "$.body", "FIELD_MISSING"),
    ("an unknown value", {**FOREIGN, "from": "cat"}, "$.from", "no value of ours"),
    ("no time", {**FOREIGN, "ts": "noon"}, "$.ts", "epoch_ms"),
    ("a time beyond time", {**FOREIGN, "ts": 1e30}, "$.ts", "epoch_ms"),
    ("a wrong type", {**FOREIGN, "body": ["x"]}, "$.body", "FIELD_INVALID"),
]


@pytest.mark.parametrize(
    ("value", "path", "problem"), [b[1:] for b in BAD], ids=[b[0] for b in BAD]
)
def test_a_record_that_cannot_be_mapped_keeps_its_bytes_and_says_why(
    value: Any, path: str, problem: str
) -> None:
    event, fields = event_of(value)
    wrong = {f.source.replace("['", ".").replace("']", ""): f.problem for f in fields if f.problem}
    assert problem in wrong[path]
    assert event.data == (record(value).value or b"")
    assert event.dataschema == "chat.v2"
    assert check(event, now=NOON)


def test_two_records_alike_that_cannot_be_mapped_are_two_events() -> None:
    assert event_of(b"x")[0].id != event_of(b"x", offset=41)[0].id
    assert event_of(b"x")[0].id == event_of(b"x")[0].id


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fields": {}}, "at least one field"),
        ({"fields": {"text": "body"}, "values": {}, "times": {}}, "no JSONPath"),
        ({"times": {"sent_at": "stardate"}}, "stardate"),
        ({"times": {"closed_at": "iso"}}, "no path under fields"),
        ({"values": {"sender": "customer"}}, "field:value there"),
        ({"fields": {"segments[].text": "$.x"}, "values": {}, "times": {}}, r"segments\[\]"),
        ({"channel": "email"}, "raw"),
    ],
)
def test_a_wrong_rule_is_named_before_anything_is_read(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        next(read(replace(CHAT, **changes), Context()))


def test_the_source_is_in_the_registry() -> None:
    assert SOURCES["topic"].options is TopicOptions


def test_a_broker_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.sources.topic._TIMEOUT_MS", 600)
    with pytest.raises(ServiceError, match=r"orders at 127\.0\.0\.1:9"):
        next(read(replace(CHAT, bootstrap="127.0.0.1:9"), Context()))


NUMBERS = count()


@pytest.fixture
def topic(broker: str) -> Iterator[str]:
    """A topic of two partitions, and gone again afterwards."""
    name = f"orders-{next(NUMBERS)}"
    with administration(KafkaSettings(bootstrap=broker)) as admin:
        admin.create_topics({name: {"num_partitions": 2, "replication_factor": 1}})
        admin.wait_for_topics([name])
        yield name
        admin.delete_topics([name])


def produce(broker: str, topic: str, values: Mapping[int, list[Any]], **how: Any) -> None:
    producer = KafkaProducer(bootstrap_servers=broker, linger_ms=50, **how)
    for partition, items in values.items():
        for item in items:
            data = item if isinstance(item, bytes) else json.dumps(item).encode()
            producer.send(topic, value=data, partition=partition)
    producer.flush()
    producer.close()


def messages(*ids: str) -> list[dict[str, Any]]:
    return [{**FOREIGN, "id": i} for i in ids]


def taken(broker: str, topic: str, position: str | None = None, **changes: Any) -> list[Item]:
    context = Context(position=position, kafka=KafkaSettings(bootstrap=broker))
    return list(read(replace(CHAT, topic=topic, **changes), context))


def test_each_record_is_read_once_and_a_restart_goes_on_behind_the_last(
    broker: str, topic: str
) -> None:
    produce(broker, topic, {0: messages("a", "b"), 1: messages("c")}, compression_type="gzip")
    first = taken(broker, topic)
    assert sorted(i.event.id for i in first) == ["a", "b", "c"]
    assert taken(broker, topic, first[-1].position) == []
    produce(broker, topic, {1: messages("d")})
    (later,) = taken(broker, topic, first[-1].position)
    assert (later.event.id, later.origin) == ("d", f"{topic}/1/1")
    again = taken(broker, topic, first[0].position)
    assert sorted(i.event.id for i in again) == sorted([i.event.id for i in first[1:]] + ["d"])


def test_a_fresh_source_may_begin_at_the_end(broker: str, topic: str) -> None:
    produce(broker, topic, {0: messages("a")})
    assert taken(broker, topic, start="latest") == []


def test_a_source_that_follows_sees_what_comes_and_ends_when_told(broker: str, topic: str) -> None:
    stop = threading.Event()
    context = Context(is_following=True, stop=stop, kafka=KafkaSettings(bootstrap=broker))
    items = read(replace(CHAT, topic=topic), context)
    produce(broker, topic, {0: messages("a")})
    assert next(items).event.id == "a"
    produce(broker, topic, {1: messages("b")})
    assert next(items).event.id == "b"
    stop.set()
    assert list(items) == []


def test_a_position_that_does_not_fit_is_refused(broker: str, topic: str) -> None:
    produce(broker, topic, {0: messages("a")})
    (item,) = taken(broker, topic)
    beyond = json.dumps({"topic": topic, "offsets": {"0": 99}})
    for position in (beyond, item.position.replace(topic, "else"), "{", "[]"):
        with pytest.raises(SetupError):
            taken(broker, topic, position)


def test_a_topic_that_is_not_there_is_named(broker: str) -> None:
    with pytest.raises(SetupError, match="nowhere"):
        taken(broker, "nowhere")


BOMB_BYTES = 512 * 1024 * 1024
SPARE_BYTES = 400 * 1024 * 1024
"""What the reading process may take beside what it has when it begins: less than one bomb."""

CHILD = """
import json, resource, sys
from deskwheel.settings import KafkaSettings
from ingest.sources.model import Context
from ingest.sources.topic import TopicOptions, read
from tests.ingest.test_topic_source import CHAT, replace

pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
context = Context(kafka=KafkaSettings(bootstrap=sys.argv[1]))
found = [
    [i.origin, len(i.event.data), i.event.attributes.get("refused"), i.position]
    for i in read(replace(CHAT, topic=sys.argv[2]), context)
]
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps({"found": found, "grown_bytes": grown * 1024}))
"""


def packed_zeros(value_bytes: int) -> bytes:
    """A zstd frame with one record of Kafka's format 2, whose value is zeros; made in pieces."""
    head, size = bytearray(b"\0\0\0\1"), bytearray()
    encode_varint(value_bytes, head.append)
    encode_varint(len(head) + value_bytes + 1, size.append)
    packer = zstandard.ZstdCompressor(level=19).compressobj()
    piece = b"\0" * (1 << 20)
    parts = [packer.compress(bytes(size + head))]
    parts += [packer.compress(piece) for _ in range(value_bytes // len(piece))]
    return b"".join([*parts, packer.compress(b"\0"), packer.flush()])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, limits the address space")
def test_a_bomb_is_one_refused_record_and_its_neighbours_are_read(
    broker: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    produce(broker, topic, {0: messages("a")}, compression_type="zstd")
    bomb = packed_zeros(BOMB_BYTES)
    assert len(bomb) < 20_000 * 2
    with monkeypatch.context() as patched:
        patched.setattr("kafka.record.default_records.zstd_encode", lambda _: bomb)
        produce(broker, topic, {0: [b"x" * 100_000]}, compression_type="zstd")
    produce(broker, topic, {0: messages("b")}, compression_type="zstd")
    command = [sys.executable, "-c", CHILD, broker, topic, str(SPARE_BYTES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert [f[:3] for f in told["found"]] == [
        [f"{topic}/0/0", len(payload("a")), None],
        [f"{topic}/0/1", len(bomb) + BATCH_HEAD_BYTES, reasons.DECOMPRESSION_BOMB],
        [f"{topic}/0/2", len(payload("b")), None],
    ]
    assert json.loads(told["found"][1][3])["offsets"]["0"] == 2
    assert told["grown_bytes"] < BOMB_BYTES // 4


def payload(name: str) -> bytes:
    return event_of({**FOREIGN, "id": name})[0].data


def test_countless_empty_members_are_not_worked_through() -> None:
    codec_of_gzip = 1
    assert unpack(codec_of_gzip, gzip.compress(b"a") + gzip.compress(b"b"), 10) == b"ab"
    with pytest.raises(UnpackError, match="no gzip") as refused:
        unpack(codec_of_gzip, gzip.compress(b"") * 10_000, 10)
    assert not refused.value.is_bomb


def test_the_stream_rejects_a_refused_record_as_a_bomb() -> None:
    headers = [("refused", b"DECOMPRESSION_BOMB"), ("refused_detail", b"too\nmuch")]
    event, _ = event_of(b"packed", headers=headers)
    assert event.attributes["refused"] == reasons.DECOMPRESSION_BOMB
    assert event.attributes["refused_detail"] == "too much"
    assert [p.reason for p in check(event, now=NOON)] == [reasons.NOT_JSON]
