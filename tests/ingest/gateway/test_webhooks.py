import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deskwheel.errors import ConfigError
from deskwheel.settings import Settings
from ingest.gateway.hooks import read_webhooks
from ingest.gateway.signatures import SCHEMES
from ingest.gateway.webhooks import Webhook
from ingest.sources.webhook import WebhookOptions
from tests.ingest.conftest import NOON
from tests.ingest.gateway.conftest import Door, Opened, chat

SECRET = b"a toy secret of 24 bytes"
NOW_S = int(NOON.timestamp())
Headers = dict[str, str]


def sign(content: bytes, secret: bytes = SECRET) -> bytes:
    return hmac.new(secret, content, hashlib.sha256).digest()


def standard(
    body: bytes, at_s: int = NOW_S, secret: bytes = SECRET, name: str = "msg_1"
) -> Headers:
    signed = base64.b64encode(sign(f"{name}.{at_s}.".encode() + body, secret)).decode()
    return {
        "webhook_id": name,
        "webhook_timestamp": str(at_s),
        "webhook_signature": f"v1a,other v1,{signed}",
    }


def slack(body: bytes, at_s: int = NOW_S, secret: bytes = SECRET) -> Headers:
    signed = sign(f"v0:{at_s}:".encode() + body, secret).hex()
    return {"x_slack_request_timestamp": str(at_s), "x_slack_signature": f"v0={signed}"}


def zendesk(body: bytes, at_s: int = NOW_S, secret: bytes = SECRET) -> Headers:
    moment = NOON.fromtimestamp(at_s, NOON.tzinfo).strftime("%Y-%m-%dT%H:%M:%SZ")
    signed = base64.b64encode(sign(moment.encode() + body, secret)).decode()
    return {
        "x_zendesk_webhook_signature": signed,
        "x_zendesk_webhook_signature_timestamp": moment,
    }


def plain_hmac(body: bytes, at_s: int = NOW_S, secret: bytes = SECRET) -> Headers:
    signed = sign(f"{at_s}.".encode() + body, secret).hex()
    return {"x_toy_signature": f"sha256={signed}", "x_toy_time": str(at_s)}


SIGNERS: dict[str, Callable[..., Headers]] = {
    "standard": standard,
    "slack": slack,
    "zendesk": zendesk,
    "hmac": plain_hmac,
}
HMAC_OPTIONS = {
    "signature_header": "X-Toy-Signature",
    "signature_prefix": "sha256=",
    "timestamp_header": "X-Toy-Time",
    "separator": ".",
}


def hook(scheme: str, **changes: Any) -> dict[str, Webhook]:
    more = HMAC_OPTIONS if scheme == "hmac" else {}
    made = Webhook(
        name="desk",
        tenant="acme",
        options=WebhookOptions(scheme=scheme, **more),
        keys=[b"the former secret", SECRET],
        window_s=300.0,
    )
    return {"desk": replace(made, **changes)}


def deliver(door: Door, headers: Headers, body: bytes, name: str = "desk") -> Any:
    return door.post(f"/v1/webhooks/{name}", body, authorization="", **headers)


def reason(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["reason"]


BODY = json.dumps(chat()).encode()
every_scheme = pytest.mark.parametrize("scheme", sorted(SCHEMES))


@every_scheme
def test_a_signed_delivery_is_accepted_without_a_token(door: Opened, scheme: str) -> None:
    opened = door(hook(scheme))
    answer = deliver(opened, SIGNERS[scheme](BODY), BODY)
    assert answer.status_code == 202, answer.text
    event = opened.publisher.published[0]
    assert (event.tenant, event.source, event.data) == ("acme", "webhook:desk", BODY)


@every_scheme
def test_a_forged_delivery_is_refused(door: Opened, scheme: str) -> None:
    opened = door(hook(scheme))
    for headers, body in (
        (SIGNERS[scheme](BODY, secret=b"a guess"), BODY),
        (SIGNERS[scheme](BODY), BODY + b" "),
        ({}, BODY),
        ({name: "x" for name in SIGNERS[scheme](BODY)}, BODY),
    ):
        assert reason(deliver(opened, headers, body)) == (401, "SIGNATURE_INVALID")
    assert not opened.publisher.published


@every_scheme
def test_the_time_is_signed_and_the_window_is_open_to_both_sides(door: Opened, scheme: str) -> None:
    opened = door(hook(scheme))
    for shift_s in (-301, 301):
        headers = SIGNERS[scheme](BODY, NOW_S + shift_s)
        assert reason(deliver(opened, headers, BODY)) == (401, "SIGNATURE_EXPIRED")
    moved = {**SIGNERS[scheme](BODY, NOW_S - 9999), **_times(SIGNERS[scheme](BODY))}
    assert reason(deliver(opened, moved, BODY)) == (401, "SIGNATURE_INVALID")
    assert deliver(opened, SIGNERS[scheme](BODY, NOW_S - 299), BODY).status_code == 202


def _times(headers: Headers) -> Headers:
    return {n: v for n, v in headers.items() if n.endswith(("timestamp", "time"))}


@every_scheme
def test_a_repeated_delivery_is_published_once(door: Opened, scheme: str) -> None:
    opened = door(hook(scheme))
    headers = SIGNERS[scheme](BODY)
    assert deliver(opened, headers, BODY).status_code == 202
    again = deliver(opened, headers, BODY)
    assert (again.status_code, again.json()) == (
        200, {"status": "duplicate", "reason": "WEBHOOK_REPLAYED"},
    )  # fmt: skip
    # Providers sign anew when they send again.
    assert deliver(opened, SIGNERS[scheme](BODY, NOW_S + 60), BODY).status_code == 200
    assert len(opened.publisher.published) == 1


def test_a_delivery_is_only_a_duplicate_of_an_acknowledged_one(door: Opened) -> None:
    opened = door(hook("standard"))
    opened.publisher.is_silent = True
    assert reason(deliver(opened, standard(BODY), BODY)) == (503, "BROKER_AWAY")
    opened.publisher.is_silent = False
    opened.gateway.outlet.circuit.acknowledge()
    assert deliver(opened, standard(BODY), BODY).status_code == 202
    first, second = opened.publisher.published
    assert first.id == second.id


def test_the_signed_id_names_the_event(door: Opened) -> None:
    opened = door(hook("standard"))
    ids = [
        deliver(opened, standard(BODY, name=name), BODY).json()["id"] for name in ("msg_1", "msg_2")
    ]
    assert ids[0].startswith("hook-")
    assert len(set(ids)) == 2


def test_seen_deliveries_are_forgotten_when_they_would_be_too_old(door: Opened) -> None:
    opened = door(hook("standard"))
    deliver(opened, standard(BODY), BODY)
    opened.clock[0] += 599
    assert deliver(opened, standard(BODY), BODY).status_code == 200
    opened.clock[0] += 2
    assert deliver(opened, standard(BODY), BODY).status_code == 202


def test_a_payload_of_the_wrong_shape_is_kept_for_the_dead_letters(door: Opened) -> None:
    opened = door(hook("standard"))
    assert deliver(opened, standard(b"{}"), b"{}").status_code == 202
    assert opened.publisher.published[0].data == b"{}"
    assert reason(deliver(opened, standard(b""), b"")) == (422, "EMPTY")


def test_slack_gets_its_challenge_back_if_it_is_signed(door: Opened) -> None:
    opened = door(hook("slack"))
    body = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()
    assert deliver(opened, slack(body), body).json() == {"challenge": "abc"}
    assert deliver(opened, slack(body, secret=b"a guess"), body).status_code == 401
    assert not opened.publisher.published


FILE = """
[source]
name = "desk"
kind = "webhook"
tenant = "acme"

[options]
scheme = "{scheme}"
secrets = ["env:TOY_SECRET", "env:TOY_OLD_SECRET"]
"""
FIELDS = """
[options.fields]
message_id = "$.event.client_msg_id"
conversation_id = "$.event.channel"
customer_id = "$.event.user"
text = "$.event.text"
sent_at = "$.event.ts"

[options.constants]
sender = "customer"

[options.times]
sent_at = "epoch_s"
"""


@pytest.fixture
def folder(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("TOY_SECRET", SECRET.decode())
    monkeypatch.setenv("TOY_OLD_SECRET", "old")
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "other.toml").write_text('[source]\nname = "x"\nkind = "chat"\n')
    gateway = replace(settings.gateway, sources_dir=str(tmp_path / "sources"))
    return replace(settings, gateway=gateway)


def write(settings: Settings, text: str, name: str = "desk") -> None:
    (Path(settings.gateway.sources_dir) / f"{name}.toml").write_text(text)


def test_a_source_file_sets_up_a_webhook_with_a_mapping(door: Opened, folder: Settings) -> None:
    write(folder, FILE.format(scheme="slack") + FIELDS)
    opened = door(read_webhooks(folder))
    event = {"client_msg_id": "s-1", "channel": "C1", "user": "U1", "text": "hello", "ts": NOW_S}
    body = json.dumps({"type": "event_callback", "event_id": "Ev1", "event": event}).encode()
    assert deliver(opened, slack(body), body).json()["id"] == "s-1"
    published = opened.publisher.published[0]
    assert published.key == "C1"
    assert json.loads(published.data)["sent_at"] == "2026-04-01T12:00:00.000Z"
    assert opened.gateway.intake.problem_of(published) is None


def test_a_payload_that_cannot_be_mapped_travels_as_it_was(door: Opened, folder: Settings) -> None:
    write(folder, FILE.format(scheme="slack") + FIELDS)
    opened = door(read_webhooks(folder))
    body = json.dumps({"type": "event_callback", "event": {"ts": "no time"}}).encode()
    assert deliver(opened, slack(body), body).status_code == 202
    assert opened.publisher.published[0].data == body


def test_a_secret_of_standard_webhooks_is_base64(
    door: Opened, folder: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, FILE.format(scheme="standard"))
    with pytest.raises(ConfigError, match="whsec_"):
        read_webhooks(folder)
    for name in ("TOY_SECRET", "TOY_OLD_SECRET"):
        monkeypatch.setenv(name, f"whsec_{base64.b64encode(SECRET).decode()}")
    opened = door(read_webhooks(folder))
    assert deliver(opened, standard(BODY), BODY).status_code == 202


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FILE.format(scheme="other"), "options.scheme"),
        (FILE.format(scheme="slack").replace("TOY_SECRET", "NOT_SET"), "NOT_SET"),
        (FILE.partition("[options]")[0], "options.secrets"),
        (FILE.format(scheme="slack") + '[options.fields]\ntext = "$["\n', "JSONPath"),
        (FILE.format(scheme="slack").replace("scheme", "schema"), "schema"),
    ],
)
def test_a_wrong_source_file_is_named(folder: Settings, text: str, said: str) -> None:
    write(folder, text)
    with pytest.raises(ConfigError, match=said) as error:
        read_webhooks(folder)
    assert SECRET.decode() not in str(error.value)


def test_two_webhooks_with_one_name_are_refused(folder: Settings) -> None:
    for name in ("a", "b"):
        write(folder, FILE.format(scheme="slack"), name)
    with pytest.raises(ConfigError, match="rename one"):
        read_webhooks(folder)


def test_standard_webhooks_signs_as_its_specification_shows() -> None:
    """The worked example of the specification's reference libraries."""
    body = b'{"test": 2432232314}'
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    claimed = SCHEMES["standard"](WebhookOptions(), headers, body)
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert sign(claimed.content, key) in claimed.signatures
