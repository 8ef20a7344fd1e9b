"""The contract at the door decides as the stream does, for each bad input by its reason."""

import json
import time
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel import reasons
from deskwheel.errors import ConfigError
from deskwheel.records import Event
from deskwheel.settings import TransformsSettings
from ingest.contract import Limits, Problem, check
from ingest.contract.payload import check_payload
from ingest.envelope import headers_of
from ingest.simulate import simulate
from tests.ingest.conftest import NOON, make_event
from tests.ingest.golden_events import EVENT_IDS, EVENTS, GOLDEN, Golden
from transforms.parse import parse_event
from transforms.parse.model import Limits as StreamLimits
from transforms.parse.model import RawEvent, Rejection

LIMITS = Limits()
STREAM = StreamLimits(
    max_event_bytes=LIMITS.max_event_bytes,
    future_slack=LIMITS.future_slack,
    earliest=LIMITS.earliest,
    company_domains=("acme.example",),
)
BY_NAME = {g.name: g for g in GOLDEN}
CHAT = BY_NAME["chat.v1.message"]
NOW = CHAT.now


def in_kafka(event: Event, now: datetime) -> RawEvent:
    """The event as the stream finds it, its value above the limit left out as there."""
    size = len(event.data)
    return RawEvent(
        channel=event.channel,
        data=event.data if size <= LIMITS.max_event_bytes else b"",
        size=size,
        headers={name.lower(): value.decode() for name, value in headers_of(event)},
        ingested_at=now,
    )


def assert_agree(event: Event, now: datetime) -> None:
    """What the contract accepts the stream accepts, and the other way round, for its reason.

    A mail's payload is not looked into at the door, and an event in which nothing is wrong but
    that holds no dialogue is taken there.
    """
    problems = check(event, now=now)
    parsed = parse_event(in_kafka(event, now), STREAM)
    if event.channel == "email" and not problems:
        return
    if isinstance(parsed, Rejection) and parsed.reason in reasons.NOT_MENDED:
        return
    if isinstance(parsed, Rejection):
        assert parsed.reason in {p.reason for p in problems}, (parsed, problems)
        assert parsed.reason != reasons.PARSER_FAILED
    else:
        assert problems == []


@pytest.mark.parametrize("golden", EVENTS, ids=EVENT_IDS)
def test_golden_events_of_every_version_are_taken_at_the_door_and_in_the_stream(
    golden: Golden,
) -> None:
    assert check(golden.event(), now=golden.now) == []
    assert_agree(golden.event(), golden.now)


def test_simulated_events_and_poison_are_decided_alike() -> None:
    simulation = simulate(5, 120, start=NOON)
    refused = set()
    for event in simulation.events:
        now = NOON + timedelta(days=30)
        assert_agree(event, now)
        refused |= {p.reason for p in check(event, now=now)[:1]}
    assert refused >= set(simulation.poison_reasons.values()) - {reasons.NO_HEADERS}


ODD = st.sampled_from(
    [None, "", " ", "x", 0, 1, 5, 6, 4.0, 4.5, -1, True, [], {}, [1], {"a": 1}, "\x00", "\ud83d",
     2**63, -(2**63), 10**400, 1e308, float("inf"), float("nan"), "2099-01-01T00:00:00Z",
     "1970-01-01", "2026-03-02T11:00:00", "conversation.closed", "customer", "agent", "email",
     "edit", "csat",
     "status", "thumbs", "up", "solved", 604_800, [{"speaker": "agent"}]]
)  # fmt: skip
ANY = st.recursive(
    ODD | st.text(max_size=8) | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
JSON_EVENTS = [g for g in EVENTS if g.headers["content-type"] == "application/json"]
NAMES = sorted({name for g in JSON_EVENTS for name in json.loads(g.payload)})


def changed(golden: Golden, payload: bytes) -> Event:
    return replace(golden.event(), data=payload)


@given(golden=st.sampled_from(JSON_EVENTS), name=st.sampled_from(NAMES), value=ANY, data=st.data())
def test_a_payload_with_a_field_changed_is_decided_alike(
    golden: Golden, name: str, value: Any, data: st.DataObject
) -> None:
    body = json.loads(golden.payload)
    how = data.draw(st.sampled_from(["set", "drop", "other too"]))
    if how == "drop":
        body.pop(name, None)
    else:
        body[name] = value
    if how == "other too":
        body[data.draw(st.sampled_from(NAMES))] = data.draw(ANY)
    assert_agree(changed(golden, json.dumps(body).encode()), golden.now)


@given(
    names=st.lists(st.sampled_from(["speaker", "start_s", "end_s", "text", "confidence"]),
                   min_size=1, max_size=2),
    values=st.tuples(ANY, ANY), index=st.integers(0, 2),
)  # fmt: skip
def test_a_call_with_a_segment_changed_is_decided_alike(
    names: list[str], values: tuple[Any, Any], index: int
) -> None:
    golden = BY_NAME["call.v1.json"]
    body = json.loads(golden.payload)
    body["segments"][index] |= dict(zip(names, values, strict=False))
    assert_agree(changed(golden, json.dumps(body).encode()), golden.now)


@given(golden=st.sampled_from(EVENTS), at=st.floats(0, 1), piece=st.binary(max_size=4),
       cut=st.integers(0, 6))  # fmt: skip
def test_a_payload_with_bytes_changed_is_decided_alike(
    golden: Golden, at: float, piece: bytes, cut: int
) -> None:
    start = int(at * len(golden.payload))
    data = golden.payload[:start] + piece + golden.payload[start + cut :]
    assert_agree(changed(golden, data), golden.now)


@given(
    name=st.sampled_from(["call_id", "started_at", "disposition"]),
    value=st.sampled_from(["", "x", "noon", "2099-01-01", "1970-01-01", "2026-03-02"]),
)
def test_a_webvtt_call_with_a_header_changed_is_decided_alike(name: str, value: str) -> None:
    event = BY_NAME["call.v1.webvtt"].event()
    assert_agree(replace(event, attributes={**event.attributes, name: value}), NOW)


@given(
    golden=st.sampled_from(EVENTS),
    schema=st.sampled_from(["", "chat.v1", "chat.v2", "chat.v3", "call.v1", "email.v1", "x"]),
)
def test_a_declared_schema_is_decided_alike(golden: Golden, schema: str) -> None:
    assert_agree(replace(golden.event(), dataschema=schema), golden.now)


def chat(**changes: Any) -> bytes:
    body = {**json.loads(CHAT.payload), **changes}
    return json.dumps({k: v for k, v in body.items() if v is not ...}).encode()


def of(data: bytes = b"", **changes: Any) -> Event:
    return replace(CHAT.event(), data=data or CHAT.payload, **changes)


FAR, OLD = datetime(2099, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)
OVERSIZE = b'{"text": "' + b"A" * LIMITS.max_event_bytes + b'"}'
BAD: list[tuple[str, Event, str, str]] = [
    ("bad UTF-8", of(b'{"text": "par\xff\xfecel"}'), reasons.UNDECODABLE, ""),
    ("no JSON", of(b"<a/>"), reasons.NOT_JSON, ""),
    ("no payload", replace(of(), data=b""), reasons.EMPTY, ""),
    ("1,100 levels", of(b'{"a":' * 1100 + b"1" + b"}" * 1100), reasons.TOO_DEEP, ""),
    ("a million brackets", of(b"[" * 1_000_000), reasons.TOO_DEEP, ""),
    ("NUL", of(chat(text="a\x00b")), reasons.FIELD_INVALID, ""),
    ("half a surrogate pair", of(chat(text="a\ud83d")), reasons.FIELD_INVALID, ""),
    ("an integer of 2^63", of(chat(meta=2**63)), reasons.NUMBER_TOO_LARGE, ""),
    ("an integer of 5,000 digits", of(chat(meta=0)[:-2] + b"9" * 5000 + b"}"),
     reasons.NUMBER_TOO_LARGE, ""),
    ("a float that overflows", of(chat(meta=0)[:-2] + b"1e999}"), reasons.NUMBER_TOO_LARGE, ""),
    ("a missing field", of(chat(sender=...)), reasons.FIELD_MISSING, "sender"),
    ("an empty field", of(chat(text="")), reasons.FIELD_MISSING, "text"),
    ("a wrong type", of(chat(text={"a": 1})), reasons.FIELD_INVALID, "text"),
    ("a wrong value", of(chat(sender="cat")), reasons.FIELD_INVALID, "sender"),
    ("an unknown version", of(dataschema="chat.v99"), reasons.SCHEMA_UNKNOWN, "ce_dataschema"),
    ("another channel's schema", of(dataschema="call.v1"), reasons.SCHEMA_UNKNOWN, "ce_dataschema"),
    ("a message of 2099", of(chat(sent_at="2099-01-01T00:00:00Z")), reasons.TIME_FUTURE, "sent_at"),
    ("a message of 1970", of(chat(sent_at="1970-01-01T00:00:00Z")), reasons.TIME_PAST, "sent_at"),
    ("an envelope of 2099", of(time=FAR), reasons.TIME_FUTURE, "ce_time"),
    ("an envelope of 1970", of(time=OLD), reasons.TIME_PAST, "ce_time"),
    ("an oversize body", of(OVERSIZE), reasons.TOO_LARGE, ""),
]  # fmt: skip
AT_THE_DOOR_ONLY: list[tuple[str, Event, str, str]] = [
    ("a line break in a header's value", of(attributes={"agent": "a\r\nce_id: 1"}),
     reasons.HEADER_INVALID, ""),
    ("a line break in a header's name", of(attributes={"a\nb": "1"}), reasons.HEADER_INVALID, ""),
    ("NUL in the tenant", of(tenant="a\x00"), reasons.HEADER_INVALID, ""),
    ("no id", of(id=""), reasons.FIELD_MISSING, "ce_id"),
    ("no source", of(source=""), reasons.FIELD_MISSING, "ce_source"),
    ("no type", of(type=""), reasons.FIELD_MISSING, "ce_type"),
]  # fmt: skip
TABLE = [*BAD, *AT_THE_DOOR_ONLY]


@pytest.mark.parametrize(
    ("event", "reason", "field"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_a_bad_event_is_refused_for_its_reason(event: Event, reason: str, field: str) -> None:
    first = check(event, now=NOW)[0]
    assert (first.reason, first.field) == (reason, field)


@pytest.mark.parametrize("event", [row[1] for row in BAD], ids=[row[0] for row in BAD])
def test_the_stream_refuses_a_bad_event_too(event: Event) -> None:
    assert_agree(event, NOW)
    assert isinstance(parse_event(in_kafka(event, NOW), STREAM), Rejection)


@pytest.mark.parametrize("event", [row[1] for row in BAD], ids=[row[0] for row in BAD])
def test_a_bad_event_costs_no_more_than_a_good_one_of_its_size(event: Event) -> None:
    """Memory is bound by 40 times the size, that of a list of numbers; time by a good event's."""

    def seconds(what: Event) -> float:
        started = time.perf_counter()
        check(what, now=NOW)
        return time.perf_counter() - started

    size = min(len(event.data), LIMITS.max_event_bytes - 1000)
    good = of(chat(text="[{" * (size // 2) or "x", meta=[1] * (size // 8)))
    good = replace(good, data=good.data[: LIMITS.max_event_bytes])
    assert min(seconds(event) for _ in range(3)) < 10 * max(seconds(good) for _ in range(3)) + 0.01
    tracemalloc.start()
    check(event, now=NOW)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 * len(event.data) + 1_000_000


def test_a_problem_tells_no_text_of_the_customer() -> None:
    secret = "4111 1111 1111 1111"
    events = [of(chat(sender=secret)), of(chat(text={secret: secret})), of(chat(sent_at=secret)),
              of(secret.encode()), of(attributes={"x": f"{secret}\n"})]  # fmt: skip
    for event in events:
        problems = check(event, now=NOW)
        assert problems
        assert "4111" not in repr(problems)


def test_every_wrong_field_is_named_once() -> None:
    found = check(of(chat(sender="cat", text=None, message_id=7)), now=NOW)
    assert [p.field for p in found] == ["message_id", "sender", "text"]


def test_a_long_list_of_wrong_segments_is_not_listed() -> None:
    body = {**json.loads(BY_NAME["call.v1.json"].payload), "segments": [1] * 50_000}
    assert len(check_payload("call.v1", json.dumps(body).encode()).problems) == 1


def test_the_limits_are_those_of_the_settings() -> None:
    slack = TransformsSettings(future_slack_s=60, max_event_bytes=2048)
    limits = Limits.of(slack)
    event = of(time=NOW + timedelta(seconds=90))
    assert check(event, now=NOW) == []
    assert [p.reason for p in check(event, limits, now=NOW)] == [reasons.TIME_FUTURE]
    assert check(of(chat(text="a" * 4000)), limits, now=NOW)[0].reason == reasons.TOO_LARGE
    assert Limits.of(TransformsSettings()) == LIMITS
    with pytest.raises(ConfigError, match="earliest_event_time"):
        Limits.of(TransformsSettings(earliest_event_time="noon"))


def test_a_problem_is_a_value() -> None:
    assert Problem("A", "b", "c") == Problem("A", "b", "c")
    assert check(make_event(data=b"[]"), now=NOON)[0].reason == reasons.NOT_JSON
