"""The mails of a micro-batch into the threads that the table `turns` knows.

Reads the table `turns`, as far back as `transforms.thread_horizon_h` of the broker's clock. The
threads of a batch depend on its mails and on the table before it: replayed after a crash, the batch
gives the same ids.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from deskwheel import lake
from deskwheel.settings import Settings
from deskwheel.tables import TURNS
from transforms.threads import Mail, assign_threads

MOST_PER_KEY = 50
"""Newest mails with one key that are looked at: a machine that sends the same subject all day must
not fill the driver."""

_MAIL = ("conversation_id", "sent_at", "thread_keys")


class MailRow(NamedTuple):
    """A row of the batch that has thread keys: a mail, or an outcome of one."""

    place: tuple[str, int, int]
    conversation_id: str
    sent_at: datetime
    thread_keys: Sequence[str]
    ingested_at: datetime


def find_threads(batch: Sequence[MailRow], settings: Settings) -> dict[tuple[str, int, int], str]:
    """The conversation that each mail continues, by its place, where it is not its own."""
    if not batch:
        return {}
    horizon = timedelta(hours=settings.transforms.thread_horizon_h)
    since = min(row.ingested_at for row in batch) - horizon
    names = {_name(key) for row in batch for key in row.thread_keys}
    found = assign_threads(
        [Mail(row.conversation_id, row.sent_at, tuple(row.thread_keys)) for row in batch],
        stored_mails(settings.pipeline.lake, names, since=since),
        subject_window=timedelta(hours=settings.transforms.thread_subject_h),
    )
    return {
        row.place: conversation
        for row, conversation in zip(batch, found, strict=True)
        if conversation != row.conversation_id
    }


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
