"""Machine noise, poison and repeats: what reaches a desk besides conversations."""

import gzip
import json
from email.message import EmailMessage
from email.policy import SMTP
from random import Random
from typing import Any

from benchmarks.other_stream.details import person
from benchmarks.other_stream.events import Event, Written, event, stamp, token
from benchmarks.other_stream.sources import Row

COUNTS = {"auto_reply": 6, "bounce": 4, "newsletter": 5, "out_of_office": 6, "chat_spam": 2,
          "chat_bot_only": 2, "voicemail": 1}  # fmt: skip
_MAIL = {"content-type": "message/rfc822", "producer": "mail-gw"}
_CHAT = {"content-type": "application/json", "producer": "chat-gw-1"}


def noises(words: Row, rng: Random, spread_s: float) -> list[Written]:
    """Conversations that no person took part in, or only a spammer."""
    out = []
    for reason, count in COUNTS.items():
        channel = {"c": "chat", "v": "call"}.get(reason[0], "email")
        for n in range(count):
            at_s = rng.random() * spread_s
            name = f"{channel[:2]}-n{rng.randrange(10**5):05d}-{token(rng, 4)}"
            written = Written(gold=_label(name, channel, reason))
            options = words["bot" if reason == "chat_bot_only" else reason.removeprefix("chat_")]
            phrase = options[n % len(options)]
            maker = {"chat": _chat, "call": _voicemail}.get(channel, _mail)
            for made in maker(reason, phrase, name, at_s, words, rng):
                written.events.append((at_s, made))
            out.append(written)
    return out


def _label(name: str, channel: str, reason: str) -> dict[str, Any]:
    nothing = ("category", "intent", "resolved", "duplicate_group", "followup_of", "status_event",
               "disposition", "decidable", "pairs", "customer_id", "customer_email")  # fmt: skip
    return {
        **dict.fromkeys(nothing), "conversation_id": name, "channel": channel, "kind": "noise",
        "noise_reason": reason, "source": "template", "source_id": reason, "language": "en",
        "resolution_type": "noise", "flags": {}, "turns": [], "train_ok": False,
        "exclude_reason": reason, "event_lines": [],
    }  # fmt: skip


def _chat(reason: str, phrase: str, name: str, at_s: float, words: Row, rng: Random) -> list[Event]:
    sender = "bot" if reason == "chat_bot_only" else "customer"
    body = {
        "message_id": f"m-{token(rng, 12)}", "conversation_id": name, "sender": sender,
        "customer_id": person(words, rng).id, "agent_id": None, "text": phrase,
        "sent_at": stamp(at_s),
    }  # fmt: skip
    return [event("chat", name, json.dumps(body), at_s, schema="chat.v1", **_CHAT)]


def _voicemail(
    reason: str, phrase: str, name: str, at_s: float, words: Row, rng: Random
) -> list[Event]:
    del reason
    segment = {"speaker": "ivr", "start_s": 0.0, "end_s": 6.0, "text": phrase, "confidence": 0.95}
    body = {
        "call_id": name, "customer_id": person(words, rng).id, "agent_id": None,
        "started_at": stamp(at_s), "segments": [segment], "disposition": "voicemail",
    }  # fmt: skip
    return [event("call", name, json.dumps(body), at_s, call_id=name, **_CHAT)]


def _mail(
    reason: str, phrase: list[Any], name: str, at_s: float, words: Row, rng: Random
) -> list[Event]:
    del name
    who, message = person(words, rng), EmailMessage(policy=SMTP)
    sender = {"bounce": "Mail Delivery Subsystem <mailer-daemon@mx.example>",
              "newsletter": "Promo <hello@promo.example>"}.get(reason, who.email)  # fmt: skip
    message["From"], message["To"], message["Subject"] = sender, "support@acme.example", phrase[0]
    message["Message-ID"] = f"<{token(rng, 20)}@example.net>"
    for key, value in (phrase[2] if len(phrase) > 2 else {}).items():
        message[key] = value
    message.set_content(phrase[1], subtype="html" if reason == "newsletter" else "plain")
    raw = message.as_bytes(policy=SMTP)
    if reason == "bounce":
        raw = _report(phrase, who.email, rng)
    return [event("email", "", raw.decode() if raw.isascii() else raw, at_s, **_MAIL)]


def _report(phrase: list[Any], address: str, rng: Random) -> bytes:
    edge = token(rng, 12)
    return (
        f"From: postmaster@mx.example\r\nTo: support@acme.example\r\nSubject: {phrase[0]}\r\n"
        f"Message-ID: <{token(rng, 16)}@mx.example>\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{edge}"\r\n\r\n'
        f"--{edge}\r\nContent-Type: text/plain\r\n\r\n{phrase[1]}\r\n\r\n{address}\r\n\r\n"
        f"--{edge}\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; {address}\r\n"
        f"Action: failed\r\nStatus: 5.1.1\r\n\r\n--{edge}--\r\n"
    ).encode()


def poisons(rng: Random, spread_s: float) -> list[tuple[float, Event, str, str]]:
    """Events that no parser can read or should believe: moment, event, kind, what is expected."""
    out = []

    def add(kind: str, expect: str, value: str | bytes, **rest: Any) -> None:
        at_s = rng.random() * spread_s
        channel = rest.pop("channel", "chat")
        key = (
            ""
            if channel == "email"
            else f"{channel[:2]}-p{rng.randrange(10**5):05d}-{token(rng, 4)}"
        )
        headers = _MAIL if channel == "email" else _CHAT
        made = event(channel, key, value, at_s, **headers) | rest
        out.append((at_s, made, kind, expect))

    add("empty_value", "dlq", "")
    add("not_json", "dlq", "status=ok&message=hello")
    add("wrong_types", "dlq", _body(rng, text=["a"], sender={"x": 1}, sent_at=True))
    add("missing_fields", "dlq", _body(rng, message_id=None))
    add("truncated_json", "dlq", _body(rng)[:70])
    add("truncated_json", "dlq", _body(rng)[:140])
    add(
        "invalid_utf8", "dlq", _body(rng).encode()[:60] + b"\xff\xfe\x80" + _body(rng).encode()[60:]
    )
    add("gzip_bytes", "dlq", gzip.compress(_body(rng).encode(), mtime=0))
    add("bad_base64", "dlq", "%%%==", value_encoding="base64")
    add("deep_nesting", "dlq", '{"b":[' * 3000 + "0" + "]}" * 3000)
    add("huge_text", "dlq_or_truncated", _body(rng, text="Zz" * 700_000))
    add("null_bytes", "dlq_or_cleaned", _body(rng, text="where\0is\0it\0"))
    add("future_timestamp", "dlq_or_clamped", _body(rng, sent_at="2101-05-05T00:00:00.000Z"),
        timestamp="2101-05-05T00:00:00.000Z")  # fmt: skip
    add("past_timestamp", "dlq_or_clamped", _body(rng, sent_at="1969-07-20T20:17:00.000Z"),
        timestamp="1970-01-01T00:00:00.000Z")  # fmt: skip
    call = {"call_id": "ca-p", "customer_id": "c2", "agent_id": "a2", "started_at": stamp(50),
            "segments": [{"speaker": "customer", "start_s": 12, "end_s": -3, "text": None,
                          "confidence": "high"}], "disposition": 4}  # fmt: skip
    add("segments_backwards", "dlq", json.dumps(call), channel="call")
    add("no_headers_mail", "dlq", "a few words that are no mail at all", channel="email")
    nest = (
        "From: y@example.org\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="q"\r\n\r\n--q\r\n'
    )
    add("mime_unclosed", "dlq_or_empty", nest * 4, channel="email")
    return out


def _body(rng: Random, **other: Any) -> str:
    body = {
        "message_id": f"m-{token(rng, 12)}", "conversation_id": f"ch-p{token(rng, 6)}",
        "customer_id": "c0000001", "sender": "customer", "agent_id": None,
        "text": "good day, could you check my parcel", "sent_at": stamp(1000),
    } | other  # fmt: skip
    return json.dumps(
        {name: value for name, value in body.items() if value is not None or name == "agent_id"}
    )


def repeated(made: Event, rng: Random) -> tuple[Event, str]:
    """The same event sent once more, and in which way it differs."""
    headers = {**made["headers"], "retry": "1"}
    draw = rng.random()
    if draw < 0.6 or made["value_encoding"] == "base64":
        return ({**made}, "exact") if draw < 0.5 else ({**made, "headers": headers}, "redelivered")
    if made["channel"] == "email":
        value = f"Received: from a.example by b.example; {rng.randrange(10**6)}\r\n{made['value']}"
        return {**made, "value": value, "headers": headers}, "other_received_header"
    if made["headers"]["content-type"] == "application/json":
        value = json.dumps(json.loads(made["value"]), indent=1, ensure_ascii=False)
        return {**made, "value": value, "headers": headers}, "reserialized"
    return {**made, "headers": headers}, "redelivered"
