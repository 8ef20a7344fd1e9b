"""Kafka to a table, each offset exactly once: the streams that fill `turns` and `feedback`.

Reads `raw.email`, `raw.chat`, `raw.call`, `raw.outcome` and `feedback`; writes the tables `turns`
and `feedback`, one Delta commit a micro-batch, and copies the original bytes of rejected events to
the dead-letter topics (at least once: a batch replayed after a crash may copy them again, with
the same `dlq.offset`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812  the name every PySpark programme uses
from pyspark.sql.streaming import StreamingQuery

from deskwheel import lake, reasons
from deskwheel.records import Pointer
from deskwheel.schema import arrow_schema, to_table
from deskwheel.settings import Settings
from deskwheel.tables import FEEDBACK, TURNS, Table
from deskwheel.times import from_us
from deskwheel.topics import DEAD_LETTER_BYTES, RAW, dead_letter_topic
from deskwheel.topics import FEEDBACK as FEEDBACK_TOPIC
from transforms.access import hide_credentials, kafka_options
from transforms.outcomes import feedback_rows
from transforms.parse.model import RawEvent
from transforms.session import incarnation, spark_schema, start_query, write_once
from transforms.thread_lookup import join_threads
from transforms.turns import Rules, turn_rows

RowMaker = Callable[..., Sequence[Any]]


@dataclass(frozen=True)
class Intake:
    """One stream from topics to a table."""

    name: str
    topics: tuple[str, ...]
    table: Table
    make_rows: RowMaker
    """(event, pointer, rules, batch_id=…) → rows; called in the Spark workers."""
    id_column: str
    """Column by which a redelivered event is recognised, together with the topic."""
    order_column: str
    """Among rows of one event, the row with the lowest value stays when it is a duplicate."""


TURNS_INTAKE = Intake("turns", tuple(t.name for t in RAW), TURNS, turn_rows, "event_id", "position")
FEEDBACK_INTAKE = Intake(
    "feedback", (FEEDBACK_TOPIC.name,), FEEDBACK, feedback_rows, "feedback_id", "feedback_id"
)


def start_intake(
    spark: SparkSession, settings: Settings, intake: Intake, secret: bytes, *, once: bool = False
) -> StreamingQuery:
    """Start the stream; with `once` it stops when it has read what is there now.

    Raises:
        LineageError: the stream checkpoint does not continue the table.
    """
    rules = Rules.of(settings, secret)
    lake.ensure(settings.pipeline.lake, intake.table)
    checkpoint = Path(settings.transforms.checkpoint_dir).absolute() / intake.name
    app_id = incarnation(settings.pipeline.lake, intake.table, checkpoint, intake.name)

    def write(frame: DataFrame, batch_id: int) -> None:
        write_batch(frame, batch_id, settings=settings, intake=intake, rules=rules, app_id=app_id)

    writer = (
        read_topics(spark, settings, intake.topics)
        .writeStream.foreachBatch(write)
        .option("checkpointLocation", str(checkpoint))
        .queryName(intake.name)
    )
    return start_query(writer, interval_s=None if once else settings.transforms.interval_s)


def read_topics(spark: SparkSession, settings: Settings, topics: Sequence[str]) -> DataFrame:
    """The Kafka records of the topics, from their beginning, as a stream.

    A value above the size limit is not handed on to the parsers, only its length.
    """
    hide_credentials(spark)
    value = F.when(F.length("value") <= settings.transforms.max_event_bytes, F.col("value"))
    return (
        spark.readStream.format("kafka")
        .options(**kafka_options(settings.kafka))
        .option("subscribe", ",".join(topics))
        .option("startingOffsets", "earliest")
        .option("failOnDataLoss", "true")
        .option("includeHeaders", "true")
        .option("maxOffsetsPerTrigger", str(settings.transforms.max_offsets_per_batch))
        .option("kafka.fetch.max.wait.ms", "50")
        .option("kafka.isolation.level", "read_committed")
        .load()
        .withColumn("size", F.coalesce(F.length("value"), F.lit(0)))
        .withColumn("small_value", value)
    )


def write_batch(
    frame: DataFrame,
    batch_id: int,
    *,
    settings: Settings,
    intake: Intake,
    rules: Rules,
    app_id: str,
) -> None:
    """Parse a micro-batch, mark redelivered events, keep dead letters, commit once."""
    columns = ["topic", "partition", "offset", "timestamp", "headers", "size", "small_value"]
    # One task a core, not one a topic-partition: a Python worker's crossing costs more than
    # the few rows of a partition.
    tasks = frame.sparkSession.sparkContext.defaultParallelism
    rows = (
        frame.select(*columns)
        .coalesce(tasks)
        .mapInArrow(row_maker(intake, rules, batch_id), spark_schema(intake.table.record))
    )
    rows = rows.persist()
    try:
        summary = _summary(rows)
        if not summary:
            return
        if _reasons(summary) & reasons.DEAD_LETTER:
            _publish_dead_letters(frame, rows, settings)
        oldest = min(r["oldest"] for r in summary)
        marked = mark_duplicates(rows, settings, intake, oldest=oldest)
        if intake.table is TURNS:
            marked = join_threads(marked, rows, settings)
        write_once(
            marked,
            settings.pipeline.lake,
            intake.table,
            app_id=app_id,
            batch_id=batch_id,
            metadata={"ranges": _ranges(summary)},
            compact_commits=settings.transforms.compact_commits,
        )
    finally:
        rows.unpersist()


def row_maker(
    intake: Intake, rules: Rules, batch_id: int
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function for `mapInArrow`: Kafka records in, rows of the intake's table out."""
    make_rows, record = intake.make_rows, intake.table.record

    def convert(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows: list[Any] = []
            for raw in batch.to_pylist():
                event, pointer = _event(raw)
                rows.extend(make_rows(event, pointer, rules, batch_id=batch_id))
            yield from to_table(rows, record).to_batches()

    return convert


def _event(raw: dict[str, Any]) -> tuple[RawEvent, Pointer]:
    headers = {
        h["key"].lower(): (h["value"] or b"").decode("utf-8", "replace")
        for h in raw["headers"] or ()
    }
    at: datetime = raw["timestamp"]
    event = RawEvent(
        channel=raw["topic"].rpartition(".")[2],
        data=raw["small_value"] or b"",
        size=raw["size"],
        headers=headers,
        ingested_at=at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC),
    )
    return event, Pointer(topic=raw["topic"], partition=raw["partition"], offset=raw["offset"])


def mark_duplicates(
    rows: DataFrame, settings: Settings, intake: Intake, *, oldest: int | None = None
) -> DataFrame:
    """The rows with redelivered events marked, each by one row that carries no text.

    An event is a duplicate when one with its id was accepted earlier: in this batch (first
    offset wins) or in the table, within `transforms.dedup_horizon_h` of the broker's clock.

    Args:
        rows: The batch, cached.
        settings: Says where the table is and how far back to look.
        intake: Whose rows they are.
        oldest: Broker's time of the batch's first event in microseconds, where it is known.
    """
    if oldest is None:
        oldest = _first(rows.agg(_oldest()))
    if oldest is None:
        return rows
    horizon = timedelta(hours=settings.transforms.dedup_horizon_h)
    seen = _seen(rows, intake, settings.pipeline.lake, since=from_us(oldest) - horizon)
    same = [
        F.col("source.topic") == F.col("seen_topic"),
        F.col(intake.id_column) == F.col("seen_id"),
    ]
    is_seen = F.lit(None).alias("is_seen")
    joined = rows.select("*", is_seen) if seen is None else rows.join(seen, on=same, how="left")
    place = F.struct("source.partition", "source.offset")
    by_event = Window.partitionBy("source.topic", intake.id_column, "verdict")
    is_again = F.coalesce("is_seen", F.lit(False)) | (place != F.min(place).over(by_event))
    is_duplicate = (F.col("verdict") == "accepted") & is_again
    by_offset = Window.partitionBy("source").orderBy(intake.order_column)
    numbered = joined.withColumn("is_duplicate", is_duplicate).withColumn(
        "row_in_offset", F.row_number().over(by_offset)
    )
    kept = numbered.where(~F.col("is_duplicate") | (F.col("row_in_offset") == 1))
    return kept.select(*_as_duplicate(intake, F.col("is_duplicate")))


def _seen(rows: DataFrame, intake: Intake, lake_dir: str, *, since: datetime) -> DataFrame | None:
    """Events of the batch that the table has accepted since then; None where there is none.

    The table is read without Spark: each batch looks its few ids up among all of the horizon.
    """
    ids = rows.where(F.col("verdict") == "accepted").select(intake.id_column).toArrow()
    topic, name = pc.field(("source", "topic")), pc.field(intake.id_column)
    where = (
        (pc.field("verdict") == "accepted")
        & (pc.field("ingested_at") >= pa.scalar(since))
        & name.isin(ids[intake.id_column].unique())
    )
    found = {
        (row["topic"], row["name"])
        for part in lake.scan(lake_dir, intake.table, {"topic": topic, "name": name}, where)
        for row in part.to_pylist()
    }
    if not found:
        return None
    schema = "seen_topic string, seen_id string"
    frame = rows.sparkSession.createDataFrame(sorted(found), schema)
    return F.broadcast(frame.withColumn("is_seen", F.lit(True)))


def _oldest() -> Column:
    """Microseconds since the epoch: as a number, a time comes back in no zone but its own."""
    return F.min(F.unix_micros("ingested_at")).alias("oldest")


def _first(frame: DataFrame) -> Any:
    row = frame.first()
    return row[0] if row else None


def _as_duplicate(intake: Intake, is_duplicate: Column) -> list[Column]:
    """Every column of the table, emptied of content where the row is a duplicate."""
    replaced = {
        "verdict": F.lit("duplicate"),
        "reason": F.lit(reasons.DUPLICATE_EVENT),
        "text": F.lit(None),
        "shadow_text": F.lit(None),
        "draft_text": F.lit(None),
        "final_text": F.lit(None),
        "disfluencies": F.lit(None),
        "cuts": F.lit(None),
        "notes": F.lit(None),
        "emoji": F.lit(None),
    }
    return [
        F.when(is_duplicate, replaced[name]).otherwise(F.col(name)).alias(name)
        if name in replaced
        else F.col(name)
        for name in arrow_schema(intake.table.record).names
    ]


def _publish_dead_letters(frame: DataFrame, rows: DataFrame, settings: Settings) -> None:
    """Copy the original bytes of rejected events, with the reason in headers.

    Headers of the original stay; ours start with `dlq.`. An event that was sent back from here
    before (`python -m ingest dlq replay`) says so in two of them, which are carried on.
    """
    rejected = rows.where(F.col("reason").isin(*sorted(reasons.DEAD_LETTER))).select(
        "source.topic", "source.partition", "source.offset", "reason"
    )
    added = {
        "dlq.reason": F.col("reason"),
        "dlq.rule_ids": F.col("reason"),
        "dlq.stage": F.lit("transforms"),
        "dlq.attempt": _carried("dlq.attempt", r"[0-9]{1,3}", F.lit("0")),
        "dlq.origin": _carried(
            "dlq.origin",
            r"[A-Za-z0-9._-]{1,249}/[0-9]{1,10}/[0-9]{1,19}",
            F.concat_ws("/", "topic", "partition", "offset"),
        ),
        "dlq.topic": F.col("topic"),
        "dlq.partition": F.col("partition").cast("string"),
        "dlq.offset": F.col("offset").cast("string"),
    }
    ours = F.array(
        *[
            F.struct(F.lit(name).alias("key"), F.encode(value, "utf-8").alias("value"))
            for name, value in added.items()
        ]
    )
    original = F.filter("headers", lambda h: ~h["key"].startswith("dlq."))
    topic = F.concat("topic", F.lit(dead_letter_topic("")))
    (
        frame.join(F.broadcast(rejected), on=["topic", "partition", "offset"])
        .select(
            topic.alias("topic"),
            "key",
            "value",
            F.concat(
                F.coalesce(original, F.array().cast("array<struct<key:string,value:binary>>")), ours
            ).alias("headers"),
        )
        .write.format("kafka")
        .options(**kafka_options(settings.kafka))
        .option("kafka.acks", "all")
        .option("kafka.max.request.size", str(DEAD_LETTER_BYTES))
        .option("kafka.buffer.memory", str(2 * DEAD_LETTER_BYTES))
        .save()
    )


def _carried(header: str, pattern: str, default: Column) -> Column:
    """What an event says in a header where it has the right form, else the default."""
    found = F.get(F.filter("headers", lambda h: h["key"] == header), F.lit(0))
    # Not `decode`, which fails on bytes that are no UTF-8.
    value = found["value"].cast("string")
    return F.when(value.rlike(rf"\A{pattern}\z"), value).otherwise(default)


def _summary(rows: DataFrame) -> list[Any]:
    """Offsets, reasons and oldest time of each topic-partition; empty for an empty batch."""
    place = [F.col("source.topic").alias("topic"), F.col("source.partition").alias("partition")]
    return (
        rows.groupBy(*place)
        .agg(
            F.min("source.offset").alias("low"),
            F.max("source.offset").alias("high"),
            F.collect_set("reason").alias("reasons"),
            _oldest(),
        )
        .collect()
    )


def _reasons(summary: Sequence[Any]) -> set[str]:
    return {reason for row in summary for reason in row["reasons"]}


def _ranges(summary: Sequence[Any]) -> dict[str, list[int]]:
    """`topic/partition` → [first offset, last offset + 1], for the commit's metadata."""
    return {f"{r['topic']}/{r['partition']}": [r["low"], r["high"] + 1] for r in summary}
