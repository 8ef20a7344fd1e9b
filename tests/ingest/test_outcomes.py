import json
from pathlib import Path
from typing import Any

from ingest.contract import check
from ingest.envelope import Arrival
from ingest.sources import CHANNELS, SOURCES
from ingest.sources.model import Context
from tests.ingest.conftest import NOON

CSAT: dict[str, Any] = {
    "outcome_id": "o-1",
    "kind": "csat",
    "channel": "chat",
    "conversation_id": "ch-1",
    "occurred_at": "2026-04-01T08:00:00Z",
    "csat": 4,
}


def event_of(**changes: Any) -> Any:
    data = json.dumps({**CSAT, **changes}).encode()
    return CHANNELS["outcome"](Arrival(data=data, received_at=NOON))


def test_an_outcome_is_named_by_its_id_and_keyed_by_its_conversation() -> None:
    event = event_of()
    assert (event.id, event.key, event.type) == ("o-1", "ch-1", "deskwheel.outcome.csat")
    assert (event.channel, event.dataschema) == ("outcome", "outcome.v1")
    assert check(event, now=NOON) == []


def test_a_kind_that_nobody_knows_is_an_event_and_is_refused_by_the_contract() -> None:
    for kind in ("a\nb", 7, None, "joy"):
        event = event_of(kind=kind)
        assert event.type == "deskwheel.outcome.unknown"
        assert [p.field for p in check(event, now=NOON)] == ["kind"]


def test_a_file_gives_an_event_a_line_dated_by_its_source_bad_lines_too(tmp_path: Path) -> None:
    lines = [json.dumps(CSAT), "", "not json", ""]
    (tmp_path / "outcomes.jsonl").write_text("\n".join(lines))
    source = SOURCES["outcomes"]
    context = Context(tenant="acme", folder=tmp_path, now=lambda: NOON)
    items = list(source.read(source.options(path="."), context))
    assert [i.origin.partition(" ")[0] for i in items] == ["outcomes.jsonl"] * 2
    assert all(i.position for i in items)
    assert [i.event.time.hour for i in items] == [8, 12]
    assert items[1].event.data == b"not json"
