"""Golden events of every past version are still read, and read as they were."""

import pytest

from deskwheel.records import Pointer
from ingest.envelope import headers_of
from tests.ingest.golden_events import EVENTS, GOLDEN, Golden
from tests.transforms.toys import RULES
from transforms.outcomes import feedback_rows
from transforms.parse import KNOWN_SCHEMAS, parse_event
from transforms.parse.model import ParsedEvent, RawEvent
from transforms.turns import turn_rows

PLACE = Pointer(topic="raw.chat", partition=0, offset=0)
FEEDBACK = [g for g in GOLDEN if g.schema == "feedback.v1"]


def in_kafka(golden: Golden) -> RawEvent:
    channel = golden.schema.partition(".")[0]
    headers = golden.headers
    if channel != "feedback":
        headers = {name.lower(): v.decode() for name, v in headers_of(golden.event())}
    return RawEvent(channel, golden.payload, len(golden.payload), headers, golden.now)


@pytest.mark.parametrize("golden", EVENTS, ids=lambda g: g.name)
def test_a_golden_event_is_read_as_it_was(golden: Golden) -> None:
    parsed = parse_event(in_kafka(golden), RULES.limits)
    assert isinstance(parsed, ParsedEvent), parsed
    found = {
        "utterances": len(parsed.utterances),
        "closing": parsed.closing is not None,
        "conversation_id": parsed.conversation_id,
        "told": parsed.told.kind if parsed.told else None,
    }
    assert {name: found[name] for name in golden.expected} == golden.expected


@pytest.mark.parametrize("golden", EVENTS, ids=lambda g: g.name)
def test_a_golden_event_has_only_accepted_rows(golden: Golden) -> None:
    rows = turn_rows(in_kafka(golden), PLACE, RULES, batch_id=1)
    assert {row.verdict for row in rows} == {"accepted"}


@pytest.mark.parametrize("golden", FEEDBACK, ids=lambda g: g.name)
def test_golden_feedback_is_read_as_it_was(golden: Golden) -> None:
    (row,) = feedback_rows(in_kafka(golden), PLACE, RULES, batch_id=1)
    assert (row.verdict, row.kind) == ("accepted", golden.expected["kind"])


def test_every_version_that_the_stream_reads_has_a_golden_event() -> None:
    known = {name for names in KNOWN_SCHEMAS.values() for name in names}
    assert {g.schema for g in EVENTS} == known
