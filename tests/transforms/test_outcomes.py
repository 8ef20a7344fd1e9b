import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel import reasons
from deskwheel.records import Feedback, Pointer
from deskwheel.schema import to_table
from tests.transforms.toys import NOW, RULES, SENT
from transforms.outcomes import feedback_rows
from transforms.parse.model import RawEvent

PLACE = Pointer(topic="feedback", partition=0, offset=5)
OUTCOME: dict[str, Any] = {
    "feedback_id": "f-1",
    "kind": "outcome",
    "trace_id": "t-1",
    "conversation_id": "conv-1",
    "subject_key": "s-1",
    "variant": "challenger",
    "csat": 4,
    "is_completed": True,
    "occurred_at": SENT,
}


def event(data: bytes, **headers: str) -> RawEvent:
    return RawEvent("feedback", data, len(data), headers, NOW)


def row_of(raw: RawEvent) -> Feedback:
    (row,) = feedback_rows(raw, PLACE, RULES, batch_id=2)
    return row


def changed(**changes: Any) -> RawEvent:
    value = {k: v for k, v in {**OUTCOME, **changes}.items() if v is not ...}
    return event(json.dumps(value).encode(), ce_dataschema="feedback.v1")


def test_an_outcome_is_one_accepted_row() -> None:
    row = row_of(changed())
    assert (row.verdict, row.reason, row.kind, row.csat) == ("accepted", None, "outcome", 4)
    assert (row.feedback_id, row.trace_id, row.variant) == ("f-1", "t-1", "challenger")
    assert (row.is_completed, row.batch_id, row.source) == (True, 2, PLACE)


def test_an_assignment_knows_no_outcome() -> None:
    row = row_of(changed(kind="assignment", csat=..., is_completed=...))
    assert (row.verdict, row.csat, row.is_completed) == ("accepted", None, None)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (event(b""), reasons.EMPTY),
        (event(b"hello"), reasons.NOT_JSON),
        (event(b"\xff"), reasons.UNDECODABLE),
        (event(b"[" * 1100), reasons.TOO_DEEP),
        (replace(event(b""), size=100_001), reasons.TOO_LARGE),
        (event(b"{}", ce_dataschema="feedback.v2"), reasons.SCHEMA_UNKNOWN),
        (changed(feedback_id=...), reasons.FIELD_MISSING),
        (changed(trace_id=""), reasons.FIELD_MISSING),
        (changed(kind="praise"), reasons.FIELD_INVALID),
        (changed(is_completed="yes"), reasons.FIELD_INVALID),
        (changed(csat=0), reasons.FIELD_INVALID),
        (changed(occurred_at="2099-01-01T00:00:00Z"), reasons.TIME_FUTURE),
        (changed(occurred_at="1970-01-01T00:00:00Z"), reasons.TIME_PAST),
        (changed(occurred_at="0001-01-01T00:00:00+14:00"), reasons.FIELD_INVALID),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_feedback_is_rejected_for_its_reason(raw: RawEvent, reason: str) -> None:
    row = row_of(raw)
    assert (row.verdict, row.reason, row.kind) == ("rejected", reason, None)
    assert row.feedback_id == "feedback/0/5"


@given(data=st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    to_table([row_of(event(data))], Feedback)


@given(
    name=st.sampled_from(sorted(OUTCOME)),
    value=st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()),
)
def test_no_field_raises(name: str, value: Any) -> None:
    to_table([row_of(changed(**{name: value}))], Feedback)
