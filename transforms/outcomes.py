"""Rows of the table `feedback` out of one event of the topic `feedback`."""

from typing import Any, Literal, cast

import deskwheel
from deskwheel import reasons
from deskwheel.records import Feedback, Pointer
from transforms.parse.fields import rating_field, read_json, text_field, time_field
from transforms.parse.model import RawEvent, Rejection
from transforms.turns import Rules

KNOWN_SCHEMA = "feedback.v1"
KINDS = ("assignment", "outcome")


def feedback_rows(
    event: RawEvent, pointer: Pointer, rules: Rules, *, batch_id: int
) -> list[Feedback]:
    """Exactly one row for an event: an assignment, an outcome, or a rejection."""
    place = f"{pointer.topic}/{pointer.partition}/{pointer.offset}"
    common: dict[str, Any] = {
        "tenant": rules.tenant,
        "source": pointer,
        "ingested_at": event.ingested_at,
        "code_version": deskwheel.__version__,
        "batch_id": batch_id,
    }
    try:
        return [Feedback(**common, **_parse(event, rules))]
    except Rejection as rejection:
        return [
            Feedback(
                **common,
                feedback_id=place,
                kind=None,
                verdict="rejected",
                reason=rejection.reason,
                trace_id=None,
                conversation_id=None,
                subject_key=None,
                variant=None,
                csat=None,
                is_completed=None,
                occurred_at=event.ingested_at,
            )
        ]


def _parse(event: RawEvent, rules: Rules) -> dict[str, Any]:
    if event.size > rules.limits.max_event_bytes:
        raise Rejection(reasons.TOO_LARGE, f"{event.size} bytes")
    if not event.data:
        raise Rejection(reasons.EMPTY, "no payload")
    schema = event.header("ce_dataschema")
    if schema and schema != KNOWN_SCHEMA:
        raise Rejection(reasons.SCHEMA_UNKNOWN, f"{schema[:60]!r}; known: {KNOWN_SCHEMA}")
    value = read_json(event.data, rules.limits.max_depth)
    kind = text_field(value, "kind")
    if kind not in KINDS:
        raise Rejection(reasons.FIELD_INVALID, f"kind must be one of {', '.join(KINDS)}")
    completed = value.get("is_completed")
    if completed is not None and not isinstance(completed, bool):
        raise Rejection(reasons.FIELD_INVALID, "is_completed must be true or false")
    occurred_at = time_field(value, "occurred_at")
    rules.limits.check_time(occurred_at, event.ingested_at)
    return {
        "feedback_id": text_field(value, "feedback_id"),
        "kind": cast(Literal["assignment", "outcome"], kind),
        "verdict": "accepted",
        "reason": None,
        "trace_id": text_field(value, "trace_id"),
        "conversation_id": text_field(value, "conversation_id", required=False) or None,
        "subject_key": text_field(value, "subject_key", required=False) or None,
        "variant": text_field(value, "variant", required=False) or None,
        "csat": rating_field(value, "csat"),
        "is_completed": completed,
        "occurred_at": occurred_at,
    }
