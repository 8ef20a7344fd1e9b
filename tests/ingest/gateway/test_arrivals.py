"""Batches: what reading one may cost, and what is no batch."""

import json
import threading
import tracemalloc
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.gateway.arrivals import _elements, batch
from ingest.gateway.refusal import Refusal
from tests.ingest.conftest import NOON
from tests.ingest.gateway.conftest import Opened, chat
from tests.ingest.gateway.test_app import BATCH, CE, NDJSON, lines, refused


@pytest.mark.parametrize(("media", "row"), [(BATCH, b"{},"), (NDJSON, b"{}\n")])
def test_a_batch_of_far_too_many_events_costs_no_more_than_the_limit(
    media: str, row: bytes
) -> None:
    body = b"[" * (media == BATCH) + row * 500_000
    tracemalloc.start()
    try:
        found = batch(media, body, tenant="t", now=NOON, max_events=1000)
        with pytest.raises(Refusal, match="more than 1000 events"):
            list(found)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 4 * len(body), "all of it as objects is 25 times the body"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "FIELD_INVALID"), ("{}", "FIELD_INVALID"), ("[", "NOT_JSON"), ("[1,]", "NOT_JSON"),
        ("[1 2]", "NOT_JSON"), ("[1", "NOT_JSON"), ("[1] 2", "NOT_JSON"), ("[,1]", "NOT_JSON"),
        (b"[\xff]", "UNDECODABLE"), ("[" * 100_000, "TOO_DEEP"), ("[]]", "NOT_JSON"),
    ],
)  # fmt: skip
def test_a_batch_that_is_no_array_is_refused_as_a_whole(
    door: Opened, body: bytes | str, reason: str
) -> None:
    opened = door()
    assert refused(opened.post("/v1/batch?partial=true", body, BATCH)) == (422, reason)
    assert not opened.publisher.published


@given(st.lists(st.recursive(st.none() | st.integers() | st.text(), st.lists)), st.data())
def test_the_elements_of_an_array_are_those_that_a_parser_finds(
    rows: list[Any], data: st.DataObject
) -> None:
    space = data.draw(st.text(" \t\r\n", max_size=3))
    body = f"{space}[{space}" + f"{space},{space}".join(map(json.dumps, rows)) + f"{space}]{space}"
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    assert list(_elements(body.encode(encoding))) == rows


def test_a_large_batch_is_read_beside_the_event_loop(
    door: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, threads = door(), []

    def now() -> datetime:
        threads.append(threading.current_thread())
        return NOON

    monkeypatch.setattr(opened.gateway.intake, "_now", now)
    for size in (10, 300_000):
        body = lines({"channel": "chat", "data": chat(1, text="x" * size)})
        opened.post("/v1/batch", body, NDJSON)
    small, large = threads
    assert small is not large


def test_a_batch_beyond_the_rate_is_refused_unread(door: Opened) -> None:
    opened = door(events_per_s=1.0)
    assert opened.post("/v1/batch", [{**CE, "data": chat(1)}], BATCH).status_code == 202
    assert refused(opened.post("/v1/batch", "[never parsed", BATCH)) == (429, "RATE_LIMITED")
