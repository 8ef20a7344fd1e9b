"""The process itself, with no broker anywhere: addresses, heads, signals and exit status."""

import http.client
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2 as httpx
import pytest

from deskwheel.errors import ConfigError, SetupError
from deskwheel.settings import Settings
from ingest.gateway.protocol import MAX_HEAD_BYTES
from ingest.gateway.server import build, serve
from tests.conftest import free_ports
from tests.ingest.gateway.conftest import chat
from tests.ingest.gateway.process import BEARER, GatewayProcess, running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    home = tmp_path_factory.mktemp("gateway")
    with running(home, f"127.0.0.1:{free_ports(1)[0]}") as process:
        yield process


def talk(process: GatewayProcess, data: bytes) -> tuple[int, dict[str, object]]:
    """Status and body of the answer to raw bytes, after which the connection is closed."""
    with socket.create_connection(("127.0.0.1", process.port), timeout=30) as connection:
        connection.sendall(data)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def test_without_a_broker_it_lives_and_is_not_ready(gateway: GatewayProcess) -> None:
    assert httpx.get(f"{gateway.url}/healthz").status_code == 200
    assert httpx.get(f"{gateway.url}/readyz").status_code == 503
    answer = httpx.post(f"{gateway.url}/v1/events/chat", json=chat(), headers=BEARER, timeout=10)
    assert (answer.status_code, answer.json()["error"]["reason"]) == (503, "BROKER_AWAY")
    assert "server" not in answer.headers


def test_an_endless_head_is_refused(gateway: GatewayProcess) -> None:
    head = b"GET /healthz HTTP/1.1\r\n" + b"".join(
        b"x-%d: %s\r\n" % (n, b"y" * 1000) for n in range(MAX_HEAD_BYTES // 1000 + 1)
    )
    status, body = talk(gateway, head)
    assert (status, body["error"]["reason"]) == (431, "REQUEST_BROKEN")  # type: ignore[index]


def test_what_is_no_http_gets_the_same_body(gateway: GatewayProcess) -> None:
    status, body = talk(gateway, b"\x16\x03\x01 hello\r\n\r\n")
    assert (status, body["error"]["reason"]) == (400, "REQUEST_BROKEN")  # type: ignore[index]


def test_a_signal_ends_it_with_status_0(tmp_path: Path) -> None:
    with running(tmp_path, f"127.0.0.1:{free_ports(1)[0]}", drain_s=1.0) as process:
        process.signal(signal.SIGTERM)
        assert process.wait() == 0, process.log.read_text()
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{process.url}/healthz")


def test_a_drain_resets_no_connection_of_clients_that_connect_again(tmp_path: Path) -> None:
    with running(tmp_path, f"127.0.0.1:{free_ports(1)[0]}", drain_s=1.0) as process:
        answers, unanswered = [], []
        clients = [
            threading.Thread(target=ask_until_refused, args=(process.port, answers, unanswered))
            for _ in range(8)
        ]
        for client in clients:
            client.start()
        while len(answers) < 200:
            time.sleep(0.005)
        process.signal(signal.SIGTERM)
        for client in clients:
            client.join(60)
        assert process.wait() == 0
    assert unanswered == []


def ask_until_refused(port: int, answers: list[int], unanswered: list[str]) -> None:
    """Ask on a new connection each time, until there is none to be had."""
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.connect()
        except OSError:
            return
        try:
            connection.request("GET", "/healthz", headers={"connection": "close"})
            answers.append(connection.getresponse().status)
        except (OSError, http.client.HTTPException) as error:
            unanswered.append(type(error).__name__)
        connection.close()


def changed(settings: Settings, **gateway: object) -> Settings:
    secrets = Path(settings.pipeline.secrets_dir)
    secrets.mkdir()
    (secrets / "api_token").write_text("toy-token")
    return replace(settings, gateway=replace(settings.gateway, **gateway))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "limits",
    [
        {"max_batch_events": 10, "max_pending_events": 9},
        {"max_batch_bytes": 100_000, "max_pending_bytes": 65_536},
        {"max_body_bytes": 4096, "max_batch_bytes": 2048},
    ],
)
def test_limits_under_which_nothing_passes_are_refused(
    settings: Settings, limits: dict[str, int]
) -> None:
    with pytest.raises(ConfigError, match="raise the second"):
        build(changed(settings, **limits))


def test_a_taken_port_is_named(settings: Settings) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SetupError, match=f"gateway.port {port}"):
            serve(changed(settings, port=port))


def test_a_missing_token_is_named(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="api_token"):
        build(settings)
