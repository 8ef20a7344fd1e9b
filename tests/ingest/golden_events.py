"""The golden events: one recorded event of each schema version and case, never edited."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from deskwheel.records import Event
from deskwheel.times import parse_time

FOLDER = Path(__file__).with_name("golden")
ENVELOPE = ("ce_", "content-type")


@dataclass(frozen=True)
class Golden:
    """One event as it once lay in Kafka, and what was read out of it then."""

    name: str
    schema: str
    headers: dict[str, str]
    key: str
    payload: bytes
    expected: dict[str, Any]

    @property
    def now(self) -> datetime:
        """A moment after it was sent, at which the broker took it."""
        sent = parse_time(self.headers["ce_time"])
        assert sent is not None
        return sent + timedelta(seconds=1)

    def event(self) -> Event:
        """The event that has these headers and this payload."""
        own = {n: v for n, v in self.headers.items() if not n.startswith(ENVELOPE)}
        return Event(
            id=self.headers["ce_id"],
            source=self.headers["ce_source"],
            type=self.headers["ce_type"],
            dataschema=self.headers["ce_dataschema"],
            time=self.now - timedelta(seconds=1),
            tenant=self.headers["ce_tenant"],
            channel=self.schema.partition(".")[0],  # type: ignore[arg-type]
            key=self.key,
            content_type=self.headers["content-type"],
            data=self.payload,
            attributes=own,
        )


def golden_events() -> list[Golden]:
    """Every golden event by name."""
    found = []
    for file in sorted(FOLDER.glob("*.json")):
        body = json.loads(file.read_text(encoding="utf-8"))
        fields = {n: body[n] for n in ("schema", "headers", "key", "expected")}
        found.append(Golden(name=file.stem, payload=body["payload"].encode(), **fields))
    return found


GOLDEN = golden_events()
IDS = [g.name for g in GOLDEN]
EVENTS = [g for g in GOLDEN if g.schema != "feedback.v1"]
"""Those that come in through the raw topics."""
EVENT_IDS = [g.name for g in EVENTS]
