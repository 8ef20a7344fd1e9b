import re
from pathlib import Path
from typing import Any

from ingest.gateway.page import STATUSES, document, page
from tests.ingest.gateway.conftest import Opened


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        found = {value["$ref"]} if "$ref" in value else set()
        return found.union(*(references(inner) for inner in value.values()))
    inner = value if isinstance(value, list) else []
    return set().union(*(references(one) for one in inner))


def test_the_document_describes_every_address(door: Opened) -> None:
    opened = door()
    found = opened.client.get("/openapi.json").json()
    routes = {getattr(route, "path", "") for route in opened.client.app.routes}  # type: ignore[attr-defined]
    assert set(found["paths"]) == routes - {"/openapi.json", "/docs"}
    assert found["openapi"].startswith("3.1")


def test_what_the_document_refers_to_is_there() -> None:
    whole = document()
    names = {name.removeprefix("#/components/schemas/") for name in references(whole)}
    assert names == set(whole["components"]["schemas"])


def test_the_page_loads_nothing_and_runs_nothing(door: Opened) -> None:
    answer = door().client.get("/docs")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.search(r"<script|src=|href=|url\(|https?://", answer.text)
    assert "/v1/events/{channel}" in page()
    assert "BROKER_AWAY" in page()


def test_the_ingest_page_says_the_same_of_each_status() -> None:
    text = (Path(__file__).parents[3] / "docs" / "ingest.md").read_text(encoding="utf-8")
    assert not [s for s, meaning in STATUSES.items() if f"| {s} | {meaning} |" not in text]
