"""What the contract at the door costs an event, and strict JSON against the standard parser.

A gateway that takes 1,000 events/s on two cores has 2 ms an event for everything; the contract
may take 100 µs of it for a chat message. Peers: `json.loads`, and the library `jsonschema`, which
decides alike and is the oracle of the tests.
"""

import argparse
import json
import timeit
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from jsonschema import Draft202012Validator

from benchmarks.claims import Claim, add_json_option, report
from deskwheel.records import Event
from deskwheel.strict_json import read_object
from ingest.contract import check
from ingest.contract.schemas import compiled, find_schema

NOW = datetime(2026, 4, 1, 9, tzinfo=UTC)
SENT = "2026-04-01T08:00:00.000Z"
TEXT_CHARS = 800
"""Makes a chat message of about 1 KB."""
SEGMENTS = 150
REPEATS = 7
SECONDS_EACH = 0.1

CHAT: dict[str, Any] = {
    "message_id": "m-1",
    "conversation_id": "ch-1",
    "customer_id": "c-1",
    "sender": "customer",
    "agent_id": None,
    "text": ("Hello, where is my parcel? " * 99)[:TEXT_CHARS],
    "sent_at": SENT,
    "meta": {"client": "ios", "locale": "en"},
}
CALL: dict[str, Any] = {
    "call_id": "call-1",
    "customer_id": "c-1",
    "agent_id": "a-1",
    "started_at": SENT,
    "disposition": "resolved",
    "segments": [
        {"speaker": "agent", "start_s": i * 1.5, "end_s": i * 1.5 + 1, "text": "Good afternoon, "
         "thank you for calling, how may I help?", "confidence": 0.91}
        for i in range(SEGMENTS)
    ],
}  # fmt: skip


def measure() -> list[Claim]:
    """Cost of an event, of its JSON and of its schema, each as the best of several rounds."""
    claims = []
    for name, body in (("chat.v2", CHAT), ("call.v1", CALL)):
        kind = name.partition(".")[0]
        event = event_of(name, body)
        size = f"{len(event.data)} bytes"
        whole = best_us(lambda e=event: check(e, now=NOW))
        strict, plain = (
            best_us(lambda d=event.data: read_object(d)),
            best_us(lambda d=event.data: json.loads(d)),
        )
        schema = best_us(lambda n=name, b=body: compiled(n)(b, "", []))
        library = Draft202012Validator(find_schema(name))
        oracle = best_us(lambda v=library, b=body: v.is_valid(b))
        claims += [
            Claim(id=f"ingest_contract.{kind}", value=whole, unit="µs",
                  target="<= 100" if kind == "chat" else "", peer=f"an event of {size}"),
            Claim(id=f"ingest_contract.{kind}_json", value=strict / plain, unit="×",
                  target="<= 2" if kind == "chat" else "", peer=f"`json.loads`: {plain:.1f} µs"),
            Claim(id=f"ingest_contract.{kind}_schema", value=schema / oracle, unit="×",
                  target="<= 0.5", peer=f"`jsonschema`: {oracle:.1f} µs"),
        ]  # fmt: skip
    return claims


def event_of(schema: str, body: dict[str, Any]) -> Event:
    """The event of a payload, as the gateway has it before it is published."""
    kind = schema.partition(".")[0]
    return Event(
        id="m-1", source="gateway", type=f"deskwheel.{kind}.message", dataschema=schema, time=NOW,
        tenant="default", channel=kind, key="ch-1",  # type: ignore[arg-type]
        content_type="application/json", data=json.dumps(body).encode(),
    )  # fmt: skip


def best_us(work: Callable[[], object]) -> float:
    """Microseconds of one call, in the best of several rounds of a tenth of a second."""
    timer = timeit.Timer(work)
    once = max(timer.timeit(3) / 3, 1e-7)
    number = max(1, int(SECONDS_EACH / once))
    return min(timer.repeat(REPEATS, number)) / number * 1e6


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ingest_contract", description=__doc__
    )
    add_json_option(parser)
    return report(measure(), parser.parse_args(argv).json)


if __name__ == "__main__":
    raise SystemExit(main())
