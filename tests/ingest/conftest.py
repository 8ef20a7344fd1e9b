"""Toy events and an in-memory stand-in for Kafka."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from deskwheel.errors import PublishError
from deskwheel.records import Event

NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)


def make_event(**changes: Any) -> Event:
    values: dict[str, Any] = {
        "id": "m-1",
        "source": "chat-gw-1",
        "type": "deskwheel.chat.message",
        "dataschema": "chat.v1",
        "time": NOON,
        "tenant": "default",
        "channel": "chat",
        "key": "ch-1",
        "content_type": "application/json",
        "data": b"{}",
    }
    return Event(**values | changes)


@dataclass
class FakeReceipt:
    outlet: "FakePublisher"
    event: Event

    def wait(self) -> None:
        self.outlet.waiting -= 1
        if self.event.id in self.outlet.unacknowledged:
            raise PublishError(f"{self.event.id}: the fake broker does not answer")
        self.outlet.acknowledged.append(self.event.id)


@dataclass
class FakePublisher:
    """A fake: keeps events in a list and acknowledges them when asked; there is no Kafka."""

    refused: dict[str, PublishError] = field(default_factory=dict)
    unacknowledged: frozenset[str] = frozenset()
    published: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    waiting: int = 0
    most_waiting: int = 0

    def publish(self, event: Event) -> FakeReceipt:
        if event.id in self.refused:
            raise self.refused[event.id]
        self.published.append(event.id)
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        return FakeReceipt(self, event)


@pytest.fixture
def fake_publisher() -> FakePublisher:
    return FakePublisher()
