"""Turns to conversations: a stateful stream that closes, and reopens, each conversation.

Reads the table `turns`, writes the table `conversations`. Time is the machine's, not the
events': a watermark would drop late turns, and the last conversations of an idle stream would
wait for a message that never comes. A conversation closes when its source says so (after a
short grace for turns that are under way), when it was idle, or when it is full. A later turn
reopens it: the next version holds all of its turns, so the newest version does not depend on
when the job was stopped, restarted or late. What follows a full conversation, or comes a week
after it closed, is a conversation of its own, named `ID.2`: the turns before are not in the state
any more, and a version without them must not replace one that has them. Full means too many turns
or too many bytes of state; how long a conversation may be idle depends on its channel.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.streaming import StatefulProcessor, StatefulProcessorHandle, StreamingQuery

from deskwheel import lake
from deskwheel.schema import to_table
from deskwheel.settings import Settings, TransformsSettings
from deskwheel.tables import CONVERSATIONS, TURNS
from transforms.assemble import Closed, CloseReason, assemble
from transforms.handover import Handover
from transforms.merged import Merged
from transforms.session import gathered, incarnation, spark_schema, start_query, write_once
from transforms.stored import STORED_COLUMNS, StoredTurn
from transforms.wake import repeat_last_batch

NAME = "conversations"
KEEP_CLOSED_S = 7 * 24 * 3600
"""A closed conversation can be reopened for a week; then its turns leave the state, and a handful
of numbers stay."""

_AT_ONCE_S = 0.1
"""Between the end of a micro-batch and the next, where something else sets the pace."""

TICK_MS = 250
"""Micro-batches start a few ms early or late, and a wait that ends with one would else last for
one more. A wait of nothing ends in the batch that brought the turn."""

_CLOSED = "closed string"
"""One column: Spark makes an Arrow batch for every conversation of a micro-batch, closed or not,
and a column costs it ten microseconds."""

_KEPT = "standing string, recent string"
_RECENT_CHARS = 16_384
"""Turns beside the standing, read and written with it in one call; more of them go to a list that
is only appended to, so that a long conversation is not written anew with each turn."""


class _Standing(NamedTuple):
    """Where a conversation stands; times in ms since the epoch, 0 for none."""

    part: int = 1
    """Grows when the turns so far were forgotten; each part is a conversation of its own."""
    version: int = 0
    """Newest version of the part that was closed; 0 before the first."""
    due_ms: int = 0
    due_reason: str = ""
    """What happens when it is due: `stated` and `idle` close it, `kept` forgets its turns."""
    timer_ms: int = 0
    """The timer that is set, never after `due_ms`. It stays when a turn postpones that: most turns
    then cost no call for timers, and the timer sets the next one when it rings too early."""
    turns: int = 0
    bytes: int = 0
    """Of the part's turns as they are kept."""
    is_long: bool = False
    """Whether some of the turns are in the list."""

    def next_part(self) -> "_Standing":
        return _Standing(part=self.part + 1)

    def kept_since(self, now_ms: int) -> "_Standing":
        """The same after it was closed: its turns are kept for a while."""
        due_ms = now_ms + KEEP_CLOSED_S * 1000
        return self._replace(version=self.version + 1, due_ms=due_ms, due_reason="kept")

    @property
    def close_reason(self) -> CloseReason:
        return "stated" if self.due_reason == "stated" else "idle"


@dataclass(frozen=True)
class Closing:
    """When a conversation closes."""

    idle_s: float
    grace_s: float
    max_turns: int
    max_bytes: int = 1_048_576
    idle_of_channel_s: Mapping[str, float] = field(default_factory=dict)
    """Idle times that differ from `idle_s`."""
    tick_ms: int = 0
    """A wait ends so much early."""

    @staticmethod
    def of(settings: TransformsSettings) -> "Closing":
        """As the settings have it."""
        own = {
            "email": settings.idle_close_email_s,
            "chat": settings.idle_close_chat_s,
            "call": settings.idle_close_call_s,
        }
        return Closing(
            settings.idle_close_s,
            settings.close_grace_s,
            settings.max_turns,
            settings.max_conversation_bytes,
            {channel: idle_s for channel, idle_s in own.items() if idle_s},
            TICK_MS,
        )

    def wait_ms(self, channel: str, *, is_stated: bool) -> int:
        """How long a conversation waits for its next turn."""
        idle_s = self.idle_of_channel_s.get(channel, self.idle_s)
        return int((self.grace_s if is_stated else idle_s) * 1000)

    def is_full(self, turns: int, size: int) -> bool:
        """Whether a conversation of so many turns and bytes takes no more."""
        return turns >= self.max_turns or size >= self.max_bytes


class Conversations(StatefulProcessor):
    """State of one conversation: its turns, its version, and when it is due.

    Each call to the state is a round trip to the JVM, and these are most of what a turn costs: a
    batch with new turns costs three a conversation (four with a timer), a closing five more, or
    none more where it need not wait.
    """

    def __init__(self, closing: Closing) -> None:
        """Set how long to wait and when a conversation is full."""
        self._closing = closing

    def init(self, handle: StatefulProcessorHandle) -> None:
        """Declare the state; called once a task."""
        self._handle = handle
        self._kept = handle.getValueState("kept", _KEPT)
        self._earlier = handle.getListState("earlier", "turns string")

    def handleInputRows(  # noqa: N802  name fixed by Spark
        self,
        key: Any,
        rows: Any,
        timerValues: Any,  # noqa: N803
    ) -> Iterator[Row]:
        """Keep the new turns and see to the timer; emit only conversations that are full."""
        standing, lines = self._read()
        turns, size = standing.turns, standing.bytes
        is_stated = standing.due_reason == "stated"
        # A batch can bring a full conversation several times over, so it is cut where it is full.
        for turn, line in _in_time(rows):
            lines.append(line)
            turns, size = turns + 1, size + len(line.encode())
            is_stated = is_stated or turn["is_closing"]
            if self._closing.is_full(turns, size):
                yield self._closed(key, standing, "capped", lines)
                standing = self._forget(standing)
                lines, turns, size, is_stated = [], 0, 0, False
        if not lines:
            self._write(standing, lines)
            return
        now_ms = int(timerValues.getCurrentProcessingTimeInMs())
        wait_ms = self._closing.wait_ms(turn["channel"], is_stated=is_stated)
        standing = standing._replace(
            due_ms=now_ms + wait_ms - self._closing.tick_ms,
            due_reason="stated" if is_stated else "idle",
            turns=turns,
            bytes=size,
        )
        if standing.due_ms <= now_ms:
            # Its timer would ring in this very batch, for six more calls to the state.
            yield self._closed(key, standing, standing.close_reason, lines)
            standing = standing.kept_since(now_ms)
        timer_ms = self._set_timer(standing.timer_ms, standing.due_ms)
        self._write(standing._replace(timer_ms=timer_ms), lines)

    def handleExpiredTimer(  # noqa: N802  name fixed by Spark
        self,
        key: Any,
        timerValues: Any,
        expiredTimerInfo: Any,  # noqa: N803
    ) -> Iterator[Row]:
        """Emit the conversation that is due, or forget one that was closed a week ago."""
        standing, lines = self._read()
        standing = standing._replace(timer_ms=0)  # Spark drops the one that rings.
        now_ms = int(timerValues.getCurrentProcessingTimeInMs())
        if standing.due_ms <= now_ms and standing.due_reason == "kept":
            standing, lines = self._forget(standing), []
        elif standing.due_ms <= now_ms and standing.due_reason:
            yield self._closed(key, standing, standing.close_reason, lines)
            standing = standing.kept_since(now_ms)
        if standing.due_ms:
            standing = standing._replace(timer_ms=self._set_timer(0, standing.due_ms))
        self._write(standing, lines)

    def close(self) -> None:
        """Nothing to release."""

    def _read(self) -> tuple[_Standing, list[str]]:
        """Where it stands, and the turns that are beside that."""
        kept = self._kept.get()
        if kept is None:
            return _Standing(), []
        return _Standing(*json.loads(kept[0])), kept[1].split("\n") if kept[1] else []

    def _write(self, standing: _Standing, lines: list[str]) -> None:
        recent = "\n".join(lines)
        if len(recent) > _RECENT_CHARS:
            self._earlier.appendValue((recent,))
            standing, recent = standing._replace(is_long=True), ""
        self._kept.update((json.dumps(standing), recent))

    def _set_timer(self, is_set_ms: int, due_ms: int) -> int:
        """The timer that is set now: the one that was, unless it rings too late."""
        if 0 < is_set_ms <= due_ms:
            return is_set_ms
        if is_set_ms:
            self._handle.deleteTimer(is_set_ms)
        self._handle.registerTimer(due_ms)
        return due_ms

    def _forget(self, standing: _Standing) -> _Standing:
        """Drop the turns and the timer."""
        if standing.is_long:
            self._earlier.clear()
        if standing.timer_ms:
            self._handle.deleteTimer(standing.timer_ms)
        return standing.next_part()

    def _closed(self, key: Any, standing: _Standing, reason: CloseReason, lines: list[str]) -> Row:
        earlier = [turns for (turns,) in self._earlier.get()] if standing.is_long else []
        name = key[0] if standing.part == 1 else f"{key[0]}.{standing.part}"
        turns = [line for some in earlier for line in some.split("\n")] + lines
        return Row(closed=Closed(name, standing.version + 1, reason, turns).line())


def start_conversations(
    spark: SparkSession,
    settings: Settings,
    secret: bytes,
    *,
    once: bool = False,
    handover: Handover | None = None,
) -> StreamingQuery:
    """Start the stream, whose batches begin when `handover` says so, if there is one.

    With `once` it goes as fast as it can instead of waiting for `transforms.interval_s`;
    `catch_up` then stops it. (Spark's own `availableNow` never ends for processing-time timers:
    each batch asks for another one, in which a timer might fire.)

    Raises:
        LineageError: the stream checkpoint does not continue the table.
    """
    s = settings.transforms
    closed = closed_conversations(spark, settings)
    lake.ensure(settings.pipeline.lake, CONVERSATIONS)
    checkpoint = Path(s.checkpoint_dir).absolute() / NAME
    app_id = incarnation(settings.pipeline.lake, CONVERSATIONS, checkpoint, NAME)
    repeat_last_batch(checkpoint)
    merged = Merged(settings.pipeline.lake)

    def write(frame: DataFrame, batch_id: int) -> None:
        began_s = time.monotonic()
        _write(frame, batch_id, settings=settings, secret=secret, app_id=app_id, merged=merged)
        if handover is not None:
            handover.wait(batch_id, began_s=began_s)

    writer = (
        closed.writeStream.foreachBatch(write)
        .option("checkpointLocation", str(checkpoint))
        .outputMode("append")
        .queryName(NAME)
    )
    is_paced = once or handover is not None
    return start_query(writer, interval_s=_AT_ONCE_S if is_paced else s.interval_s)


def closed_conversations(spark: SparkSession, settings: Settings) -> DataFrame:
    """The stream of conversations that close, each with its turns as lines, not yet assembled."""
    turns = (
        spark.readStream.format("delta")
        .load(str(lake.ensure(settings.pipeline.lake, TURNS)))
        .where(F.col("verdict") == "accepted")
        .select("conversation_id", stored_line())
    )
    return turns.groupBy("conversation_id").transformWithState(
        Conversations(Closing.of(settings.transforms)),
        _CLOSED,
        "Append",
        "ProcessingTime",
    )


def stored_line() -> Column:
    """A row of `turns` as the state keeps it: the line that `StoredTurn.from_json` reads.

    Made by the JVM, so that one column crosses into Python and none has to be written there.
    """
    named = {
        "sent_us": F.unix_micros("sent_at"),
        "counts": F.col("redaction.counts"),
        "replaces": F.col("replaces_turn_id"),
    }
    columns = [named.get(name, F.col(name)).alias(name) for name in STORED_COLUMNS]
    return F.to_json(F.struct(*columns)).alias("turn")


def _in_time(rows: Iterable[Row]) -> list[tuple[dict[str, Any], str]]:
    """Turns in order of event time, each with its line."""
    turns = [(json.loads(row[1]), row[1]) for row in rows]
    return sorted(turns, key=lambda t: (t[0]["sent_us"], t[0]["turn_id"]))


def catch_up(query: StreamingQuery, poll_s: float = 0.2) -> None:
    """Wait until the stream has read all turns and had one batch more for due timers; stop it.

    The first batch says nothing: it repeats the last one before the stop, without new turns.

    Raises:
        StreamingQueryException: the stream failed.
    """
    last_with_rows: int | None = None
    seen = -1
    while query.isActive:
        progress = query.lastProgress
        if progress is not None and progress["batchId"] != seen:
            seen = progress["batchId"]
            if "addBatch" not in progress["durationMs"]:
                break
            if progress["numInputRows"] or last_with_rows is None:
                last_with_rows = seen
            elif seen > last_with_rows + 1:
                break
        time.sleep(poll_s)
    query.stop()
    if error := query.exception():
        raise error


def _write(
    frame: DataFrame,
    batch_id: int,
    *,
    settings: Settings,
    secret: bytes,
    app_id: str,
    merged: Merged,
) -> None:
    """Commit the closed conversations of a micro-batch; an idle one commits nothing."""
    schema = spark_schema(CONVERSATIONS.record)
    # Kept while it is written: a second look would run the stateful operator again.
    frame = frame.mapInArrow(_assembler(batch_id, secret, settings), schema).persist()
    try:
        rows = gathered(frame)
        closed = rows.num_rows if isinstance(rows, pa.Table) else rows.count()
        if closed:
            write_once(
                merged.count_above(rows),
                settings.pipeline.lake,
                CONVERSATIONS,
                app_id=app_id,
                batch_id=batch_id,
                metadata={"closed": closed},
                compact_commits=settings.transforms.compact_commits,
            )
    finally:
        frame.unpersist()


def _assembler(batch_id: int, secret: bytes, settings: Settings) -> Any:
    company_domains = settings.transforms.company_domains
    category_model = settings.transforms.category_model

    def convert(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            done = [
                assemble(
                    closed.conversation_id,
                    map(StoredTurn.from_json, closed.turns),
                    version=closed.version,
                    close_reason=closed.close_reason,
                    batch_id=batch_id,
                    secret=secret,
                    company_domains=company_domains,
                    category_model=category_model,
                )
                for closed in map(Closed.of, batch["closed"].to_pylist())
            ]
            yield from to_table(done, CONVERSATIONS.record).to_batches()

    return convert
