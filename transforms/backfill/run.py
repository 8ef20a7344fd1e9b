"""Past traffic read anew by today's rules, into tables of its own, and what that would change.

`python -m transforms backfill --since T --until T --into FOLDER` reads the raw topics between two
moments of the broker's clock and writes `turns`, `conversations` and `examples` of the same schemas
under FOLDER. It reads the live tables and writes none of them, copies nothing to dead-letter topics
and touches no stream checkpoint. What the topics do not keep any more is taken from the live table
`turns` as it was read then, and counted. `--merge` is a step of its own
(`transforms.backfill.merge`).
"""

import json
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from deskwheel import lake
from deskwheel.errors import SetupError
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.tables import CONVERSATIONS, EXAMPLES, TURNS, Table
from transforms.assemble import CloseReason, assemble
from transforms.backfill.merge import merge
from transforms.backfill.report import Report, compare, show
from transforms.backfill.shadow import MANIFEST, load, refuse_folder, shadow_settings
from transforms.changes import Facts, changed_frame, find_changes
from transforms.conversations import KEEP_CLOSED_S, Closing, stored_line
from transforms.intake import row_maker
from transforms.intakes import TURNS_INTAKE
from transforms.mining import start_mining
from transforms.session import spark_schema, spark_session, write_once
from transforms.stored import StoredTurn
from transforms.stream import check_broker, read_secret
from transforms.turns import Rules

EXIT_SAME, EXIT_DIFFERS = 0, 3
"""3 like `diff`: something would change. 1 and 2 are failures and wrong usage."""

_PLACE = ["source.topic", "source.partition", "source.offset"]
_COLUMNS = ["topic", "partition", "offset", "timestamp", "headers", "size", "small_value"]


@dataclass(frozen=True)
class Range:
    """From `since` up to, but not including, `until`, by the broker's clock."""

    since: datetime
    until: datetime

    @staticmethod
    def of(since: str | None, until: str | None) -> "Range":
        """The range of two ISO 8601 times; without a zone they are UTC.

        Raises:
            SetupError: one is missing or no time, or they are in the wrong order.
        """
        moments = []
        for name, text in (("--since", since), ("--until", until)):
            try:
                moment = datetime.fromisoformat(text or "")
            except ValueError:
                raise SetupError(
                    f"{name} must be a time such as 2026-03-02T11:00:00Z, got {text!r}"
                ) from None
            moments.append(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        if moments[0] >= moments[1]:
            raise SetupError(f"--since {since} must be before --until {until}")
        return Range(*moments)


def run(settings: Settings, arguments: Namespace) -> int:
    """Make shadow tables and report, or merge those of an earlier call.

    Raises:
        SetupError: the folder or the range cannot be used.
        ServiceError: no broker answers.
    """
    folder = Path(arguments.into).absolute()
    wanted = None if arguments.merge else Range.of(arguments.since, arguments.until)
    refuse_folder(folder, settings, is_new=wanted is not None)
    if wanted is not None:
        check_broker(settings.kafka.bootstrap)
    secret = read_secret(settings)
    spark = spark_session(
        "deskwheel-backfill",
        driver_memory=settings.transforms.driver_memory,
        master=settings.transforms.master,
        compiler=settings.transforms.jvm_compiler,
    )
    if wanted is None:
        return merge(spark, settings, folder, as_json=arguments.json)
    report = backfill(spark, settings, secret, wanted, folder, now=datetime.now(UTC))
    show(report, as_json=arguments.json)
    return EXIT_DIFFERS if report.differs else EXIT_SAME


def backfill(
    spark: SparkSession,
    settings: Settings,
    secret: bytes,
    wanted: Range,
    folder: Path,
    *,
    now: datetime,
) -> Report:
    """Fill the shadow tables and compare them with the live ones.

    `now` decides which conversations have been quiet for long enough to be closed.
    """
    shadow = shadow_settings(settings, folder)
    for table in (TURNS, CONVERSATIONS, EXAMPLES):
        lake.ensure(settings.pipeline.lake, table)
        lake.ensure(shadow.pipeline.lake, table)
    _reread(spark, settings, shadow, secret, wanted)
    open_now = _rebuild(spark, settings, shadow, secret, now)
    start_mining(spark, shadow, once=True).awaitTermination()
    report = compare(
        spark, settings.pipeline.lake, shadow.pipeline.lake, wanted.since, wanted.until
    )
    report = replace(report, still_open=open_now)
    (folder / MANIFEST).write_text(json.dumps(report.to_dict(), indent=1) + "\n", "utf-8")
    return report


def _reread(
    spark: SparkSession, settings: Settings, shadow: Settings, secret: bytes, wanted: Range
) -> None:
    """Shadow turns: those around the range as they are, those in it by today's rules."""
    rules = Rules.of(settings, secret)
    rows = (
        _records(spark, settings, wanted)
        .select(*_COLUMNS)
        .mapInArrow(row_maker(TURNS_INTAKE, rules, 1), spark_schema(TURNS.record))
        .persist()
    )
    try:
        horizon = timedelta(hours=settings.transforms.thread_horizon_h)
        live = load(spark, settings.pipeline.lake, TURNS)
        around = _around(live, rows, mails_since=wanted.since - horizon)
        _write(around, shadow, TURNS, batch_id=0)
        facts = Facts.of(rows.select(*Facts.columns(TURNS_INTAKE)).toArrow(), TURNS_INTAKE)
        changes = find_changes(facts, shadow, TURNS_INTAKE)
        _write(changed_frame(rows, changes, TURNS_INTAKE), shadow, TURNS, batch_id=1)
    finally:
        rows.unpersist()


def _records(spark: SparkSession, settings: Settings, wanted: Range) -> DataFrame:
    """The raw Kafka records of the range that the topics still keep."""
    limit = settings.transforms.max_event_bytes
    frame = (
        spark.read.format("kafka")
        .option("kafka.bootstrap.servers", settings.kafka.bootstrap)
        .option("subscribe", ",".join(TURNS_INTAKE.topics))
        .option("startingTimestamp", str(_ms(wanted.since)))
        .option("endingTimestamp", str(_ms(wanted.until)))
        .option("startingOffsetsByTimestampStrategy", "latest")
        .option("includeHeaders", "true")
        .option("kafka.isolation.level", "read_committed")
        .load()
    )
    return frame.withColumn("size", F.coalesce(F.length("value"), F.lit(0))).withColumn(
        "small_value", F.when(F.length("value") <= limit, F.col("value"))
    )


def _around(live: DataFrame, rows: DataFrame, *, mails_since: datetime) -> DataFrame:
    """Accepted live turns that were not read anew and may belong with those that were.

    The rest of each conversation that has a turn in the range, and the mails among which replies
    find their thread.
    """
    places = F.broadcast(rows.select(*[F.col(p).alias(p[7:]) for p in _PLACE]).distinct())
    same = [F.col(p) == places[p[7:]] for p in _PLACE]
    known = live.where(F.col("verdict") == "accepted")
    touched = known.join(places, same, "left_semi").select("conversation_id").distinct()
    named = touched.unionByName(rows.select("conversation_id").distinct()).dropna().distinct()
    others = known.join(places, same, "left_anti")
    with_mates = others.join(F.broadcast(named), "conversation_id", "left_semi")
    is_late = F.col("ingested_at") >= F.lit(mails_since)
    mails = others.where(F.col("thread_keys").isNotNull() & is_late)
    return (
        with_mates.select(*live.columns)
        .unionByName(mails.select(*live.columns))
        .dropDuplicates(["turn_id", "is_closing", "position"])
    )


def _rebuild(
    spark: SparkSession, settings: Settings, shadow: Settings, secret: bytes, now: datetime
) -> int:
    """Shadow conversations out of the shadow turns, and how many are still open."""
    turns = load(spark, shadow.pipeline.lake, TURNS).where(F.col("verdict") == "accepted")
    reread = turns.where(F.col("batch_id") == 1).select("conversation_id").distinct()
    versions = _newest_versions(load(spark, settings.pipeline.lake, CONVERSATIONS), reread)
    rebuilt = (
        turns.join(F.broadcast(reread), "conversation_id", "left_semi")
        .select("conversation_id", "ingested_at", stored_line())
        .groupBy("conversation_id")
        .applyInArrow(_builder(settings, secret, now, versions), spark_schema(CONVERSATIONS.record))
        .persist()
    )
    try:
        _write(rebuilt, shadow, CONVERSATIONS, batch_id=0)
        closed = rebuilt.select("conversation_id").distinct().count()
        return max(0, reread.count() - closed)
    finally:
        rebuilt.unpersist()


def _newest_versions(live: DataFrame, reread: DataFrame) -> dict[str, int]:
    """Newest live version of each conversation, and of its later parts (`ID.2`)."""
    named = reread.withColumnRenamed("conversation_id", "base")
    bases = [F.col("conversation_id"), F.regexp_replace("conversation_id", r"\.\d+$", "")]
    found = (
        live.select("conversation_id", "version", F.explode(F.array(*bases)).alias("base"))
        .join(F.broadcast(named), "base", "left_semi")
        .groupBy("conversation_id")
        .agg(F.max("version").alias("newest"))
    )
    return {row["conversation_id"]: row["newest"] for row in found.collect()}


def _builder(
    settings: Settings, secret: bytes, now: datetime, versions: dict[str, int]
) -> Callable[[pa.Table], pa.Table]:
    closing = Closing.of(settings.transforms)
    company_domains = settings.transforms.company_domains
    category_model = settings.transforms.category_model

    def build(group: pa.Table) -> pa.Table:
        done = []
        for name, turns, reason in _parts(group.to_pylist(), closing, now):
            done.append(
                assemble(
                    name,
                    turns,
                    version=versions.get(name, 0) + 1,
                    close_reason=reason,
                    batch_id=0,
                    secret=secret,
                    company_domains=company_domains,
                    category_model=category_model,
                )
            )
        return to_table(done, CONVERSATIONS.record)

    return build


def _parts(
    rows: Sequence[dict[str, Any]], closing: Closing, now: datetime
) -> Iterator[tuple[str, list[StoredTurn], CloseReason]]:
    """The conversations that turns of one id make, as the stream cuts them, in order of arrival.

    A full one ends; so does one that was closed for a week. The last one is left out while it may
    go on.
    """
    arrived = sorted(
        ((_utc(r["ingested_at"]), StoredTurn.from_json(r["turn"]), r["turn"]) for r in rows),
        key=lambda a: (a[0], a[1].sent_us, a[1].turn_id),
    )
    name, number = rows[0]["conversation_id"], 1
    turns: list[StoredTurn] = []
    size, last = 0, now
    for at, turn, line in arrived:
        if turns and at - last > _wait(turns, closing) + timedelta(seconds=KEEP_CLOSED_S):
            yield _part_name(name, number), turns, _reason(turns)
            turns, size, number = [], 0, number + 1
        last = at
        turns.append(turn)
        size += len(line.encode())
        if closing.is_full(len(turns), size):
            yield _part_name(name, number), turns, "capped"
            turns, size, number = [], 0, number + 1
    if turns and last + _wait(turns, closing) <= now:
        yield _part_name(name, number), turns, _reason(turns)


def _part_name(name: str, number: int) -> str:
    return name if number == 1 else f"{name}.{number}"


def _wait(turns: Sequence[StoredTurn], closing: Closing) -> timedelta:
    is_stated = any(turn.is_closing for turn in turns)
    return timedelta(milliseconds=closing.wait_ms(turns[-1].channel, is_stated=is_stated))


def _reason(turns: Sequence[StoredTurn]) -> CloseReason:
    return "stated" if any(turn.is_closing for turn in turns) else "idle"


def _write(frame: DataFrame, shadow: Settings, table: Table, *, batch_id: int) -> None:
    write_once(
        frame, shadow.pipeline.lake, table, app_id="backfill", batch_id=batch_id, metadata={}
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
