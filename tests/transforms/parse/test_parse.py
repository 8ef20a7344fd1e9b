"""Every reason code has a row that earns it, and no bytes make a parser raise."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel import reasons
from deskwheel.records import Turn
from deskwheel.schema import to_table
from tests.transforms import toys
from tests.transforms.toys import LIMITS, call, chat, closing, mail, outcome, raw, turns, vtt
from transforms.parse import PARSERS, parse_event
from transforms.parse.model import RawEvent, Rejection

DEEP = b'{"a":' * 1100 + b"1" + b"}" * 1100

EARNED: list[tuple[str, str, RawEvent]] = [
    ("chat that is XML", reasons.NOT_JSON, raw("chat", b"<message>hello</message>")),
    ("chat cut short", reasons.NOT_JSON, raw("chat", json.dumps(toys.MESSAGE).encode()[:60])),
    ("chat that is a JSON list", reasons.NOT_JSON, raw("chat", b'["hello"]')),
    ("chat that is a number of 5,000 digits", reasons.NUMBER_TOO_LARGE, raw("chat", b"9" * 5000)),
    ("a number beyond 64 bits where nobody looks", reasons.NUMBER_TOO_LARGE,
     chat(meta={"n": 2**63})),
    ("chat not in UTF-8", reasons.UNDECODABLE, raw("chat", b'{"text": "par\xff\xfecel"}')),
    ("VTT not in UTF-8", reasons.UNDECODABLE, replace(vtt(), data=b"WEBVTT\n\n\xff\xfe")),
    ("1,100 objects in each other", reasons.TOO_DEEP, raw("chat", DEEP)),
    ("100,000 lists in each other", reasons.TOO_DEEP, raw("call", b"[" * 100_000)),
    ("larger than the limit", reasons.TOO_LARGE, raw("chat", b"", size=100_001)),
    ("no payload", reasons.EMPTY, raw("chat", b"")),
    ("no payload in a mail", reasons.EMPTY, raw("email", b"")),
    ("a mail without words", reasons.EMPTY, mail("")),
    ("a chat of blanks", reasons.EMPTY, chat(text=" \t ")),
    ("a call without segments", reasons.EMPTY, call(segments=[])),
    ("a call in which nobody speaks", reasons.EMPTY, call(segments=[
        {"speaker": "agent", "start_s": 0, "end_s": 1, "text": ""}])),
    ("a version of tomorrow", reasons.SCHEMA_UNKNOWN,
     raw("chat", b"{}", ce_dataschema="chat.v99")),
    ("the schema of another channel", reasons.SCHEMA_UNKNOWN,
     raw("call", b"{}", ce_dataschema="chat.v1")),
    ("no message id", reasons.FIELD_MISSING, chat(message_id=...)),
    ("text is null", reasons.FIELD_MISSING, chat(text=None)),
    ("a closing without its time", reasons.FIELD_MISSING, closing(closed_at=...)),
    ("a call without the field segments", reasons.FIELD_MISSING, call(segments=...)),
    ("VTT without a call id", reasons.FIELD_MISSING, vtt(call_id="")),
    ("VTT without a start", reasons.FIELD_MISSING, vtt(started_at="yesterday")),
    ("an unknown sender", reasons.FIELD_INVALID, chat(sender="manager")),
    ("text is an object", reasons.FIELD_INVALID, chat(text={"a": [1]})),
    ("a time that is a number", reasons.FIELD_INVALID, chat(sent_at=12)),
    ("a time in words", reasons.FIELD_INVALID, chat(sent_at="yesterday")),
    ("NUL in a text", reasons.FIELD_INVALID, chat(text="a\x00b")),
    ("half a surrogate pair", reasons.FIELD_INVALID, chat(text="a\ud83d")),
    ("a rating of 6", reasons.FIELD_INVALID, closing(csat=6)),
    ("a rating of true", reasons.FIELD_INVALID, closing(csat=True)),
    ("segments is a text", reasons.FIELD_INVALID, call(segments="hello")),
    ("a segment is a number", reasons.FIELD_INVALID, call(segments=[1])),
    ("an unknown speaker", reasons.FIELD_INVALID, call(segments=[
        {"speaker": "cat", "start_s": 0, "end_s": 1, "text": "x"}])),
    ("a segment that starts at infinity", reasons.NOT_JSON, call(segments=[
        {"speaker": "agent", "start_s": float("inf"), "end_s": 1, "text": "x"}])),
    ("a segment that starts next week", reasons.FIELD_INVALID, call(segments=[
        {"speaker": "agent", "start_s": 604_800, "end_s": 604_801, "text": "x"}])),
    ("an outcome without its kind", reasons.FIELD_MISSING, outcome(kind=...)),
    ("a rating that is not there", reasons.FIELD_MISSING, outcome(csat=...)),
    ("an edit without the draft", reasons.FIELD_MISSING, outcome(kind="edit", final="Hello.")),
    ("an outcome of no channel", reasons.FIELD_INVALID, outcome(channel="fax")),
    ("a thumb to the left", reasons.FIELD_INVALID, outcome(kind="thumbs", thumbs="left")),
    ("the outcome says 2099", reasons.TIME_FUTURE, outcome(occurred_at="2099-01-01T00:00:00Z")),
    ("a bomb that a source has found", reasons.DECOMPRESSION_BOMB,
     raw("chat", b"(", refused="DECOMPRESSION_BOMB", refused_detail="orders/0/7")),
    ("a mail without headers", reasons.NO_HEADERS, raw("email", b"just some words\r\n")),
    ("a mail without Message-ID", reasons.NO_HEADERS, mail(Message_ID="")),
    ("a mail without sender", reasons.NO_HEADERS, mail(From="")),
    ("a mail of HTML that multiplies as it is read", reasons.DECOMPRESSION_BOMB,
     mail("".join(f"<b a={i}>" for i in range(1000)) + "<p>" * 600, Content_Type="text/html")),
    ("a mail of HTML that never ends to nest", reasons.TOO_DEEP,
     mail("<div>" * 10_000, Content_Type="text/html")),
    ("a segment that ends before it starts", reasons.TRANSCRIPT_INVALID, call(segments=[
        {"speaker": "agent", "start_s": 9.0, "end_s": 4.0, "text": "x"}])),
    ("segments backwards in time", reasons.TRANSCRIPT_INVALID, call(segments=[
        {"speaker": "agent", "start_s": 9.0, "end_s": 10.0, "text": "x"},
        {"speaker": "agent", "start_s": 3.0, "end_s": 4.0, "text": "y"}])),
    ("a transcript that is no WebVTT", reasons.TRANSCRIPT_INVALID, vtt("hello")),
    ("the envelope says 2099", reasons.TIME_FUTURE,
     raw("chat", json.dumps(toys.MESSAGE).encode(), ce_time="2099-01-01T00:00:00Z")),
    ("the message says 2099", reasons.TIME_FUTURE, chat(sent_at="2099-01-01T00:00:00Z")),
    ("the closing says 2099", reasons.TIME_FUTURE, closing(closed_at="2099-01-01T00:00:00Z")),
    ("the mail says 2099", reasons.TIME_FUTURE, mail(Date="Thu, 01 Jan 2099 00:00:00 +0000")),
    ("a call on the last day of time", reasons.TIME_FUTURE,
     call(started_at="9999-12-31T23:59:59Z")),
    ("the message says 1970", reasons.TIME_PAST, chat(sent_at="1970-01-01T00:00:00Z")),
    ("the mail says 1970", reasons.TIME_PAST, mail(Date="Thu, 01 Jan 1970 00:00:00 +0000")),
    ("an auto-reply", reasons.MACHINE_MAIL, mail(Auto_Submitted="auto-replied")),
    ("a newsletter", reasons.MACHINE_MAIL, mail(List_Unsubscribe="<https://www.example.com/x>")),
    ("bulk mail", reasons.MACHINE_MAIL, mail(Precedence="bulk")),
    ("a bounce", reasons.MACHINE_MAIL, mail(From="MAILER-DAEMON@mx.example.net")),
    ("a delivery report", reasons.MACHINE_MAIL, mail(Content_Type="multipart/report")),
    ("out of office", reasons.MACHINE_MAIL, mail(Subject="Out of office: back on Monday")),
    ("a sticker", reasons.NO_WORDS, chat(type="sticker", text=None, sender=...)),
    ("an attachment", reasons.NO_WORDS, chat(text="", attachments=[{"name": "cat.png"}])),
    ("an edit that names no message", reasons.FIELD_MISSING, chat(type="message.edited")),
    ("a caller on the recorder", reasons.VOICEMAIL, call(disposition="voicemail")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("event", "reason"), [(e, r) for _, r, e in EARNED], ids=[name for name, _, _ in EARNED]
)
def test_a_bad_event_is_rejected_for_its_reason(event: RawEvent, reason: str) -> None:
    (row,) = turns(event)
    assert (row.verdict, row.reason) == ("rejected", reason)
    assert row.text is None
    assert row.source == toys.PLACE


def test_every_reason_is_earned_by_a_row() -> None:
    """DUPLICATE_EVENT needs two events, see test_intake; PARSER_FAILED a broken parser, below."""
    elsewhere = {reasons.DUPLICATE_EVENT, reasons.PARSER_FAILED} | reasons.AT_THE_DOOR
    assert {reason for _, reason, _ in EARNED} == set(reasons.MEANING) - elsewhere


def test_only_a_bomb_can_be_refused_by_its_source() -> None:
    (row,) = turns(raw("chat", json.dumps(toys.MESSAGE).encode(), refused="MACHINE_MAIL"))
    assert row.verdict == "accepted"


def test_a_parser_that_fails_is_a_rejection(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(event: RawEvent, _limits: Any) -> Any:
        raise KeyError(event.channel)

    monkeypatch.setitem(PARSERS, "chat", broken)
    (row,) = turns(chat())
    assert (row.reason, row.detail) == (reasons.PARSER_FAILED, "KeyError in parser chat")


def test_a_parser_that_runs_out_of_stack_is_a_rejection(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(event: RawEvent, limits: Any) -> Any:
        return endless(event, limits)

    monkeypatch.setitem(PARSERS, "chat", endless)
    assert turns(chat())[0].reason == reasons.TOO_DEEP


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_envelope_time_outside_of_time_is_as_good_as_none(when: str) -> None:
    (row,) = turns(raw("chat", b"", ce_time=when))
    assert row.sent_at == toys.NOW


def test_the_time_of_a_rejected_event_is_held_within_what_a_table_can_carry() -> None:
    (late,) = turns(raw("chat", b"", ce_time="2099-01-01T00:00:00Z"))
    (early,) = turns(raw("chat", b"", ce_time="0001-01-01T00:00:00Z"))
    assert late.sent_at == toys.NOW + LIMITS.future_slack
    assert early.sent_at == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_rejection_tells_no_text_of_the_customer() -> None:
    secret = "4111 1111 1111 1111"
    events = [
        chat(sender=secret), chat(text={"a": secret}), chat(sent_at=secret),
        raw("chat", secret.encode()), call(segments=secret), mail(secret, From=""), vtt(secret),
    ]  # fmt: skip
    for event in events:
        (row,) = turns(event)
        assert row.verdict == "rejected"
        assert "4111" not in repr(row)


HEADERS = st.dictionaries(
    st.sampled_from(["ce_time", "ce_id", "ce_dataschema", "content-type", "call_id", "started_at",
                     "disposition", "customer_id"]),
    st.one_of(st.sampled_from(["text/vtt", "chat.v1", toys.SENT]), st.text(max_size=30)),
    max_size=4,
)  # fmt: skip
MAIL_HEAD = st.sampled_from([b"", b"From: a@example.com\r\nMessage-ID: <1@example.com>\r\n"])
CHARSET = st.sampled_from(
    [b"", b"utf-7", b"utf-16", b"idna", b"undefined", b"unicode_escape", b"a\x00b", b"rot13"]
)


def assert_storable(event: RawEvent) -> None:
    parsed = parse_event(event, LIMITS)
    if isinstance(parsed, Rejection):
        assert parsed.reason in reasons.MEANING
    rows = turns(event)
    assert rows
    to_table(rows, Turn)


@pytest.mark.parametrize("channel", sorted(PARSERS))
@given(data=st.binary(max_size=300), headers=HEADERS)
def test_no_bytes_raise(channel: str, data: bytes, headers: dict[str, str]) -> None:
    assert_storable(RawEvent(channel, data, len(data), headers, toys.NOW))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("channel", "whole"), [
        ("chat", toys.MESSAGE), ("chat", toys.CLOSED), ("call", toys.CALL),
        ("outcome", toys.OUTCOME),
    ],
    ids=["message", "closing", "call", "outcome"],
)  # fmt: skip
@given(data=st.data())
def test_no_field_raises(channel: str, whole: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(whole)))
    value = {**whole, name: data.draw(JSON)}
    assert_storable(raw(channel, json.dumps(value).encode()))


@given(charset=CHARSET, head=MAIL_HEAD, name=st.sampled_from([b"From", b"X-Ticket-Status", b"To"]),
       value=st.binary(max_size=40), body=st.binary(max_size=100))  # fmt: skip
@pytest.mark.filterwarnings("ignore:.*invalid escape sequence:DeprecationWarning")
def test_no_mail_raises(
    charset: bytes, head: bytes, name: bytes, value: bytes, body: bytes
) -> None:
    kind = b"Content-Type: text/html; charset=" + charset + b"\r\n"
    data = head + name + b": " + value + b"\r\n" + kind + b"\r\n" + body
    assert_storable(raw("email", data))
