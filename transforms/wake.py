"""A stream with timers that wakes up after a restart, also when nothing new is there to read.

Spark asks the last batch it ran whether another one is due for timers. After a clean stop there is
no such batch, so it runs none, and what is due waits for the next turn, however long that takes.
Source: Spark's `MicroBatchExecution.constructNextBatch`, `lastExecutionRequiresAnotherBatch`.
"""

import time
from pathlib import Path

from transforms.session import batches_of

RECENT_S = 86_400.0
"""Rows of a batch that ended this long ago are still there: Delta keeps removed files for a week.
Source: Delta's `delta.deletedFileRetentionDuration`."""


def repeat_last_batch(checkpoint: Path) -> bool:
    """Make a stream begin with its last batch again, as after a crash before its commit.

    The batch finds its own time, offsets and state in the stream checkpoint, so it gives the same
    rows, and `write_once` skips them. A batch of long ago is repeated only if it read no rows, as
    their files may be gone. To be called before the stream starts; whether it was done.
    """
    offsets = batches_of(checkpoint / "offsets")
    commits = batches_of(checkpoint / "commits")
    if not offsets or not commits or commits[-1] != offsets[-1]:
        return False
    commit = checkpoint / "commits" / str(commits[-1])
    is_recent = time.time() - commit.stat().st_mtime < RECENT_S
    if not is_recent and not _is_empty(checkpoint / "offsets", offsets):
        return False
    commit.with_name(f".{commit.name}.crc").unlink(missing_ok=True)
    commit.unlink()
    return True


def _is_empty(log: Path, batches: list[int]) -> bool:
    """Whether the last batch read nothing: it ends where the one before it ended."""
    ends = [(log / str(batch)).read_bytes().split(b"\n")[2:] for batch in batches[-2:]]
    return len(ends) > 1 and ends[0] == ends[1]
