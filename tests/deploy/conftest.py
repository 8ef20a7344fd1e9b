"""Parts of the serving application that need no Ray, no model and no broker.

The generator says in its every answer that it is a fake; the broker keeps what it is given.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from deploy.application import Ask, Desk, Piece, Prompt, Secrets
from deploy.feedback import FeedbackEvent, FeedbackLog
from deploy.follow import SplitFollower
from deploy.http import build_api
from deploy.roster import change_split, ensure_first_variant, write_variant
from deskwheel.records import Variant
from deskwheel.settings import Settings
from deskwheel.state import State

NOW = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)
TOKEN = "toy-token"


@dataclass
class FakeVoice:
    """Stands for a loaded variant; a word is a token."""

    name: str
    limit: int = 50

    def prompt(self, messages: Sequence[dict[str, str]]) -> Prompt:
        text = " ".join(m["content"] for m in messages)
        return Prompt(text=text, tokens=len(text.split()), max_tokens=self.limit)


async def fake_generate(ask: Ask) -> AsyncIterator[Piece]:
    """A fake answer that names its variant, word by word; breaks off when asked to."""
    words = ["a", "fake", "answer", "of", ask.voice.name][: ask.max_new_tokens]
    if "break first" in ask.prompt.text:
        raise RuntimeError("the fake broke before its first word")
    reason = "length" if len(words) == ask.max_new_tokens else "stop"
    for i, word in enumerate(words):
        await asyncio.sleep(0)
        if "break" in ask.prompt.text and i == 2:
            raise RuntimeError("the fake broke")
        is_last = i == len(words) - 1
        text = word if i == 0 else f" {word}"
        yield Piece(text=text, tokens=i + 1, finish_reason=reason if is_last else None)


@dataclass
class FakeBroker:
    """Keeps events; refuses them while `is_away`."""

    events: list[FeedbackEvent] = field(default_factory=list)
    is_away: bool = False

    def send(self, event: FeedbackEvent) -> None:
        if self.is_away:
            raise ConnectionError("the fake broker is away")
        self.events.append(event)

    def close(self) -> None:
        self.is_away = True

    def payloads(self) -> list[dict[str, Any]]:
        return [json.loads(event.value) for event in self.events]


def put_to_test(state: State, name: str = "support-v1", share: float = 0.5) -> None:
    write_variant(
        state,
        Variant(
            name=name,
            pipeline="support",
            kind="adapter",
            base_model="demo",
            adapter_uri="/nowhere",
            run_id="run-1",
            role="challenger",
            share=share,
            since=NOW,
        ),
    )
    change_split(state, "support", lambda now: now.with_challenger(name, share, salt="x"))


@dataclass
class CountingMeter:
    replies: list[str] = field(default_factory=list)
    unlogged_answers: list[str] = field(default_factory=list)

    def replied(self, variant: str, seconds: float) -> None:
        assert seconds >= 0
        self.replies.append(variant)

    def unlogged(self, variant: str) -> None:
        self.unlogged_answers.append(variant)


@dataclass
class Shop:
    """A served application and everything around it that a test may look at."""

    client: TestClient
    desk: Desk
    follower: SplitFollower[FakeVoice]
    state: State
    settings: Settings
    broker: FakeBroker
    meter: CountingMeter
    loads: list[str]
    """Variants that were loaded or tried, in order."""
    broken: set[str]
    """Variants that cannot be loaded."""
    limits: list[int]
    """Token limit of each answer that was generated."""

    def ask(self, user: str | None = "c-1", text: str = "Where is it?", **more: Any) -> Any:
        body = {"model": "support", "messages": [{"role": "user", "content": text}], **more}
        if user is not None:
            body["user"] = user
        return self.client.post("/v1/chat/completions", json=body)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    whole = Settings()
    return replace(
        whole,
        pipeline=replace(
            whole.pipeline,
            state_url=f"sqlite:///{tmp_path}/state.db",
            lake=str(tmp_path / "lake"),
            secrets_dir=str(tmp_path / "secrets"),
        ),
        ab=replace(whole.ab, initial_share=0.5, min_outcomes=3),
        serve=replace(whole.serve, max_new_tokens=20, max_body_bytes=4096, max_ongoing=2),
    )


@pytest.fixture
def state(settings: Settings) -> Iterator[State]:
    database = State(settings.pipeline.state_url)
    ensure_first_variant(database, settings, NOW)
    yield database
    database.close()


@pytest.fixture
def shop(settings: Settings, state: State) -> Iterator[Shop]:
    broker, meter = FakeBroker(), CountingMeter()
    loads: list[str] = []
    broken: set[str] = set()
    limits: list[int] = []

    def generate(ask: Ask) -> AsyncIterator[Piece]:
        limits.append(ask.max_new_tokens)
        return fake_generate(ask)

    def load(variant: Variant) -> FakeVoice:
        loads.append(variant.name)
        if variant.name in broken:
            raise OSError("the fake adapter is broken")
        return FakeVoice(variant.name)

    follower: SplitFollower[FakeVoice] = SplitFollower(
        state, settings.pipeline.name, load=load, poll_s=60
    )
    log = FeedbackLog(lambda: broker, ack_wait_s=0.5)
    desk = Desk(
        settings,
        Secrets(api_token=TOKEN, subject_key=b"toy-key"),
        follower=follower,
        generate=generate,
        log=log,
        meter=meter,
        clock=lambda: NOW,
    )
    follower.look()
    with TestClient(build_api(desk), raise_server_exceptions=False) as client:
        client.headers["authorization"] = f"Bearer {TOKEN}"
        yield Shop(client, desk, follower, state, settings, broker, meter, loads, broken, limits)
    log.close()
