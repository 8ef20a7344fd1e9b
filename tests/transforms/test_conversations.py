"""When a conversation closes, reopens and is forgotten, on Spark's own in-memory tester."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.streaming.tws_tester import TwsTester

from deskwheel.records import Conversation, Pointer, Redaction, Turn
from deskwheel.schema import to_table
from deskwheel.settings import TransformsSettings
from tests.flow.reference import stored
from transforms.assemble import Closed, assemble
from transforms.conversations import (
    KEEP_CLOSED_S,
    TICK_MS,
    Closing,
    Conversations,
    catch_up,
    stored_line,
)
from transforms.session import spark_schema
from transforms.stored import StoredTurn

KEY = "conv-1"
IDLE_MS, GRACE_MS, START_MS = 60_000, 5_000, 1_000_000
KEEP_MS = KEEP_CLOSED_S * 1000
CLOSING = Closing(IDLE_MS / 1000, GRACE_MS / 1000, max_turns=400)


class Clock:
    """A stream of one conversation under a clock that the test moves."""

    def __init__(self, **changes: Any) -> None:
        self.processor = Conversations(replace(CLOSING, **changes))
        self.tester = TwsTester(self.processor, timeMode="ProcessingTime")
        self.at(0)

    def at(self, since_start_ms: int) -> list[Closed]:
        """What closes when the clock shows so many milliseconds after the start."""
        return [
            Closed.of(r.closed) for r in self.tester.setProcessingTime(START_MS + since_start_ms)
        ]

    def give(self, key: str, rows: list[Row]) -> list[Closed]:
        """What closes with these rows of a conversation."""
        return [Closed.of(row.closed) for row in self.tester.test(key, rows)]

    def say(self, *numbers: int, key: str = KEY) -> list[Closed]:
        return self.give(key, [row(n) for n in numbers])

    def end(self, number: int = 99) -> list[Closed]:
        return self.give(KEY, [row(number, is_closing=True)])

    def timers(self, key: str = KEY) -> list[int]:
        self.tester.handle.setGroupingKey(key)
        return [t - START_MS for t in self.tester.handle.listTimers()]

    def is_forgotten(self) -> bool:
        """Whether only numbers are kept of it."""
        return not self.lines() and self.timers() == []

    def lines(self, key: str = KEY) -> list[str]:
        """The turns in the state, each as it is kept."""
        earlier = [turns for (turns,) in self.tester.peekListState("earlier", key)]
        kept = self.tester.peekValueState("kept", key)
        recent = [kept[1]] if kept and kept[1] else []
        return [line for turns in (*earlier, *recent) for line in turns.split("\n")]


def outcome(number: int, **changes: Any) -> Row:
    """The row of what came of the conversation, as an outcome event leaves it in `turns`."""
    return row(number, **({"role": None, "text": None} | changes))


def row(number: int, *, is_closing: bool = False, **changes: Any) -> Row:
    values: dict[str, Any] = {
        "turn_id": f"t-{number}", "tenant": "acme", "channel": "chat", "role": "customer",
        "text": "Hello?", "sent_us": number, "is_closing": is_closing,
        "status": "solved" if is_closing else None, "authorship": "human", "counts": {"CARD": 1},
    }  # fmt: skip
    known = {name: value for name, value in {**values, **changes}.items() if value is not None}
    return Row(conversation_id=KEY, turn=json.dumps(known))


def told(rows: list[Closed]) -> list[tuple[int, str, list[str]]]:
    return [(r.version, r.close_reason, [t.turn_id for t in turns_of(r)]) for r in rows]


def turns_of(closed: Closed) -> list[StoredTurn]:
    return [StoredTurn.from_json(line) for line in closed.turns]


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_an_idle_conversation_closes_when_its_time_is_over(clock: Clock) -> None:
    assert clock.say(1, 2) == []
    assert clock.at(IDLE_MS - 1) == []
    assert told(clock.at(IDLE_MS)) == [(1, "idle", ["t-1", "t-2"])]


def test_a_turn_starts_the_idle_time_anew_and_leaves_one_timer(clock: Clock) -> None:
    clock.say(1)
    clock.at(IDLE_MS - 1)
    clock.say(2)
    assert len(clock.timers()) == 1
    assert clock.at(2 * IDLE_MS - 2) == []
    assert clock.timers() == [2 * IDLE_MS - 1]
    assert told(clock.at(2 * IDLE_MS)) == [(1, "idle", ["t-1", "t-2"])]


def test_a_stated_end_closes_after_the_grace_and_waits_for_turns_under_way(clock: Clock) -> None:
    clock.say(1)
    clock.end()
    assert clock.timers() == [GRACE_MS]
    clock.at(GRACE_MS - 1)
    clock.say(2)
    assert len(clock.timers()) == 1
    assert clock.at(2 * GRACE_MS - 2) == []
    assert told(clock.at(2 * GRACE_MS)) == [(1, "stated", ["t-1", "t-99", "t-2"])]


def test_an_end_in_the_middle_of_a_batch_is_an_end(clock: Clock) -> None:
    clock.give(KEY, [row(1), row(2, is_closing=True), row(3)])
    assert told(clock.at(GRACE_MS)) == [(1, "stated", ["t-1", "t-2", "t-3"])]


def test_late_event_reopens_conversation(clock: Clock) -> None:
    clock.say(1)
    clock.end()
    clock.at(GRACE_MS)
    assert clock.say(0) == []
    assert told(clock.at(GRACE_MS + IDLE_MS)) == [(2, "idle", ["t-1", "t-99", "t-0"])]


def assembled(rows: list[Closed]) -> Conversation:
    (closed,) = rows
    return assemble(
        closed.conversation_id,
        turns_of(closed),
        version=closed.version,
        close_reason=closed.close_reason,
        batch_id=1,
    )


def test_a_late_rating_and_a_reopened_ticket_are_the_next_versions(clock: Clock) -> None:
    clock.say(1)
    clock.end()
    first = assembled(clock.at(GRACE_MS))
    assert (first.version, first.status, first.csat) == (1, "solved", None)
    hour = 3_600_000
    clock.at(hour)
    clock.give(KEY, [outcome(200, is_closing=True, csat=1)])
    rated = assembled(clock.at(hour + GRACE_MS))
    assert (rated.version, rated.status, rated.csat) == (2, "solved", 1)
    clock.at(2 * hour)
    clock.give(KEY, [outcome(201, status="open")])
    assert clock.at(2 * hour + IDLE_MS - 1) == []
    reopened = assembled(clock.at(2 * hour + IDLE_MS))
    assert (reopened.version, reopened.status, reopened.csat) == (3, "open", 1)
    assert reopened.conversation_id == first.conversation_id
    assert [u.turn_id for u in reopened.utterances] == [u.turn_id for u in first.utterances]


def test_a_closed_conversation_is_told_once(clock: Clock) -> None:
    clock.say(1)
    assert len(clock.at(IDLE_MS)) == 1
    assert clock.timers() == [IDLE_MS + KEEP_MS]
    assert clock.at(IDLE_MS + KEEP_MS - 1) == []


def test_after_a_week_a_closed_conversation_leaves_no_turns(clock: Clock) -> None:
    clock.say(1)
    clock.at(IDLE_MS)
    assert not clock.is_forgotten()
    assert clock.at(IDLE_MS + KEEP_MS) == []
    assert clock.is_forgotten()
    assert clock.timers() == []


def test_a_reopened_conversation_is_not_forgotten_on_its_old_date(clock: Clock) -> None:
    clock.say(1)
    clock.at(IDLE_MS)
    clock.at(IDLE_MS + KEEP_MS - 10)
    clock.say(2)
    assert clock.at(IDLE_MS + KEEP_MS) == []
    assert clock.timers() == [2 * IDLE_MS + KEEP_MS - 10]
    assert not clock.is_forgotten()
    assert told(clock.at(2 * IDLE_MS + KEEP_MS)) == [(2, "idle", ["t-1", "t-2"])]


def test_a_full_conversation_closes_at_once_and_frees_its_turns() -> None:
    clock = Clock(max_turns=3)
    assert clock.say(1, 2) == []
    assert told(clock.say(3)) == [(1, "capped", ["t-1", "t-2", "t-3"])]
    assert clock.is_forgotten()
    assert clock.at(IDLE_MS) == []


def test_what_follows_a_full_conversation_does_not_replace_it() -> None:
    clock = Clock(max_turns=2)
    (full,) = clock.say(1, 2)
    clock.say(3)
    rest = clock.at(IDLE_MS)
    assert told(rest) == [(1, "idle", ["t-3"])]
    assert (full.conversation_id, rest[0].conversation_id) == (KEY, f"{KEY}.2")


def test_what_comes_after_a_week_does_not_replace_what_was_forgotten(clock: Clock) -> None:
    clock.say(1)
    clock.at(IDLE_MS)
    clock.at(IDLE_MS + KEEP_MS)
    clock.say(2)
    (late,) = clock.at(2 * IDLE_MS + KEEP_MS)
    assert (late.conversation_id, late.version) == (f"{KEY}.2", 1)
    clock.say(3)
    assert told(clock.at(3 * IDLE_MS + KEEP_MS)) == [(2, "idle", ["t-2", "t-3"])]


def test_a_full_conversation_leaves_no_turns() -> None:
    clock = Clock(max_turns=1)
    clock.say(1)
    assert clock.is_forgotten()


def test_conversations_do_not_close_each_other(clock: Clock) -> None:
    clock.say(1)
    clock.at(IDLE_MS // 2)
    clock.say(2, key="conv-2")
    (closed,) = clock.at(IDLE_MS)
    assert closed.conversation_id == KEY
    assert clock.timers("conv-2") == [IDLE_MS // 2 + IDLE_MS]


def test_a_stream_that_fails_while_it_catches_up_is_not_taken_for_done(
    spark: SparkSession, tmp_path: Path
) -> None:
    def fail(_frame: DataFrame, _batch_id: int) -> None:
        raise ValueError("broken on purpose")

    rate = spark.readStream.format("rate").load()
    query = rate.writeStream.foreachBatch(fail).option("checkpointLocation", str(tmp_path)).start()
    with pytest.raises(StreamingQueryException, match="broken on purpose"):
        catch_up(query)


def test_each_channel_waits_its_own_time() -> None:
    clock = Clock(idle_of_channel_s={"email": 3 * IDLE_MS / 1000})
    clock.give(KEY, [row(1, channel="email")])
    clock.give("conv-2", [row(2)])
    assert [r.conversation_id for r in clock.at(IDLE_MS)] == ["conv-2"]
    assert told(clock.at(3 * IDLE_MS)) == [(1, "idle", ["t-1"])]


def test_a_channel_without_a_time_of_its_own_waits_as_the_others() -> None:
    settings = replace(TransformsSettings(), idle_close_s=7.0, idle_close_email_s=9.0)
    closing = Closing.of(settings)
    waits = [closing.wait_ms(c, is_stated=False) for c in ("email", "chat", "call")]
    assert waits == [9000, 7000, 7000]
    assert closing.wait_ms("email", is_stated=True) == settings.close_grace_s * 1000
    assert closing.max_bytes == settings.max_conversation_bytes


def test_a_conversation_is_full_of_bytes_as_well_as_of_turns() -> None:
    size = len(row(1, text="é" * 500)["turn"].encode())
    clock = Clock(max_bytes=2 * size)
    assert clock.give(KEY, [row(1, text="é" * 500)]) == []
    assert told(clock.give(KEY, [row(2, text="é" * 500)])) == [(1, "capped", ["t-1", "t-2"])]
    assert clock.is_forgotten()


def test_a_flood_in_one_batch_is_cut_into_conversations_that_are_full() -> None:
    clock = Clock(max_turns=3)
    parts = clock.say(*reversed(range(8)))
    assert [r.conversation_id for r in parts] == [KEY, f"{KEY}.2"]
    assert told(parts) == [
        (1, "capped", ["t-0", "t-1", "t-2"]), (1, "capped", ["t-3", "t-4", "t-5"]),
    ]  # fmt: skip
    (rest,) = clock.at(IDLE_MS)
    assert (rest.conversation_id, told([rest])) == (f"{KEY}.3", [(1, "idle", ["t-6", "t-7"])])


def test_a_reopened_conversation_counts_the_turns_it_had() -> None:
    clock = Clock(max_turns=3)
    clock.say(1, 2)
    clock.at(IDLE_MS)
    assert told(clock.say(3)) == [(2, "capped", ["t-1", "t-2", "t-3"])]


def test_turns_of_a_batch_are_kept_in_order_of_their_time(clock: Clock) -> None:
    clock.say(3, 1, 2)
    assert told(clock.at(IDLE_MS)) == [(1, "idle", ["t-1", "t-2", "t-3"])]


def test_an_edit_reopens_a_closed_conversation(clock: Clock) -> None:
    clock.say(1)
    clock.at(IDLE_MS)
    clock.give(KEY, [row(2, text="Hello!", replaces="t-1")])
    (closed,) = clock.at(2 * IDLE_MS)
    assert closed.version == 2
    assert turns_of(closed)[1].replaces == "t-1"


def test_a_postponed_conversation_costs_no_call_for_timers(clock: Clock) -> None:
    clock.say(0)
    for seconds in (10, 20, 40):
        clock.at(1000 * seconds)
        clock.say(seconds)
        assert clock.timers() == [IDLE_MS]
    assert clock.at(IDLE_MS) == []
    assert clock.timers() == [40_000 + IDLE_MS]


def test_an_end_brings_the_timer_forward(clock: Clock) -> None:
    clock.say(1)
    clock.end()
    assert clock.timers() == [GRACE_MS]


def test_a_long_conversation_is_kept_in_pieces_and_closes_whole() -> None:
    clock = Clock()
    long = "x" * 7000
    for n in range(8):
        clock.give(KEY, [row(n, text=long)])
    assert len(clock.tester.peekListState("earlier", KEY)) == 2
    assert len(clock.lines()) == 8
    (closed,) = clock.at(IDLE_MS)
    assert [t.turn_id for t in turns_of(closed)] == [f"t-{n}" for n in range(8)]
    clock.say(8)
    (again,) = clock.at(2 * IDLE_MS)
    assert (again.version, len(turns_of(again))) == (2, 9)
    clock.at(2 * IDLE_MS + KEEP_MS)
    assert clock.is_forgotten()


def test_the_state_keeps_all_that_a_conversation_is_assembled_from(spark: SparkSession) -> None:
    turn = Turn(
        turn_id="t-1", conversation_id=KEY, tenant="acme", channel="call", role="agent",
        event_id="e-1", position=0, reason=None, detail=None, shadow_text=None,
        text="“Ça va?”\n\x01 \u2028", sent_at=datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC),
        ingested_at=datetime(2026, 3, 2, 12, tzinfo=UTC), is_closing=False, status="open", csat=3,
        subject_key="s-1", agent_key="a-1", authorship="human", asr_confidence=0.5,
        has_cross_talk=True, redaction=Redaction(version="r", counts={"CARD": 1}),
        source=Pointer(topic="raw.call", partition=0, offset=1), verdict="accepted",
        replaces_turn_id="t-0",
        ruleset_version="t", code_version="c", batch_id=0,
    )  # fmt: skip
    rows = spark.createDataFrame(to_table([turn], Turn), spark_schema(Turn)).select(stored_line())
    ((line,),) = rows.collect()
    assert StoredTurn.from_json(line) == stored(turn)
    assert "\n" not in line


def test_a_wait_ends_a_tick_early_and_one_of_nothing_with_the_turn() -> None:
    patient = Clock(tick_ms=TICK_MS)
    patient.end()
    assert patient.timers() == [GRACE_MS - TICK_MS]
    assert patient.at(GRACE_MS - TICK_MS + 1), "before the batch that the grace ends with"
    hasty = Clock(grace_s=0.0, tick_ms=TICK_MS)
    (closed,) = hasty.end()
    assert (closed.version, closed.close_reason) == (1, "stated")
    assert hasty.timers() == [KEEP_MS], "the one that forgets its turns"
    hasty.say(1)
    (again,) = hasty.at(IDLE_MS)
    assert (again.version, len(again.turns)) == (2, 2)


def test_a_closing_that_need_not_wait_leaves_the_timer_that_waits_for_something_else() -> None:
    clock = Clock(grace_s=0.0, tick_ms=TICK_MS)
    assert not clock.say(1)
    waiting = clock.timers()
    assert clock.end()
    assert clock.timers() == waiting, "it sets the next one when it rings"
    assert not clock.at(waiting[0] + 1), "closed once"
    assert clock.timers() == [KEEP_MS]
    clock.at(KEEP_MS + 1)
    assert clock.is_forgotten()
