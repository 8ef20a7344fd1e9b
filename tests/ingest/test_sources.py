import json
from pathlib import Path

import pytest

from deskwheel.errors import SetupError
from deskwheel.records import Event
from ingest.envelope import Arrival, headers_of
from ingest.sources import CHANNELS
from tests.ingest.conftest import NOON
from tests.ingest.sourcing import await_tick, items_of

FIRST = b"From: a@example.com\r\nMessage-ID: <one@example.com>\r\nSubject: Hi\r\n\r\nHello\r\n"
REPLY = (
    b"From: support@acme.example\r\nMessage-ID: <three@acme.example>\r\n"
    b"In-Reply-To: <two@example.com>\r\nReferences: <one@example.com>\r\n <two@example.com>\r\n"
    b"\r\nHi"
)


def to_event(source: str, data: bytes, **headers: str):
    return CHANNELS[source](Arrival(data=data, received_at=NOON, headers=headers))


def events_of(source: str, path: Path) -> list[Event]:
    return [i.event for i in items_of(source, path=str(path))]


def test_first_mail_of_a_thread_is_keyed_by_itself() -> None:
    event = to_event("email", FIRST)
    assert (event.id, event.key) == ("<one@example.com>", "<one@example.com>")


def test_reply_is_keyed_by_the_root_of_its_thread() -> None:
    event = to_event("email", REPLY)
    assert (event.id, event.key) == ("<three@acme.example>", "<one@example.com>")


def test_reply_without_references_is_keyed_by_what_it_answers() -> None:
    event = to_event("email", REPLY.replace(b"References", b"X-Nothing"))
    assert event.key == "<two@example.com>"


def test_mail_without_headers_gets_an_id_of_its_bytes_and_no_key() -> None:
    event = to_event("email", b"just words")
    assert event.id.startswith("evt-")
    assert event.key == ""
    assert event.dataschema == "email.v1"


def test_chat_message_is_named_by_its_message_id_and_keyed_by_its_conversation() -> None:
    event = to_event("chat", b'{"message_id": "m-7", "conversation_id": "ch-7"}')
    assert (event.id, event.key) == ("m-7", "ch-7")
    assert (event.type, event.dataschema) == ("deskwheel.chat.message", "chat.v1")


def test_chat_message_with_meta_is_of_version_two() -> None:
    assert to_event("chat", b'{"message_id": "m", "meta": {}}').dataschema == "chat.v2"


def test_stated_schema_version_is_believed() -> None:
    assert to_event("chat", b"{}", schema="chat.v99").dataschema == "chat.v99"


def test_end_of_a_chat_has_its_own_type_and_id() -> None:
    event = to_event("chat", b'{"type": "conversation.closed", "event_id": "x-1"}')
    assert (event.id, event.type) == ("x-1", "deskwheel.chat.closed")


def test_transcript_is_named_and_keyed_by_its_call() -> None:
    event = to_event("call", b'{"call_id": "ca-1"}')
    assert (event.id, event.key, event.content_type) == ("ca-1", "ca-1", "application/json")


def test_webvtt_transcript_takes_its_call_from_the_headers() -> None:
    event = to_event("call", b"WEBVTT\n", call_id="ca-2", **{"content-type": "text/vtt"})
    assert (event.id, event.content_type) == ("ca-2", "text/vtt")
    assert event.attributes == {"call_id": "ca-2"}


@pytest.mark.parametrize("source", sorted(CHANNELS))
@pytest.mark.parametrize(
    "data", [b"", b"\x00\xff" * 50, b"{" * 10_000, b"null", b'{"conversation_id": "a\\nb"}'],
)  # fmt: skip
def test_no_source_fails_on_garbage_and_its_event_can_travel(source: str, data: bytes) -> None:
    assert headers_of(to_event(source, data))


def test_redelivered_message_keeps_its_event_id() -> None:
    data = b'{"message_id": "m-7", "conversation_id": "ch-7"}'
    assert to_event("chat", data).id == to_event("chat", data, retry="1").id


def test_mails_of_a_folder_are_read_as_they_came_and_dated_by_their_header(tmp_path: Path) -> None:
    dated = FIRST.replace(b"Subject", b"Date: Wed, 01 Apr 2026 09:00:00 -0500\r\nSubject")
    (tmp_path / "b.eml").write_bytes(dated)
    await_tick()
    (tmp_path / "a.eml").write_bytes(REPLY)
    (tmp_path / "notes.txt").write_text("not a mail")
    events = events_of("email", tmp_path)
    assert [e.id for e in events] == ["<one@example.com>", "<three@acme.example>"]
    assert [e.time.hour for e in events] == [14, 12]
    assert {e.tenant for e in events} == {"t"}


def test_chat_file_yields_one_event_a_line_bad_ones_too(tmp_path: Path) -> None:
    lines = [
        json.dumps({"message_id": "m-1", "sent_at": "2026-04-01T08:00:00Z"}),
        "",
        "not json",
        "",
    ]
    (tmp_path / "chat.jsonl").write_text("\n".join(lines))
    events = events_of("chat", tmp_path / "chat.jsonl")
    assert [e.time.hour for e in events] == [8, 12]
    assert events[1].data == b"not json"


def test_webvtt_file_takes_the_fields_of_its_notes(tmp_path: Path) -> None:
    file = tmp_path / "call-9.vtt"
    file.write_text(
        "WEBVTT\n\nNOTE call_id=ca-9\n\nNOTE agent_id=a1\n\n1\n00:00.000 --> 00:01.000\nHi"
    )
    (event,) = events_of("call", file)
    assert (event.id, event.attributes["agent_id"]) == ("ca-9", "a1")


def test_webvtt_file_without_notes_is_named_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "call-9.vtt").write_text("WEBVTT\n")
    (event,) = events_of("call", tmp_path)
    assert event.id == "call-9"


def test_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="nowhere"):
        events_of("email", tmp_path / "nowhere")


def test_folder_without_raw_material_says_what_it_looked_for(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"\.eml"):
        events_of("email", tmp_path)
