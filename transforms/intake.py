"""Kafka to a table, each offset exactly once: the streams that fill `turns` and `feedback`.

Reads `raw.email`, `raw.chat`, `raw.call`, `raw.outcome` and `feedback`; writes the tables `turns`
and `feedback`, one Delta commit a micro-batch, and copies the original bytes of rejected events to
the dead-letter topics (at least once: a batch replayed after a crash may copy them again, with
the same `dlq.offset`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  the name every PySpark programme uses
from pyspark.sql.pandas.types import from_arrow_schema, from_arrow_type
from pyspark.sql.streaming import StreamingQuery

from deskwheel import lake, reasons
from deskwheel.records import Pointer
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.topics import DEAD_LETTER_BYTES, dead_letter_topic
from transforms.access import hide_credentials, kafka_options
from transforms.changes import Facts, changed_frame, changed_table, find_changes
from transforms.intakes import Intake
from transforms.parse.model import RawEvent
from transforms.session import gathered, incarnation, spark_schema, start_query, write_once
from transforms.turns import Rules

LETTER = "letter"
"""Column that holds what a dead letter needs of a rejected record."""

_LETTERS_BYTES = 16 * 1024 * 1024
"""What one task keeps for dead letters; a flood of them is read again instead."""

_HEADER_TYPE = pa.struct([("key", pa.string()), ("value", pa.binary())])
_LETTER_TYPE = pa.struct(
    [("key", pa.binary()), ("value", pa.binary()), ("headers", pa.list_(_HEADER_TYPE))]
)
_REJECTED = pa.schema(
    [("topic", pa.string()), ("partition", pa.int32()), ("offset", pa.int64()),
     ("reason", pa.string())]
)  # fmt: skip


def start_intake(
    spark: SparkSession,
    settings: Settings,
    intake: Intake,
    secret: bytes,
    *,
    once: bool = False,
    written: Callable[[], None] = lambda: None,
) -> StreamingQuery:
    """Start the stream; with `once` it stops when it has read what is there now.

    `written` is called after each batch that is committed.

    Raises:
        LineageError: the stream checkpoint does not continue the table.
    """
    rules = Rules.of(settings, secret)
    lake.ensure(settings.pipeline.lake, intake.table)
    checkpoint = Path(settings.transforms.checkpoint_dir).absolute() / intake.name
    app_id = incarnation(settings.pipeline.lake, intake.table, checkpoint, intake.name)

    def write(frame: DataFrame, batch_id: int) -> None:
        write_batch(frame, batch_id, settings=settings, intake=intake, rules=rules, app_id=app_id)
        written()

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
    """Parse a micro-batch, mark redelivered events, keep dead letters, commit once.

    Spark runs one job, the parsing; what follows needs no second look at the records, and is done
    in this process.
    """
    columns = ["topic", "partition", "offset", "timestamp", "key", "headers", "size", "small_value"]
    # One task a core, not one a topic-partition: a Python worker's crossing costs more than
    # the few rows of a partition.
    tasks = frame.sparkSession.sparkContext.defaultParallelism
    schema = spark_schema(intake.table.record).add(LETTER, from_arrow_type(_LETTER_TYPE))
    parsed = (
        frame.select(*columns)
        .coalesce(tasks)
        .mapInArrow(row_maker(intake, rules, batch_id, with_letters=True), schema)
    )
    made = gathered(parsed)
    looked_at: pa.Table = made
    if isinstance(made, DataFrame):
        looked_at = parsed.select(*Facts.columns(intake), LETTER).toArrow()
    facts = Facts.of(looked_at, intake)
    if not facts.places:
        return
    _publish_dead_letters(frame, facts, looked_at[LETTER].to_pylist(), settings)
    changes = find_changes(facts, settings, intake)
    changed: pa.Table | DataFrame
    if isinstance(made, DataFrame):
        changed = changed_frame(parsed.drop(LETTER), changes, intake)
    else:
        changed = changed_table(made.drop_columns([LETTER]), facts, changes, intake)
    write_once(
        changed,
        settings.pipeline.lake,
        intake.table,
        app_id=app_id,
        batch_id=batch_id,
        metadata={"ranges": _ranges(facts)},
        compact_commits=settings.transforms.compact_commits,
    )


def row_maker(
    intake: Intake, rules: Rules, batch_id: int, *, with_letters: bool = False
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function for `mapInArrow`: Kafka records in, rows of the intake's table out.

    With letters a column more holds key, value and headers of the records that were rejected, up
    to some megabytes a task.
    """
    make_rows, record = intake.make_rows, intake.table.record

    def convert(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        left = _LETTERS_BYTES if with_letters else -1
        for batch in batches:
            rows: list[Any] = []
            letters: list[dict[str, Any] | None] = []
            for raw in batch.to_pylist():
                event, pointer = _event(raw)
                made = make_rows(event, pointer, rules, batch_id=batch_id)
                rows.extend(made)
                is_kept = made[0].reason in reasons.DEAD_LETTER and len(event.data) <= left
                left -= len(event.data) if is_kept else 0
                letter = _letter(raw, rules) if is_kept else None
                letters.extend([letter] * len(made))
            table = to_table(rows, record)
            if with_letters:
                table = table.append_column(LETTER, pa.array(letters, _LETTER_TYPE))
            yield from table.to_batches()

    return convert


def _letter(raw: dict[str, Any], rules: Rules) -> dict[str, Any] | None:
    """What a dead letter needs of its record; None where the value was not handed on."""
    if raw["size"] > rules.limits.max_event_bytes:
        return None
    return {"key": raw["key"], "value": raw["small_value"], "headers": raw["headers"]}


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


def _publish_dead_letters(
    frame: DataFrame,
    facts: Facts,
    letters: Sequence[dict[str, Any] | None],
    settings: Settings,
) -> None:
    """Copy the original bytes of rejected events, with the reason in headers.

    Records without a letter, because they are large or many, are read once more. Headers of the
    original stay; ours start with `dlq.`. An event that was sent back from here before (`python -m
    ingest dlq replay`) says so in two of them, which are carried on.
    """
    rejected = {
        place: (*place, reason, letter)
        for place, reason, letter in zip(facts.places, facts.reasons, letters, strict=True)
        if reason in reasons.DEAD_LETTER
    }
    spark = frame.sparkSession
    schema = from_arrow_schema(_REJECTED)
    if small := [row for row in rejected.values() if row[-1]]:
        whole = from_arrow_schema(_REJECTED).add(LETTER, from_arrow_type(_LETTER_TYPE))
        originals = spark.createDataFrame(small, whole)
        _send(originals.select(*_REJECTED.names, f"{LETTER}.*"), settings)
    if large := [row[:-1] for row in rejected.values() if not row[-1]]:
        places = F.broadcast(spark.createDataFrame(large, schema))
        _send(frame.join(places, on=_REJECTED.names[:-1]), settings)


def _send(letters: DataFrame, settings: Settings) -> None:
    """Write records, with topic, partition, offset and reason beside them, as dead letters."""
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
        letters.select(
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


def _ranges(facts: Facts) -> dict[str, list[int]]:
    """`topic/partition` → [first offset, last offset + 1], for the commit's metadata."""
    found: dict[str, list[int]] = {}
    for topic, partition, offset in facts.places:
        low, end = found.setdefault(f"{topic}/{partition}", [offset, offset + 1])
        found[f"{topic}/{partition}"] = [min(low, offset), max(end, offset + 1)]
    return found
