import base64
import gzip
import json
from typing import Any

import pytest
import zstandard

from deskwheel import reasons
from deskwheel.errors import PublishError
from ingest.envelope import RefusedError
from tests.ingest.gateway.conftest import BEARER, Opened, chat

CE = {
    "specversion": "1.0",
    "id": "ce-1",
    "source": "/desk/7",
    "type": "deskwheel.chat.message",
    "time": "2026-04-01T11:58:00Z",
    "subject": "c-9",
    "dataschema": "chat.v1",
}
BATCH = "application/cloudevents-batch+json"
NDJSON = "application/x-ndjson"


def lines(*rows: dict[str, Any]) -> str:
    return "\n".join(json.dumps(row) for row in rows)


def refused(answer: Any) -> tuple[int, str]:
    error = answer.json()["error"]
    assert set(error) == {"status", "reason", "message", "field"}
    assert error["status"] == answer.status_code
    assert error["reason"] in reasons.MEANING
    return answer.status_code, error["reason"]


def test_an_event_is_accepted_with_its_place(door: Opened) -> None:
    opened = door()
    answer = opened.post("/v1/events/chat", chat())
    assert answer.status_code == 202
    assert answer.json() == {"id": "m-1", "topic": "raw.chat", "partition": 0, "offset": 0}
    event = opened.publisher.published[0]
    assert (event.tenant, event.key, event.data) == ("acme", "c-1", json.dumps(chat()).encode())


def test_mail_and_transcript_come_as_they_are(door: Opened) -> None:
    opened = door()
    mail = b"Message-ID: <a@example.com>\r\nFrom: kim@example.com\r\n\r\nhello there\r\n"
    assert opened.post("/v1/events/email", mail, "message/rfc822").json()["id"] == "<a@example.com>"
    vtt = b"WEBVTT\n\n00:00.000 --> 00:02.000\n<v agent>hello\n"
    answer = opened.post(
        "/v1/events/call",
        vtt,
        "text/vtt; charset=utf-8",
        x_deskwheel_call_id="k-1",
        x_deskwheel_customer_id="u-1",
        x_deskwheel_agent_id="a-1",
        x_deskwheel_started_at="2026-04-01T11:00:00Z",
        x_deskwheel_disposition="resolved",
    )
    assert answer.json()["id"] == "k-1", answer.text
    assert opened.publisher.published[-1].content_type == "text/vtt"
    assert opened.publisher.published[-1].attributes["disposition"] == "resolved"


def test_a_cloud_event_in_binary_mode_keeps_its_attributes(door: Opened) -> None:
    opened = door()
    headers = {f"ce_{name}": value for name, value in CE.items()}
    answer = opened.post("/v1/events/chat", chat(), ce_flavour="caf%C3%A9", **headers)
    assert answer.status_code == 202
    event = opened.publisher.published[0]
    assert (event.id, event.source, event.key) == ("ce-1", "/desk/7", "c-9")
    assert event.time.minute == 58
    assert event.attributes["flavour"] == "café"


def test_a_cloud_event_in_structured_mode_is_the_same_event(door: Opened) -> None:
    opened = door()
    media = "application/cloudevents+json; charset=utf-8"
    for body in (
        {**CE, "data": chat()},
        {**CE, "data_base64": base64.b64encode(json.dumps(chat()).encode()).decode()},
    ):
        assert opened.post("/v1/events/chat", body, media).json()["id"] == "ce-1"
    assert [json.loads(e.data) for e in opened.publisher.published] == [chat(), chat()]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"id": ""}, "id"),
        ({"id": "a b"}, "id"),
        ({"source": None}, "source"),
        ({"type": "deskwheel.call.transcript"}, "type"),
        ({"time": "yesterday"}, "time"),
        ({"tenant": "other"}, "tenant"),
        ({"extension": [1]}, "extension"),
        ({"data_base64": "*"}, "data_base64"),
    ],
)
def test_a_bad_attribute_is_named(door: Opened, change: dict[str, Any], field: str) -> None:
    opened = door()
    body = {**CE, "data": chat(), **change}
    answer = opened.post("/v1/events/chat", body, "application/cloudevents+json")
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field
    assert not opened.publisher.published


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "EMPTY"),
        (b"{", "NOT_JSON"),
        (b"\xff\xfe", "UNDECODABLE"),
        (b"[" * 1100 + b"]" * 1100, "TOO_DEEP"),
        (json.dumps(chat(sender=7)).encode(), "FIELD_INVALID"),
        (json.dumps({"message_id": "m-1"}).encode(), "FIELD_MISSING"),
        (json.dumps(chat(sent_at="2099-01-01T00:00:00Z")).encode(), "TIME_FUTURE"),
        (json.dumps(chat(sent_at="1970-01-01T00:00:00Z")).encode(), "TIME_PAST"),
        (json.dumps(chat()).replace('"u-1"', "9" * 30).encode(), "NUMBER_TOO_LARGE"),
    ],
)
def test_what_the_stream_would_reject_is_refused(door: Opened, body: bytes, reason: str) -> None:
    opened = door()
    assert refused(opened.post("/v1/events/chat", body)) == (422, reason)
    assert not opened.publisher.published


def test_an_unknown_schema_version_is_refused(door: Opened) -> None:
    answer = door().post("/v1/events/chat", chat(), x_deskwheel_schema="chat.v99")
    assert refused(answer) == (422, "SCHEMA_UNKNOWN")


def test_a_line_break_in_a_header_is_refused_and_not_sent_back(door: Opened) -> None:
    opened = door()
    answer = opened.post("/v1/events/chat", chat(), x_deskwheel_note="a", **{
        "ce_specversion": "1.0", "ce_id": "x", "ce_source": "s%0d%0aevil: yes",
        "ce_type": "deskwheel.chat.message",
    })  # fmt: skip
    assert refused(answer) == (422, "HEADER_INVALID")
    assert "evil" not in answer.text


def test_headers_of_our_own_meaning_are_not_taken(door: Opened) -> None:
    opened = door()
    row = {"channel": "chat", "data": chat(), "headers": {"dlq.attempt": "3"}}
    answer = opened.post("/v1/batch", lines(row), NDJSON)
    assert refused(answer) == (422, "HEADER_INVALID")
    forged = {"specversion": "1.0", "id": "x", "source": "s", "type": "deskwheel.chat.message",
              "data": chat(), "Refused": "DECOMPRESSION_BOMB"}  # fmt: skip
    answer = opened.post("/v1/events/chat", json.dumps(forged), "application/cloudevents+json")
    assert refused(answer) == (422, "HEADER_INVALID")
    assert not opened.publisher.published


def test_a_deep_event_of_a_batch_is_refused(door: Opened) -> None:
    opened = door()
    for depth in (200, 900, 980, 1100):
        body = '{"channel":"chat","data":' + "[" * depth + "]" * depth + "}"
        assert refused(opened.post("/v1/batch", body, NDJSON))[0] == 422


def test_a_failure_is_answered_and_its_message_is_not_logged(
    door: Opened, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened = door()

    def fail(event: Any) -> None:
        raise ValueError(event.data.decode())

    monkeypatch.setattr(opened.gateway.intake, "problem_of", fail)
    assert refused(opened.post("/v1/events/chat", chat())) == (500, "GATEWAY_FAILED")
    assert "ValueError" in caplog.text
    assert chat()["text"] not in caplog.text


def test_text_of_a_customer_is_never_sent_back(door: Opened) -> None:
    opened = door()
    secret = "4111111111111111"
    for body in (chat(sender=secret), chat(sent_at=secret), {secret: secret}, [secret]):
        assert secret not in opened.post("/v1/events/chat", body).text
    row = {"channel": secret, "key": [secret], "data": {"text": secret}}
    assert secret not in opened.post("/v1/batch", lines(row), NDJSON).text


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer wrong", "Basic toy-token", "toy-token"])
def test_without_a_tenants_token_nothing_is_taken(door: Opened, token: str) -> None:
    opened = door()
    for path in ("/v1/events/chat", "/v1/batch"):
        answer = opened.post(path, chat(), authorization=token)
        assert refused(answer) == (401, "TOKEN_INVALID")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert not opened.publisher.published


def test_the_token_decides_the_tenant(door: Opened) -> None:
    opened = door()
    opened.post("/v1/events/chat", chat(), authorization="Bearer other-token")
    assert opened.publisher.published[0].tenant == "other"


@pytest.mark.parametrize(
    ("path", "media"),
    [
        ("/v1/events/chat", "text/plain"),
        ("/v1/events/email", "application/json"),
        ("/v1/batch", "application/json"),
    ],
)
def test_an_unknown_content_type_is_refused(door: Opened, path: str, media: str) -> None:
    assert refused(door().post(path, chat(), media)) == (415, "MEDIA_TYPE_UNKNOWN")


def test_an_unknown_content_encoding_is_refused(door: Opened) -> None:
    answer = door().post("/v1/events/chat", chat(), content_encoding="br")
    assert refused(answer) == (415, "MEDIA_TYPE_UNKNOWN")
    assert answer.json()["error"]["field"] == "content-encoding"


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)]
)
def test_a_packed_event_is_unpacked(door: Opened, encoding: str, pack: Any) -> None:
    opened = door()
    body = json.dumps(chat()).encode()
    assert opened.post("/v1/events/chat", pack(body), content_encoding=encoding).status_code == 202
    assert opened.publisher.published[0].data == body


def test_what_is_too_large_is_refused(door: Opened) -> None:
    opened = door(max_body_bytes=2000)
    assert refused(opened.post("/v1/events/chat", chat(text="x" * 2000))) == (413, "TOO_LARGE")

    pieces = (b"x" * 512 for _ in range(8))
    headers = {**BEARER, "content-type": "application/json"}
    answer = opened.client.post("/v1/events/chat", content=pieces, headers=headers)
    assert refused(answer) == (413, "TOO_LARGE")
    assert answer.headers["connection"] == "close"


def test_an_address_that_is_none_has_the_same_body(door: Opened) -> None:
    opened = door()
    for path in ("/v1/events/fax", "/v1/webhooks/none", "/nowhere"):
        assert refused(opened.post(path, chat())) == (404, "ADDRESS_UNKNOWN")
    assert refused(opened.client.get("/v1/batch")) == (405, "ADDRESS_UNKNOWN")


def test_a_batch_is_accepted_as_a_whole(door: Opened) -> None:
    opened = door()
    rows = [{"channel": "chat", "data": chat(n)} for n in range(3)]
    rows.append({"channel": "chat", "data": json.dumps(chat(3)), "key": "k", "headers": {"a": "b"}})
    answer = opened.post("/v1/batch", lines(*rows), NDJSON)
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 4
    assert [e["id"] for e in answer.json()["events"]] == ["m-0", "m-1", "m-2", "m-3"]
    assert opened.publisher.published[3].key == "k"
    assert opened.publisher.published[3].attributes["a"] == "b"


def test_a_batch_of_cloud_events_finds_the_channel_in_the_type(door: Opened) -> None:
    opened = door()
    rows = [{**CE, "id": f"ce-{n}", "data": chat(n)} for n in range(2)]
    assert opened.post("/v1/batch", rows, BATCH).json()["accepted"] == 2
    rows[1]["type"] = "com.example.other"
    answer = opened.post("/v1/batch", rows, BATCH)
    assert [e["index"] for e in answer.json()["events"]] == [1]


def test_one_bad_event_refuses_the_batch_and_every_bad_one_is_listed(door: Opened) -> None:
    opened = door()
    body = "\n".join(
        (lines({"channel": "chat", "data": chat(1)}), "{", lines({"channel": "fax"}),
         lines({"channel": "chat", "data": chat(2, sent_at="x")}))
    )  # fmt: skip
    answer = opened.post("/v1/batch", body, NDJSON)
    assert refused(answer) == (422, "NOT_JSON")
    found = [(e["index"], e["reason"], e["field"]) for e in answer.json()["events"]]
    assert found == [
        (1, "NOT_JSON", None), (2, "FIELD_INVALID", "channel"), (3, "FIELD_INVALID", "sent_at")
    ]  # fmt: skip
    assert not opened.publisher.published


def test_a_partial_batch_takes_the_good_events(door: Opened) -> None:
    opened = door()
    body = lines({"channel": "chat", "data": chat(1)}, {"channel": "chat"})
    answer = opened.post("/v1/batch?partial=true", body, NDJSON)
    assert answer.status_code == 207
    first, second = answer.json()["events"]
    assert (first["status"], first["id"]) == (202, "m-1")
    assert (second["index"], second["status"], second["error"]["reason"]) == (1, 422, "EMPTY")


def test_a_batch_says_which_events_were_acknowledged(door: Opened) -> None:
    opened = door()
    opened.publisher.silent = {"m-1"}
    body = lines(*({"channel": "chat", "data": chat(n)} for n in range(3)))
    answer = opened.post("/v1/batch", body, NDJSON)
    assert refused(answer) == (503, "BROKER_AWAY")
    assert [e["status"] for e in answer.json()["events"]] == [202, 503, 202]
    assert answer.headers["retry-after"] == "1"


def test_a_batch_of_too_many_events_is_too_large(door: Opened) -> None:
    body = lines(*({"channel": "chat", "data": chat(n)} for n in range(4)))
    assert refused(door(max_batch_events=3).post("/v1/batch", body, NDJSON)) == (413, "TOO_LARGE")


def test_half_a_surrogate_pair_in_a_batch_is_undecodable(door: Opened) -> None:
    answer = door().post("/v1/batch", '{"channel":"chat","data":"\\ud800"}', NDJSON)
    assert refused(answer) == (422, "UNDECODABLE")


def test_a_tenant_beyond_its_rate_waits_and_others_do_not(door: Opened) -> None:
    opened = door(events_per_s=2.0)
    answers = [opened.post("/v1/events/chat", chat(n)) for n in range(3)]
    assert [a.status_code for a in answers] == [202, 202, 429]
    assert refused(answers[2]) == (429, "RATE_LIMITED")
    assert int(answers[2].headers["retry-after"]) >= 1
    other = opened.post("/v1/events/chat", chat(9), authorization="Bearer other-token")
    assert other.status_code == 202
    opened.clock[0] += 1
    assert opened.post("/v1/events/chat", chat(4)).status_code == 202


def test_silent_brokers_are_found_out_once_and_then_refused_at_once(door: Opened) -> None:
    opened = door()
    opened.publisher.is_silent = True
    opened.clock[0] += 10
    assert refused(opened.post("/v1/events/chat", chat(1))) == (503, "BROKER_AWAY")
    assert refused(opened.post("/v1/events/chat", chat(2))) == (503, "BROKER_AWAY")
    assert [e.id for e in opened.publisher.published] == ["m-1"]
    ready = opened.client.get("/readyz")
    assert (ready.status_code, ready.json()["broker"]) == (503, "away")


def test_what_waits_is_bounded(door: Opened) -> None:
    opened = door(max_pending_events=2, max_batch_events=2)
    opened.publisher.is_silent = True
    body = lines(*({"channel": "chat", "data": chat(n)} for n in range(2)))
    assert refused(opened.post("/v1/batch", body, NDJSON)) == (503, "BROKER_AWAY")
    opened.gateway.outlet.circuit.acknowledge()
    assert refused(opened.post("/v1/events/chat", chat(7))) == (503, "OVERLOADED")


def test_an_event_that_the_brokers_refuse_is_not_called_accepted(door: Opened) -> None:
    opened = door()
    opened.publisher.failures = {"m-1": RefusedError("no such topic"), "m-2": PublishError("gone")}
    assert refused(opened.post("/v1/events/chat", chat(1))) == (500, "GATEWAY_FAILED")
    assert refused(opened.post("/v1/events/chat", chat(2))) == (503, "BROKER_AWAY")


def test_a_draining_gateway_answers_and_ends_its_connections(door: Opened) -> None:
    opened = door()
    assert opened.client.get("/readyz").status_code == 200
    opened.gateway.is_draining = True
    assert opened.client.get("/readyz").status_code == 503
    answer = opened.post("/v1/events/chat", chat())
    assert (answer.status_code, answer.headers["connection"]) == (202, "close")


def test_metrics_count_what_was_taken_and_turned_away(door: Opened) -> None:
    opened = door()
    opened.post("/v1/events/chat", chat())
    opened.post("/v1/events/chat", b"{")
    opened.post("/v1/batch", lines({"channel": "chat"}, {"channel": "chat"}), NDJSON)
    opened.post("/v1/batch?partial=1", lines({"channel": "chat"}, {"channel": "chat"}), NDJSON)
    text = opened.client.get("/metrics").text
    assert 'deskwheel_gateway_accepted_total{channel="chat",tenant="acme"} 1.0' in text
    assert 'reason="NOT_JSON",tenant="acme"} 1.0' in text
    assert 'deskwheel_gateway_rejected_total{channel="",reason="EMPTY",tenant="acme"} 3.0' in text
    assert 'deskwheel_gateway_broker{state="answering"} 1.0' in text
    assert "deskwheel_gateway_pending_events 0.0" in text
    assert 'request_seconds_count{address="/v1/events",status="422"} 1.0' in text


def test_bodies_under_way_are_given_back(door: Opened) -> None:
    opened = door()
    opened.post("/v1/events/chat", chat())
    opened.post("/v1/events/chat", b"{")
    opened.post("/v1/events/chat", b"x", content_encoding="gzip")
    assert opened.gateway.allowance.held_bytes == 0
    assert opened.gateway.outlet.pending_events == opened.gateway.outlet.pending_bytes == 0
