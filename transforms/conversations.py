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

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.streaming import StatefulProcessor, StatefulProcessorHandle, StreamingQuery

from deskwheel import lake
from deskwheel.schema import to_table
from deskwheel.settings import Settings, TransformsSettings
from deskwheel.tables import CONVERSATIONS, TURNS
from transforms.assemble import STORED_COLUMNS, CloseReason, StoredTurn, assemble
from transforms.session import incarnation, spark_schema, write_once

NAME = "conversations"
KEEP_CLOSED_S = 7 * 24 * 3600
"""A closed conversation can be reopened for a week; then its turns leave the state, and a handful
of numbers stay."""

_CLOSED = "conversation_id string, version int, close_reason string, turns array<string>"
_META = "part int, version int, due_ms long, due_reason string, keep_ms long, turns int, bytes long"


@dataclass(frozen=True)
class _Meta:
    """Where a conversation stands; times in ms since the epoch, 0 for none."""

    part: int = 1
    """Grows when the turns so far were forgotten; each part is a conversation of its own."""
    version: int = 0
    """Newest version of the part that was closed; 0 before the first."""
    due_ms: int = 0
    due_reason: str = ""
    keep_ms: int = 0
    turns: int = 0
    bytes: int = 0
    """Of the part's turns as they are kept."""

    def next_part(self) -> "_Meta":
        return _Meta(part=self.part + 1)


@dataclass(frozen=True)
class Closing:
    """When a conversation closes."""

    idle_s: float
    grace_s: float
    max_turns: int
    max_bytes: int = 1_048_576
    idle_of_channel_s: Mapping[str, float] = field(default_factory=dict)
    """Idle times that differ from `idle_s`."""

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
        )

    def wait_ms(self, channel: str, *, is_stated: bool) -> int:
        """How long a conversation waits for its next turn."""
        idle_s = self.idle_of_channel_s.get(channel, self.idle_s)
        return int((self.grace_s if is_stated else idle_s) * 1000)

    def is_full(self, turns: int, size: int) -> bool:
        """Whether a conversation of so many turns and bytes takes no more."""
        return turns >= self.max_turns or size >= self.max_bytes


class Conversations(StatefulProcessor):
    """State of one conversation: its turns, its version, and when it is due."""

    def __init__(self, closing: Closing) -> None:
        """Set how long to wait and when a conversation is full."""
        self._closing = closing

    def init(self, handle: StatefulProcessorHandle) -> None:
        """Declare the state; called once a task."""
        self._handle = handle
        self._turns = handle.getListState("turns", "turn string")
        self._meta = handle.getValueState("meta", _META)

    def handleInputRows(  # noqa: N802  name fixed by Spark
        self,
        key: Any,
        rows: Any,
        timerValues: Any,  # noqa: N803
    ) -> Iterator[Row]:
        """Keep the new turns and set the timer anew; emit only conversations that are full."""
        meta = self._read_meta()
        self._drop_timers(meta.due_ms, meta.keep_ms)
        # A batch can bring a full conversation several times over, so it is cut where it is full.
        new: list[str] = []
        turns, size = meta.turns, meta.bytes
        is_stated = meta.due_reason == "stated"
        for turn in sorted(map(_stored, rows), key=_in_time):
            line = turn.to_json()
            new.append(line)
            turns, size = turns + 1, size + len(line.encode())
            is_stated = is_stated or turn.is_closing
            if self._closing.is_full(turns, size):
                yield self._closed(key, meta, "capped", new)
                self._turns.clear()
                meta = meta.next_part()
                new, turns, size, is_stated = [], 0, 0, False
        if not new:
            self._write_meta(meta)
            return
        self._turns.appendList([(line,) for line in new])
        wait_ms = self._closing.wait_ms(turn.channel, is_stated=is_stated)
        due_ms = int(timerValues.getCurrentProcessingTimeInMs()) + wait_ms
        self._handle.registerTimer(due_ms)
        reason = "stated" if is_stated else "idle"
        self._write_meta(
            replace(meta, due_ms=due_ms, due_reason=reason, keep_ms=0, turns=turns, bytes=size)
        )

    def handleExpiredTimer(  # noqa: N802  name fixed by Spark
        self,
        key: Any,
        timerValues: Any,
        expiredTimerInfo: Any,  # noqa: N803
    ) -> Iterator[Row]:
        """Emit the conversation that is due, or forget one that was closed a week ago."""
        meta = self._read_meta()
        if meta.keep_ms:
            self._turns.clear()
            self._write_meta(meta.next_part())
            return
        if not meta.due_ms:
            return
        yield self._closed(key, meta, "stated" if meta.due_reason == "stated" else "idle")
        keep_ms = int(timerValues.getCurrentProcessingTimeInMs()) + KEEP_CLOSED_S * 1000
        self._handle.registerTimer(keep_ms)
        self._write_meta(
            replace(meta, version=meta.version + 1, due_ms=0, due_reason="", keep_ms=keep_ms)
        )

    def close(self) -> None:
        """Nothing to release."""

    def _read_meta(self) -> _Meta:
        stored = self._meta.get()
        return _Meta() if stored is None else _Meta(*stored)

    def _write_meta(self, meta: _Meta) -> None:
        self._meta.update(astuple(meta))

    def _drop_timers(self, *times: int) -> None:
        for at in times:
            if at:
                self._handle.deleteTimer(at)

    def _closed(self, key: Any, meta: _Meta, reason: CloseReason, new: Iterable[str] = ()) -> Row:
        turns = [*(turn for (turn,) in self._turns.get()), *new]
        name = key[0] if meta.part == 1 else f"{key[0]}.{meta.part}"
        return Row(conversation_id=name, version=meta.version + 1, close_reason=reason, turns=turns)


def start_conversations(
    spark: SparkSession, settings: Settings, secret: bytes, *, once: bool = False
) -> StreamingQuery:
    """Start the stream.

    With `once` it goes as fast as it can instead of waiting for `transforms.interval_s`;
    `catch_up` then stops it. (Spark's own `availableNow` never ends for processing-time timers:
    each batch asks for another one, in which a timer might fire.)

    Raises:
        LineageError: the stream checkpoint does not continue the table.
    """
    s = settings.transforms
    turns_path = lake.ensure(settings.pipeline.lake, TURNS)
    lake.ensure(settings.pipeline.lake, CONVERSATIONS)
    checkpoint = Path(s.checkpoint_dir).absolute() / NAME
    app_id = incarnation(settings.pipeline.lake, CONVERSATIONS, checkpoint, NAME)
    turns = (
        spark.readStream.format("delta")
        .load(str(turns_path))
        .where(F.col("verdict") == "accepted")
        .select("conversation_id", *stored_columns())
    )
    closed = turns.groupBy("conversation_id").transformWithState(
        Conversations(Closing.of(s)),
        _CLOSED,
        "Append",
        "ProcessingTime",
    )

    def write(frame: DataFrame, batch_id: int) -> None:
        _write(frame, batch_id, settings=settings, secret=secret, app_id=app_id)

    writer = (
        closed.writeStream.foreachBatch(write)
        .option("checkpointLocation", str(checkpoint))
        .outputMode("append")
        .queryName(NAME)
    )
    interval_s = 0.1 if once else s.interval_s
    return writer.trigger(processingTime=f"{interval_s} seconds").start()


def stored_columns() -> list[Column]:
    """The columns of `turns` that the state keeps: fewer cross into Python, and each costs."""
    named = {
        "sent_us": F.unix_micros("sent_at"),
        "counts": F.col("redaction.counts"),
        "replaces": F.col("replaces_turn_id"),
    }
    return [named.get(name, F.col(name)).alias(name) for name in STORED_COLUMNS]


def _stored(row: Row) -> StoredTurn:
    values = row.asDict()
    del values["conversation_id"]
    # A map arrives as pairs.
    return StoredTurn(**{**values, "counts": dict(values["counts"])})


def _in_time(turn: StoredTurn) -> tuple[int, str]:
    return turn.sent_us, turn.turn_id


def catch_up(query: StreamingQuery, poll_s: float = 0.2) -> None:
    """Wait until the stream has read all turns and had one batch more for due timers; stop it.

    The first batch says nothing: it repeats what the last stop cut off, without new turns.

    Raises:
        StreamingQueryException: the stream failed.
    """
    last_with_rows: int | None = None
    seen = -1
    while query.isActive:
        progress = query.lastProgress
        if progress is not None and progress["batchId"] != seen:
            seen = progress["batchId"]
            if progress["numInputRows"] or last_with_rows is None:
                last_with_rows = seen
            elif seen > last_with_rows + 1:
                break
        time.sleep(poll_s)
    query.stop()
    if error := query.exception():
        raise error


def _write(
    frame: DataFrame, batch_id: int, *, settings: Settings, secret: bytes, app_id: str
) -> None:
    """Commit the closed conversations of a micro-batch; an idle one commits nothing."""
    schema = spark_schema(CONVERSATIONS.record)
    rows = frame.mapInArrow(_assembler(batch_id, secret, settings), schema).persist()
    try:
        closed = rows.count()
        if closed:
            write_once(
                rows,
                settings.pipeline.lake,
                CONVERSATIONS,
                app_id=app_id,
                batch_id=batch_id,
                metadata={"closed": closed},
            )
    finally:
        rows.unpersist()


def _assembler(batch_id: int, secret: bytes, settings: Settings) -> Any:
    company_domains = settings.transforms.company_domains
    category_model = settings.transforms.category_model

    def convert(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            done = [
                assemble(
                    row["conversation_id"],
                    [StoredTurn.from_json(t) for t in row["turns"]],
                    version=row["version"],
                    close_reason=row["close_reason"],
                    batch_id=batch_id,
                    secret=secret,
                    company_domains=company_domains,
                    category_model=category_model,
                )
                for row in batch.to_pylist()
            ]
            yield from to_table(done, CONVERSATIONS.record).to_batches()

    return convert
