"""The mails of a micro-batch into the threads that the table `turns` knows.

Asks the index of `turns` (`transforms.lookup`), as far back as `transforms.thread_horizon_h` of the
broker's clock. The threads of a batch depend on its mails and on the table before it: replayed
after a crash, the batch gives the same ids.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from deskwheel.settings import Settings
from transforms.lookup import Lookup
from transforms.threads import Mail, assign_threads


class MailRow(NamedTuple):
    """A row of the batch that has thread keys: a mail, or an outcome of one."""

    place: tuple[str, int, int]
    conversation_id: str
    sent_at: datetime
    thread_keys: Sequence[str]
    ingested_at: datetime


def find_threads(
    batch: Sequence[MailRow], settings: Settings, lookup: Lookup
) -> dict[tuple[str, int, int], str]:
    """The conversation that each mail continues, by its place, where it is not its own."""
    if not batch:
        return {}
    horizon = timedelta(hours=settings.transforms.thread_horizon_h)
    since = min(row.ingested_at for row in batch) - horizon
    keys = {key for row in batch for key in row.thread_keys}
    found = assign_threads(
        [Mail(row.conversation_id, row.sent_at, tuple(row.thread_keys)) for row in batch],
        lookup.mails(keys, since=since),
        subject_window=timedelta(hours=settings.transforms.thread_subject_h),
    )
    return {
        row.place: conversation
        for row, conversation in zip(batch, found, strict=True)
        if conversation != row.conversation_id
    }
