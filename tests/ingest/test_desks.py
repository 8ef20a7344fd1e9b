"""Desks behind recorded answers: what becomes an event, once, across restarts and refusals.

The answers in `desks/*.json` have the shapes of the vendors' public API documentation; their
content is invented.
"""

import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from deskwheel.errors import ConfigError, ServiceError, SetupError
from ingest.contract.schemas import find_schema
from ingest.sources import SOURCES
from ingest.sources.desks import rest
from ingest.sources.desks.walk import moment
from ingest.sources.model import Context, Item

pytest.importorskip("dlt")

HERE = Path(__file__).parent / "desks"
KINDS = ("zendesk", "freshdesk", "slack", "hubspot")
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
TOKEN = "toy-token"
LOGIN = {
    "zendesk": "Basic YW5uQGFjbWUuZXhhbXBsZS90b2tlbjp0b3ktdG9rZW4=",
    "freshdesk": "Basic dG95LXRva2VuOlg=",
    "slack": f"Bearer {TOKEN}",
    "hubspot": f"Bearer {TOKEN}",
}
OPTIONS: dict[str, dict[str, Any]] = {
    "zendesk": {"email": "ann@acme.example"},
    "freshdesk": {},
    "slack": {"channels": ("C0HELP",)},
    "hubspot": {},
}


@dataclass
class Desk:
    """A fake: a server on 127.0.0.1 that gives recorded answers; no vendor is asked."""

    kind: str
    answers: list[dict[str, Any]]
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    logins: set[str] = field(default_factory=set)
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """(status, headers) that the next requests get instead."""
    url: str = ""

    def answer(self, path: str, query: dict[str, str]) -> Any:
        self.requests.append((path, query))
        for recorded in self.answers:
            if recorded["path"] == path and recorded["query"].items() <= query.items():
                found = json.loads(json.dumps(recorded["body"]).replace("{base}", self.url))
                return cut(found, recorded["cut"], query) if "cut" in recorded else found
        return None

    def count(self, path: str) -> int:
        return sum(asked == path for asked, _ in self.requests)


def cut(body: Any, rule: dict[str, Any], query: dict[str, str]) -> Any:
    """A recorded answer without what lies before the asked cursor, as the vendor gives it."""
    records = body[rule["list"]] if rule["list"] else body
    asked = query.get(rule["param"], "")
    kept = [r for r in records if moment(r[rule["field"]]) >= moment(asked)]
    if not kept:
        return rule["else"]
    return {**body, rule["list"]: kept} if rule["list"] else kept


def serve(desk: Desk) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # noqa: N802
            desk.logins.add(self.headers.get("Authorization", ""))
            status, headers = desk.refusals.pop(0) if desk.refusals else (200, {})
            url = urlsplit(self.path)
            found = None
            if status == 200:
                found = desk.answer(url.path, dict(parse_qsl(url.query)))
                status = 404 if found is None else 200
            body = json.dumps(found).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    desk.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
    return server


@pytest.fixture
def desk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    kind = request.param
    found = Desk(kind, json.loads((HERE / f"{kind}.json").read_text(encoding="utf-8")))
    monkeypatch.setenv("TOY_TOKEN", TOKEN)
    server = serve(found)
    yield found
    server.shutdown()
    server.server_close()


each_desk = pytest.mark.parametrize("desk", KINDS, indirect=True)


def read(desk: Desk, position: str | None = None, *, now: datetime = NOW, is_sampling: bool = False,
         stop: threading.Event | None = None, **options: Any) -> Iterator[Item]:  # fmt: skip
    source = SOURCES[desk.kind]
    given = source.options(url=desk.url, token="env:TOY_TOKEN", **{**OPTIONS[desk.kind], **options})
    context = Context(
        position=position, is_sampling=is_sampling, now=lambda: now, stop=stop or threading.Event()
    )
    return source.read(given, context)


def body(item: Item) -> dict[str, Any]:
    return dict(json.loads(item.event.data))


def gist(items: list[Item]) -> list[tuple[str, ...]]:
    """(sender, text) of messages and (kind, value) of outcomes."""
    found = []
    for value in map(body, items):
        if "sender" in value:
            found.append((value["sender"], value["text"]))
        else:
            found.append((value["kind"], str(value.get("status") or value.get("csat") or "")))
    return found


KETTLE = "My kettle keeps beeping."
HOLD = "Please hold the button for five seconds."
EXPECTED = {
    "zendesk": [
        ("customer", KETTLE), ("status", "open"), ("agent", HOLD),
        ("status", "solved"), ("customer", "It beeps again!"), ("reopened", ""), ("csat", "5"),
    ],
    "freshdesk": [
        ("customer", KETTLE), ("agent", "Hold the button."), ("customer", "It works, thank you!"),
        ("status", "solved"), ("agent", "We have found your parcel."), ("csat", "5"),
    ],
    "slack": [
        ("customer", "My kettle keeps beeping see here & smells"), ("agent", "please unplug it."),
        ("customer", "Done, thanks!"), ("bot", "All systems work."),
    ],
    "hubspot": [
        ("customer", KETTLE), ("agent", "Hold the button."), ("status", "closed"),
        ("bot", "Hello, how can I help?"),
    ],
}  # fmt: skip


@each_desk
def test_a_desk_s_words_and_outcomes_become_events(desk: Desk) -> None:
    items = list(read(desk))
    assert gist(items) == EXPECTED[desk.kind]
    assert desk.logins == {LOGIN[desk.kind]}
    conversations = {body(i)["conversation_id"] for i in items}
    assert all(i.event.key == body(i)["conversation_id"] for i in items)
    assert all(c.startswith(f"{desk.kind}-127-") for c in conversations)
    assert len({i.event.id for i in items}) == len(items)


@each_desk
def test_every_event_keeps_to_the_schema_it_names(desk: Desk) -> None:
    import jsonschema  # noqa: PLC0415

    for item in read(desk):
        schema = find_schema(item.event.dataschema)
        jsonschema.Draft202012Validator(schema).validate(body(item))


@each_desk
def test_a_restart_goes_on_behind_the_last_item(desk: Desk) -> None:
    whole = [i.event.id for i in read(desk)]
    for taken in (2, len(whole)):  # any number: tests/ingest/test_walk.py
        first = []
        reader = read(desk)
        for _ in range(taken):
            first.append(next(reader))
        reader.close()
        rest_of_it = list(read(desk, first[-1].position, now=NOW + timedelta(hours=1)))
        assert [i.event.id for i in (*first, *rest_of_it)] == whole, taken


@each_desk
def test_what_came_about_a_moment_ago_is_left_to_the_next_look(desk: Desk) -> None:
    minute = 6 if desk.kind in ("freshdesk", "hubspot") else 1
    early = datetime(2026, 4, 1, 9, minute + 1, 30, tzinfo=UTC)
    first = list(read(desk, now=early, lag_s=60))
    later = list(read(desk, first[-1].position))
    assert 0 < len(first) < len(EXPECTED[desk.kind])
    assert all(
        body(i).get("sent_at", body(i).get("occurred_at")) <= f"2026-04-01T09:0{minute}:30.000000Z"
        for i in first
    )
    assert sorted(gist([*first, *later])) == sorted(EXPECTED[desk.kind])


@each_desk
def test_a_desk_that_asks_for_a_pause_gets_it(desk: Desk) -> None:
    desk.refusals = [(429, {"Retry-After": "1"}), (503, {"Retry-After": "1"})]
    waited: list[float] = []
    stop = threading.Event()
    stop.wait = lambda timeout=None: bool(waited.append(timeout or 0))  # type: ignore[method-assign]
    items = list(read(desk, stop=stop))
    assert waited == [1, 1]
    assert gist(items) == EXPECTED[desk.kind]


@pytest.mark.parametrize("desk", ["freshdesk"], indirect=True)
def test_a_pause_ends_when_the_source_is_stopped_and_nothing_counts_as_read(desk: Desk) -> None:
    desk.refusals = [(429, {"Retry-After": "600"})]
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    assert list(read(desk, stop=stop)) == []
    assert desk.requests == []


@pytest.mark.parametrize("desk", ["hubspot"], indirect=True)
@pytest.mark.parametrize(
    ("status", "kind", "why"),
    [
        (401, SetupError, "refuses the token"),
        (404, SetupError, "check the options"),
        (429, ServiceError, "429 after"),
    ],
)
def test_a_refusal_says_what_to_do_and_never_the_token(
    desk: Desk, status: int, kind: type[Exception], why: str
) -> None:
    desk.refusals = [(status, {"Retry-After": "1"})] * 50
    stop = threading.Event()
    stop.wait = lambda timeout=None: False  # type: ignore[method-assign]
    with pytest.raises(kind, match=why) as caught:
        list(read(desk, stop=stop))
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("desk", ["slack"], indirect=True)
def test_slack_s_errors_come_with_status_200(desk: Desk) -> None:
    desk.answers = [
        {"path": "/conversations.history", "query": {},
         "body": {"ok": False, "error": "not_in_channel"}},
    ]  # fmt: skip
    with pytest.raises(SetupError, match="not_in_channel"):
        list(read(desk))


@pytest.mark.parametrize("desk", ["slack"], indirect=True)
def test_agents_of_slack_can_be_named(desk: Desk) -> None:
    items = list(read(desk, agents=("U0AHMED",)))
    assert [s for s, _ in gist(items)] == ["agent", "customer", "agent", "bot"]
    assert desk.count("/users.info") == 0


@pytest.mark.parametrize("desk", ["zendesk"], indirect=True)
def test_a_person_s_role_is_asked_for_once(desk: Desk) -> None:
    list(read(desk))
    assert desk.count("/api/v2/users/show_many.json") == 2


@pytest.mark.parametrize("desk", ["freshdesk"], indirect=True)
def test_a_ticket_that_grows_tells_only_what_is_new(desk: Desk) -> None:
    seen = list(read(desk))
    (tickets,) = [a for a in desk.answers if a["path"] == "/api/v2/tickets" and a["query"]]
    grown = {**tickets["body"][0], "updated_at": "2026-04-01T13:00:00Z"}
    desk.answers.insert(0, {"path": "/api/v2/tickets", "query": {"page": "1"}, "body": [grown]})
    more = next(a for a in desk.answers if a["path"].endswith("20/conversations"))
    more["body"].append(
        {"id": 304, "incoming": True, "user_id": 500, "body_text": "It beeps again!",
         "created_at": "2026-04-01T13:00:00Z"}
    )  # fmt: skip
    again = list(read(desk, seen[-1].position, now=NOW + timedelta(hours=2)))
    assert gist(again) == [("customer", "It beeps again!")]


@each_desk
def test_a_sample_shows_how_fields_map(desk: Desk) -> None:
    first = next(read(desk, is_sampling=True))
    fields = {f.canonical: f for f in first.fields}
    assert fields["text"].source
    assert fields["text"].value == body(first)["text"]
    assert next(read(desk)).fields == ()


@pytest.mark.parametrize("desk", ["hubspot"], indirect=True)
def test_a_message_without_text_is_an_event_for_the_stream_to_reject(desk: Desk) -> None:
    (messages,) = [a for a in desk.answers if a["path"].endswith("9002/messages")]
    del messages["body"]["results"][0]["text"]
    last = list(read(desk))[-1]
    assert body(last)["text"] is None
    assert last.event.dataschema == "chat.v1"


@each_desk
def test_nothing_is_written_into_the_home_folder(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "true")
    list(read(desk))
    import os  # noqa: PLC0415

    assert os.environ["RUNTIME__DLTHUB_TELEMETRY"] == "false"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("desk", ["slack"], indirect=True)
def test_without_the_extra_the_remedy_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] == "dlt"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "dlt", None)
    with pytest.raises(SetupError, match="extra `desks`"):
        list(read(desk))


@each_desk
def test_a_position_of_something_else_is_refused(desk: Desk) -> None:
    with pytest.raises(ConfigError, match="none of a desk"):
        list(read(desk, '{"uid": 7}'))


def test_only_encrypted_or_local_addresses_get_a_token() -> None:
    import re  # noqa: PLC0415

    assert re.fullmatch(rest.ADDRESS, "https://acme.example")
    assert re.fullmatch(rest.ADDRESS, "http://127.0.0.1:8000")
    assert not re.fullmatch(rest.ADDRESS, "http://acme.example")
    assert not re.fullmatch(rest.ADDRESS, "http://127.0.0.1.acme.example")
