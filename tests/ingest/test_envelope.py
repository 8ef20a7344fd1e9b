from datetime import datetime, timedelta, timezone

import pytest

from ingest.envelope import (
    Arrival,
    RefusedError,
    able_to_travel,
    headers_of,
    json_object,
    parsed_time,
    rfc3339,
    wrap,
)
from tests.ingest.conftest import NOON, make_event


def test_headers_are_a_cloudevents_envelope_in_binary_mode() -> None:
    assert dict(headers_of(make_event())) == {
        "ce_specversion": b"1.0",
        "ce_id": b"m-1",
        "ce_source": b"chat-gw-1",
        "ce_type": b"deskwheel.chat.message",
        "ce_time": b"2026-04-01T12:00:00.000Z",
        "ce_subject": b"ch-1",
        "ce_dataschema": b"chat.v1",
        "ce_tenant": b"default",
        "content-type": b"application/json",
    }


def test_event_without_key_is_its_own_subject() -> None:
    assert dict(headers_of(make_event(key="")))["ce_subject"] == b"m-1"


def test_header_of_the_source_passes_through_unprefixed() -> None:
    assert dict(headers_of(make_event(attributes={"retry": "1"})))["retry"] == b"1"


@pytest.mark.parametrize(
    "name", ["ce_id", "CE_ID", "content-type", "Content-Type", "ce_new", "dlq.attempt"]
)
def test_header_of_the_source_never_overrides_the_envelope(name: str) -> None:
    headers = headers_of(make_event(attributes={name: "forged"}))
    assert b"forged" not in [value for _, value in headers]


@pytest.mark.parametrize("value", ["a\nb", "a\r\nce_id: x", "a\x00", "\x7f"])
def test_control_character_in_a_header_is_refused(value: str) -> None:
    with pytest.raises(RefusedError, match="disposition holds a control character"):
        headers_of(make_event(attributes={"disposition": value}))


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "naïve", "x" * 101])
def test_strange_header_name_is_refused(name: str) -> None:
    with pytest.raises(RefusedError, match="header name"):
        headers_of(make_event(attributes={name: "v"}))


def test_refusal_is_not_retriable() -> None:
    assert not RefusedError.retriable


def test_time_travels_in_utc() -> None:
    there = datetime(2026, 4, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert rfc3339(there) == "2026-04-01T12:00:00.000Z"


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-04-01", "2026-04-01T12:00:00", 12, None, "9999-99-99T00:00Z"]
)
def test_text_that_is_no_time_with_a_zone_is_none(text: object) -> None:
    assert parsed_time(text) is None


def test_time_with_a_zone_is_read_as_utc() -> None:
    assert parsed_time("2026-04-01T14:00:00+02:00") == NOON


@pytest.mark.parametrize(
    "data", [b"", b"[1]", b"nope", b"\xff\xfe", b'{"a":' * 100_000, b"null", b'{"a": 1'],
)  # fmt: skip
def test_payload_that_is_no_json_object_reads_as_empty(data: bytes) -> None:
    assert json_object(data) == {}


def wrapped(own_id: object, data: bytes = b"x", key: str = "k"):
    arrival = Arrival(data=data, received_at=NOON, key=key)
    return wrap(
        arrival, "chat", own_id=own_id, kind="message", dataschema="chat.v1", content_type="x/y"
    )


def test_usable_id_of_the_source_is_kept() -> None:
    assert wrapped("m-1").id == "m-1"


@pytest.mark.parametrize("own_id", [None, 3, "", "a b", "a\nb", "x" * 251, "naïve"])
def test_unusable_id_becomes_a_digest_of_the_bytes(own_id: object) -> None:
    assert wrapped(own_id).id.startswith("evt-")
    assert wrapped(own_id).id == wrapped(own_id).id
    assert wrapped(own_id, b"x").id != wrapped(own_id, b"y").id


def test_unusable_key_becomes_a_digest_that_can_travel() -> None:
    event = wrapped("m-1", key="a\nb")
    assert event.key.startswith("key-")
    assert headers_of(event)


def test_producer_and_schema_headers_move_into_the_envelope() -> None:
    arrival = Arrival(
        data=b"x",
        received_at=NOON,
        headers={"Producer": "gw", "schema": "chat.v2", "Content-Type": "a/b", "retry": "1"},
    )
    event = wrap(
        arrival, "chat", own_id="m", kind="message", dataschema="chat.v1", content_type="x/y"
    )
    assert (event.source, event.dataschema, event.content_type) == ("gw", "chat.v2", "a/b")
    assert event.attributes == {"retry": "1"}


@pytest.mark.parametrize("field", ["id", "key", "source", "type", "dataschema", "content_type"])
def test_control_character_of_the_envelope_is_encoded_so_that_the_event_travels(field: str) -> None:
    event = able_to_travel(make_event(**{field: "a\r\nce_id: forged\x00"}))
    assert getattr(event, field) == "a%0D%0Ace_id: forged%00"
    assert headers_of(event)


def test_header_whose_name_cannot_travel_keeps_its_value_under_another() -> None:
    event = able_to_travel(make_event(attributes={"bad name\n": "v", "": "w", "n" * 200: "x"}))
    assert event.attributes == {"bad_name_": "v", "_": "w", "n" * 100: "x"}
    assert headers_of(event)


def test_event_that_can_travel_is_left_as_it_is() -> None:
    event = make_event(attributes={"retry": "1"})
    assert able_to_travel(event) is event
