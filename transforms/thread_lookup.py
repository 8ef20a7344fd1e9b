"""The mails of a micro-batch into the threads that the table `turns` knows.

Reads the table `turns`, as far back as `transforms.thread_horizon_h` of the broker's clock. The
threads of a batch depend on its mails and on the table before it: replayed after a crash, the batch
gives the same ids.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from deskwheel import lake
from deskwheel.settings import Settings
from deskwheel.tables import TURNS
from deskwheel.times import from_us
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
    # Times as numbers: Spark's come back in no zone but the machine's.
    times = [F.unix_micros(name).alias(name) for name in ("sent_at", "ingested_at")]
    mails = rows.where(F.col("thread_keys").isNotNull()).select(
        *[f"source.{p}" for p in _PLACE], "conversation_id", "thread_keys", *times
    )
    batch = mails.collect()
    if not batch:
        return marked
    horizon = timedelta(hours=settings.transforms.thread_horizon_h)
    since = from_us(min(row["ingested_at"] for row in batch)) - horizon
    names = {_name(key) for row in batch for key in row["thread_keys"]}
    found = assign_threads(
        [Mail(r["conversation_id"], from_us(r["sent_at"]), tuple(r["thread_keys"])) for r in batch],
        stored_mails(settings.pipeline.lake, names, since=since),
        subject_window=timedelta(hours=settings.transforms.thread_subject_h),
    )
    moved = [
        (*(row[p] for p in _PLACE), conversation)
        for row, conversation in zip(batch, found, strict=True)
        if conversation != row["conversation_id"]
    ]
    return _moved(marked, moved) if moved else marked


def stored_mails(lake_dir: str, names: Collection[str], *, since: datetime) -> list[Mail]:
    """Mails of the table since then that share a key with a batch, one for each such key.

    Of each key the newest `MOST_PER_KEY`. The table is read without Spark: each batch looks its
    few keys up among all of the horizon.
    """
    wanted = pa.array(sorted(names), pa.string())
    columns = {name: pc.field(name) for name in _MAIL}
    where = (
        pc.field("thread_keys").is_valid()
        & (pc.field("verdict") == "accepted")
        & (pc.field("ingested_at") >= pa.scalar(since))
    )
    found: dict[str, list[Mail]] = defaultdict(list)
    for part in lake.scan(lake_dir, TURNS, columns, where):
        keys = pc.list_flatten(part["thread_keys"])
        is_wanted = pc.is_in(pc.utf8_slice_codeunits(keys, 1), value_set=wanted)
        lines = pc.list_parent_indices(part["thread_keys"]).filter(is_wanted)
        rows = part.select(["conversation_id", "sent_at"]).take(lines).to_pylist()
        for row, key in zip(rows, keys.filter(is_wanted).to_pylist(), strict=True):
            mails = found[key]
            mails.append(Mail(row["conversation_id"], row["sent_at"], (key,)))
            if len(mails) >= 2 * MOST_PER_KEY:
                mails[:] = _newest(mails)
    return [mail for mails in found.values() for mail in _newest(mails)]


def _newest(mails: Sequence[Mail]) -> list[Mail]:
    by_name = sorted(mails, key=lambda mail: mail.conversation_id)
    return sorted(by_name, key=lambda mail: mail.sent_at, reverse=True)[:MOST_PER_KEY]


def _name(key: str) -> str:
    """A key without its kind: mails name a mail and refer to it by the same hash."""
    return key[1:]


def _moved(marked: DataFrame, moved: Iterable[tuple[Any, ...]]) -> DataFrame:
    schema = "topic string, partition long, offset long, thread string"
    threads = marked.sparkSession.createDataFrame(list(moved), schema)
    same = [F.col(f"source.{p}") == F.col(p) for p in _PLACE]
    thread = F.coalesce("thread", "conversation_id").alias("conversation_id")
    columns = [thread if name == "conversation_id" else F.col(name) for name in marked.columns]
    return marked.join(F.broadcast(threads), same, "left").select(*columns)
