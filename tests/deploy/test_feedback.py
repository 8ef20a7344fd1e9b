import asyncio
import json
import threading
from datetime import datetime, timedelta, timezone

from deploy.feedback import (
    FeedbackEvent,
    FeedbackLog,
    RecentTraces,
    Trace,
    build_assignment,
    build_outcome,
)
from tests.deploy.conftest import NOW, FakeBroker

TRACE = Trace(
    trace_id="chatcmpl-1",
    tenant="default",
    variant="new",
    subject_key="ab12",
    conversation_id="chat-7",
)


def test_assignment_has_every_field_of_the_schema() -> None:
    event = build_assignment(TRACE, now=NOW)
    payload = json.loads(event.value)
    feedback_id = payload.pop("feedback_id")
    assert payload == {
        "kind": "assignment",
        "trace_id": "chatcmpl-1",
        "conversation_id": "chat-7",
        "subject_key": "ab12",
        "variant": "new",
        "csat": None,
        "is_completed": None,
        "occurred_at": "2026-04-01T08:00:00.000Z",
    }
    assert event.key == "chat-7"
    assert event.headers == {
        "ce_specversion": "1.0",
        "ce_id": feedback_id,
        "ce_source": "deploy",
        "ce_type": "deskwheel.feedback.assignment",
        "ce_time": "2026-04-01T08:00:00.000Z",
        "ce_subject": "chat-7",
        "ce_dataschema": "feedback.v1",
        "ce_tenant": "default",
        "content-type": "application/json",
    }


def test_key_falls_back_to_the_trace_where_no_conversation_is_known() -> None:
    trace = Trace(
        trace_id="chatcmpl-2", tenant="t", variant=None, subject_key=None, conversation_id=None
    )
    event = build_outcome(trace, csat=4, is_completed=None, now=NOW)
    assert event.key == event.headers["ce_subject"] == "chatcmpl-2"
    assert json.loads(event.value)["variant"] is None


def test_an_outcome_sent_again_is_the_same_event_and_a_corrected_one_is_not() -> None:
    def id_of(csat: int | None, is_completed: bool | None) -> str:
        event = build_outcome(
            TRACE, csat=csat, is_completed=is_completed, now=NOW + timedelta(seconds=csat or 0)
        )
        return str(json.loads(event.value)["feedback_id"])

    assert id_of(4, None) == id_of(4, None)
    assert len({id_of(4, None), id_of(5, None), id_of(4, True), id_of(None, True)}) == 4


def test_time_is_written_in_utc() -> None:
    local = datetime(2026, 4, 1, 10, 0, tzinfo=timezone(timedelta(hours=2)))
    assert json.loads(build_assignment(TRACE, now=local).value)["occurred_at"].startswith(
        "2026-04-01T08:00"
    )


def test_the_oldest_traces_are_forgotten_first() -> None:
    traces = RecentTraces(limit=2)
    for name in ("a", "b", "c"):
        traces.remember(
            Trace(trace_id=name, tenant="t", variant="new", subject_key=None, conversation_id=None)
        )
    assert traces.find("a", tenant="t").variant is None
    assert traces.find("c", tenant="t").variant == "new"


def test_log_says_whether_the_broker_has_the_event() -> None:
    broker = FakeBroker()
    log = FeedbackLog(lambda: broker, ack_wait_s=5)
    event = build_assignment(TRACE, now=NOW)
    assert asyncio.run(log.send(event))
    assert log.last_error is None
    broker.is_away = True
    assert not asyncio.run(log.send(event))
    assert "fake broker is away" in str(log.last_error)
    assert broker.events == [event]
    log.close()


def test_log_gives_up_on_a_silent_broker_in_time() -> None:
    release = threading.Event()

    class Silent(FakeBroker):
        def send(self, event: FeedbackEvent) -> None:
            release.wait(10)

    log = FeedbackLog(Silent, ack_wait_s=0.05)
    assert not asyncio.run(_send_once(log))
    assert "0.05 s" in str(log.last_error)
    release.set()
    log.close()


def test_log_connects_again_after_a_broker_that_was_not_there() -> None:
    broker = FakeBroker()
    attempts = []

    def connect() -> FakeBroker:
        attempts.append(1)
        if len(attempts) == 1:
            raise ConnectionError("nobody listens")
        return broker

    log = FeedbackLog(connect, ack_wait_s=5)
    assert [asyncio.run(_send_once(log)) for _ in range(3)] == [False, True, True]
    assert len(attempts) == 2
    log.close()


async def _send_once(log: FeedbackLog) -> bool:
    return await log.send(build_assignment(TRACE, now=NOW))
