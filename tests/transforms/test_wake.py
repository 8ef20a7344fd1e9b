"""After a restart in silence, what is due closes without a new turn."""

import os
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.streaming import StreamingQuery

from benchmarks.transforms_sessionize import chats, rows_of
from deskwheel import lake
from deskwheel.records import Turn
from deskwheel.schema import to_table
from deskwheel.tables import CONVERSATIONS, TURNS
from tests.places import settings_in
from transforms.conversations import catch_up, start_conversations
from transforms.turns import Rules
from transforms.wake import RECENT_S, repeat_last_batch

SECRET = b"k"
IDLE_S = 12.0


def checkpoint_of(folder: Path, *, ends: list[int], committed: int) -> Path:
    """A stream checkpoint whose batches end at these offsets, the first ones committed."""
    for log in ("offsets", "commits"):
        (folder / log).mkdir()
    for batch, end in enumerate(ends):
        (folder / "offsets" / str(batch)).write_text(f'v1\n{{"now":{batch}}}\n{{"end":{end}}}')
    for batch in range(committed):
        (folder / "commits" / str(batch)).write_text("v1\n{}")
        (folder / "commits" / f".{batch}.crc").write_bytes(b"crc")
    return folder


def commits(folder: Path) -> list[str]:
    return sorted(p.name for p in (folder / "commits").iterdir())


def age(folder: Path) -> None:
    past = time.time() - RECENT_S - 1
    for file in (folder / "commits").iterdir():
        os.utime(file, (past, past))


def test_the_last_batch_is_repeated_as_after_a_crash(tmp_path: Path) -> None:
    folder = checkpoint_of(tmp_path, ends=[4, 9], committed=2)
    assert repeat_last_batch(folder)
    assert commits(folder) == [".0.crc", "0"]


def test_a_batch_that_a_crash_cut_off_is_repeated_by_spark_itself(tmp_path: Path) -> None:
    folder = checkpoint_of(tmp_path, ends=[4, 9], committed=1)
    assert not repeat_last_batch(folder)
    assert commits(folder) == [".0.crc", "0"]


def test_a_new_stream_has_nothing_to_repeat(tmp_path: Path) -> None:
    assert not repeat_last_batch(tmp_path)


@pytest.mark.parametrize(("ends", "is_repeated"), [([4, 9], False), ([9, 9], True), ([9], False)])
def test_after_days_only_a_batch_without_rows_is_repeated(
    tmp_path: Path, ends: list[int], is_repeated: bool
) -> None:
    folder = checkpoint_of(tmp_path, ends=ends, committed=len(ends))
    age(folder)
    assert repeat_last_batch(folder) is is_repeated


def stop_between_batches(query: StreamingQuery, checkpoint: Path) -> None:
    """Stop after the first batch; what the stop cut off is removed, or Spark would repeat it."""
    while not list(checkpoint.glob("commits/[0-9]*")):
        assert query.isActive
        time.sleep(0.05)
    query.stop()
    done = {p.name for p in (checkpoint / "commits").iterdir()}
    for file in (checkpoint / "offsets").iterdir():
        if file.name not in done:
            file.unlink()


@pytest.mark.kafka
def test_a_conversation_that_is_due_closes_after_a_restart_in_silence(
    spark: SparkSession, tmp_path: Path
) -> None:
    settings = settings_in(tmp_path, idle_close_s=IDLE_S, close_grace_s=IDLE_S)
    turns = rows_of(list(chats(2)), Rules.of(settings, SECRET))
    lake.append(settings.pipeline.lake, TURNS, to_table(turns, Turn))
    query = start_conversations(spark, settings, SECRET, once=True)
    stop_between_batches(query, Path(settings.transforms.checkpoint_dir) / "conversations")
    assert not lake.read(settings.pipeline.lake, CONVERSATIONS).num_rows
    time.sleep(IDLE_S)
    catch_up(start_conversations(spark, settings, SECRET, once=True))
    assert lake.read(settings.pipeline.lake, CONVERSATIONS).num_rows == 1
