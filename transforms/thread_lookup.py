"""The mails of a micro-batch into the threads that the table `turns` knows.

Reads the table `turns`, as far back as `transforms.thread_horizon_h` of the broker's clock. The
threads of a batch depend on its mails and on the table before it: replayed after a crash, the batch
gives the same ids.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from deskwheel import lake
from deskwheel.settings import Settings
from deskwheel.tables import TURNS
from transforms.threads import Mail, assign_threads

MOST_PER_KEY = 50
"""Newest mails with one key that are looked at: a machine that sends the same subject all day must
not fill the driver."""

_MAIL = ("conversation_id", "sent_at", "thread_keys")
_PLACE = ("topic", "partition", "offset")


def join_threads(marked: DataFrame, rows: DataFrame, settings: Settings) -> DataFrame:
    """The rows with each mail in the conversation that it continues.

    Args:
        marked: The batch's rows as they will be written.
        rows: The same before duplicates were marked, cached: cheap to read twice.
        settings: Says where the table is and how far back to look.
    """
    mails = rows.where(F.col("thread_keys").isNotNull())
    batch = mails.select(*[f"source.{p}" for p in _PLACE], *_MAIL).collect()
    if not batch:
        return marked
    window = timedelta(hours=settings.transforms.thread_subject_h)
    stored = _stored(mails, settings).collect()
    found = assign_threads([_mail(r) for r in batch], map(_mail, stored), subject_window=window)
    moved = [
        (*(row[p] for p in _PLACE), conversation)
        for row, conversation in zip(batch, found, strict=True)
        if conversation != row["conversation_id"]
    ]
    return _moved(marked, moved) if moved else marked


def _stored(mails: DataFrame, settings: Settings) -> DataFrame:
    """Stored mails that share a key with the batch, one row a key."""
    keys = mails.select(F.explode("thread_keys").alias("key"))
    wanted = keys.select(_name(F.col("key")).alias("name")).distinct()
    oldest = mails.agg(F.min("ingested_at")).first()
    horizon = F.lit(settings.transforms.thread_horizon_h * 3600)
    since = F.lit(oldest[0] if oldest else None) - F.make_dt_interval(secs=horizon)
    newest_first = Window.partitionBy("key").orderBy(F.desc("sent_at"), "conversation_id")
    return (
        mails.sparkSession.read.format("delta")
        .load(str(lake.table_path(settings.pipeline.lake, TURNS)))
        .where(F.col("thread_keys").isNotNull() & (F.col("verdict") == "accepted"))
        .where(F.col("ingested_at") >= since)
        .select("conversation_id", "sent_at", F.explode("thread_keys").alias("key"))
        .withColumn("name", _name(F.col("key")))
        .join(F.broadcast(wanted), "name", "left_semi")
        .withColumn("nth", F.row_number().over(newest_first))
        .where(F.col("nth") <= MOST_PER_KEY)
        .select("conversation_id", "sent_at", F.array("key").alias("thread_keys"))
    )


def _name(key: Column) -> Column:
    """A key without its kind: mails name a mail and refer to it by the same hash."""
    return F.substr(key, F.lit(2))


def _moved(marked: DataFrame, moved: Iterable[tuple[Any, ...]]) -> DataFrame:
    schema = "topic string, partition long, offset long, thread string"
    threads = marked.sparkSession.createDataFrame(list(moved), schema)
    same = [F.col(f"source.{p}") == F.col(p) for p in _PLACE]
    thread = F.coalesce("thread", "conversation_id").alias("conversation_id")
    columns = [thread if name == "conversation_id" else F.col(name) for name in marked.columns]
    return marked.join(F.broadcast(threads), same, "left").select(*columns)


def _mail(row: Any) -> Mail:
    sent_at: datetime = row["sent_at"]
    zoned = sent_at.astimezone(UTC) if sent_at.tzinfo else sent_at.replace(tzinfo=UTC)
    return Mail(row["conversation_id"], zoned, tuple(row["thread_keys"]))
