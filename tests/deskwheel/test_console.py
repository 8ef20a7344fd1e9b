import re

import pytest
from fastapi.testclient import TestClient

from deskwheel.console.app import create_app
from deskwheel.metrics import METRICS
from deskwheel.settings import Settings
from tests.deskwheel.scene import EVIL, build_scene, write_stack

HERE = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("scene")
    write_stack(home)
    return build_scene(home)


@pytest.fixture
def client(settings: Settings) -> TestClient:
    return TestClient(create_app(settings), base_url=HERE)


def test_page_runs_only_its_own_script(client: TestClient) -> None:
    answer = client.get("/")
    nonce = re.search(r"script-src 'nonce-([^']+)'", answer.headers["content-security-policy"])
    assert nonce
    assert f'<script nonce="{nonce[1]}">' in answer.text
    assert answer.text.count("<script") == 1
    assert EVIL not in answer.text


def test_page_and_snapshot_agree_on_the_digest(client: TestClient) -> None:
    assert f'let seen = "{client.get("/api/snapshot").json()["digest"]}"' in client.get("/").text


def test_request_that_names_another_host_is_refused(client: TestClient) -> None:
    assert client.get("/api/snapshot", headers={"host": "evil.example"}).status_code == 400
    assert client.get("/healthz", headers={"host": "localhost:8000"}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed(client: TestClient, method: str) -> None:
    for path in ("/", "/api/snapshot", "/metrics", "/healthz"):
        assert client.request(method, path).status_code == 405


def test_metrics_come_from_the_tables(client: TestClient) -> None:
    lines = client.get("/metrics").text.splitlines()
    assert 'deskwheel_events_total{topic="raw.chat",verdict="accepted"} 20.0' in lines
    assert 'deskwheel_examples_total{verdict="quarantined"} 2.0' in lines
    assert 'deskwheel_evaluation_score{metric="rouge_l",model="challenger"} 0.58' in lines
    assert "deskwheel_audit_unaccounted 0.0" in lines
    assert 'deskwheel_service_restarts_total{service="serving"} 3.0' in lines


def test_every_metric_of_the_vocabulary_is_exposed(client: TestClient) -> None:
    text = client.get("/metrics").text
    assert [m.name for m in METRICS if f"# HELP {m.name} " not in text] == []
