"""A gateway around a publisher in memory, asked over ASGI; there is no Kafka and no socket."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from deskwheel.errors import PublishError
from deskwheel.records import Event, Pointer
from deskwheel.settings import Settings
from ingest.contract import Limits
from ingest.gateway.app import Gateway, build_api
from ingest.gateway.body import Allowance
from ingest.gateway.circuit import Circuit
from ingest.gateway.intake import Intake
from ingest.gateway.metrics import Counts
from ingest.gateway.outlet import Outlet
from ingest.gateway.tenants import Quota, Tenants
from ingest.gateway.webhooks import Webhook, Webhooks
from tests.ingest.conftest import NOON

TOKEN = "toy-token"
BEARER = {"authorization": f"Bearer {TOKEN}"}


@dataclass
class FakeReceipt:
    """A fake: settled when it is made, or never."""

    outcome: Pointer | PublishError | None

    def wait(self, timeout_s: float | None = None) -> Pointer:
        if isinstance(self.outcome, Pointer):
            return self.outcome
        raise self.outcome or PublishError("no answer")

    def add_done_callback(self, callback: Callable[["FakeReceipt"], None]) -> None:
        if self.outcome is not None:
            callback(self)


@dataclass
class FakePublisher:
    """A fake: keeps events in a list; `silent` ones are never acknowledged."""

    published: list[Event] = field(default_factory=list)
    failures: dict[str, PublishError] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    is_silent: bool = False

    def publish(self, event: Event) -> FakeReceipt:
        if event.id in self.failures:
            raise self.failures[event.id]
        self.published.append(event)
        if self.is_silent or event.id in self.silent:
            return FakeReceipt(None)
        place = Pointer(topic=f"raw.{event.channel}", partition=0, offset=len(self.published) - 1)
        return FakeReceipt(place)

    def close(self) -> None:
        pass


@dataclass
class Door:
    """A running gateway and what is behind it."""

    client: TestClient
    gateway: Gateway
    publisher: FakePublisher
    clock: list[float]

    def post(self, path: str, content: Any, media: str = "application/json", **headers: str) -> Any:
        data = content if isinstance(content, bytes | str) else json.dumps(content)
        named = {n.replace("_", "-"): v for n, v in headers.items()}
        sent = {**BEARER, "content-type": media, **named}
        return self.client.post(path, content=data, headers=sent)


Opened = Callable[..., Door]


@pytest.fixture
def door(settings: Settings, tmp_path: Path) -> Iterator[Opened]:
    """Open a gateway; keywords change `[gateway]`, `hooks` are its webhooks."""
    opened: list[Any] = []

    def open_door(hooks: dict[str, Webhook] | None = None, **changes: Any) -> Door:
        chosen = replace(settings.gateway, **{"ack_wait_s": 0.2, **changes})
        publisher, clock = FakePublisher(), [1000.0]
        circuit = Circuit(chosen.ack_wait_s, lambda: clock[0])
        outlet = Outlet(chosen, circuit, connect=lambda: publisher, is_reachable=lambda: False)
        counts = Counts(outlet)
        quota = Quota(chosen.events_per_s, lambda: clock[0])
        gateway = Gateway(
            settings=chosen,
            tenants=Tenants({TOKEN: "acme", "other-token": "other"}),
            outlet=outlet,
            intake=Intake(outlet, counts, quota, Limits(chosen.max_body_bytes), lambda: NOON),
            webhooks=Webhooks(hooks or {}, clock=lambda: clock[0]),
            counts=counts,
            allowance=Allowance(chosen.max_pending_bytes),
            now=lambda: NOON,
        )
        client = TestClient(build_api(gateway), raise_server_exceptions=False)
        client.__enter__()
        opened.append((client, gateway))
        client.portal.call(_started, gateway)
        return Door(client, gateway, publisher, clock)

    yield open_door
    for client, gateway in opened:
        client.portal.call(gateway.outlet.close, 0.2)
        client.__exit__(None, None, None)


async def _started(gateway: Gateway) -> None:
    gateway.outlet.start()
    while gateway.outlet.circuit.state != "answering":
        await asyncio.sleep(0.001)


def chat(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A toy chat message."""
    return {
        "message_id": f"m-{number}",
        "conversation_id": "c-1",
        "customer_id": "u-1",
        "sender": "customer",
        "text": "where is my parcel",
        "sent_at": "2026-04-01T11:59:00Z",
        **changes,
    }
