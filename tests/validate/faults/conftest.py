"""Desks that are made once a run: after a batch, after both, and after a death at each point."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from deskwheel import lake
from deskwheel.tables import VALIDATED
from tests.validate.faults.desk import FIRST, JOB_S, SECOND, Desk, end, said
from tests.validate.frozen import judged, store

IN_COMMIT = "in_commit"
"""Data files are written, the log entry is not: between two steps of Delta's, so from outside."""

_HELD = """
import sys, threading
from pathlib import Path
from pyspark.sql import SparkSession
from validate.__main__ import main

def hold(table, pause):
    while (spark := SparkSession._instantiatedSession) is None:
        pause.wait(0.05)
    delta = spark._jvm.org.apache.spark.sql.delta.DeltaLog
    lock = delta.forTable(spark._jsparkSession, table).snapshotLock()
    known = set(Path(table).glob("*.parquet"))
    while set(Path(table).glob("*.parquet")) == known:
        pause.wait(0.001)
    lock.lock()
    pause.wait()

threading.Thread(target=hold, args=(sys.argv.pop(1), threading.Event()), daemon=True).start()
sys.exit(main())
"""
"""The job, which holds the lock of Delta's log once the first data file of a commit is opened."""

TRIES = 3
"""A commit may be faster than who wants to hold it: then it is no death in the commit."""


@pytest.fixture
def stored(tmp_path: Path) -> Desk:
    """A desk whose examples were judged by hand, in two commits; needs no Spark."""
    desk = Desk(tmp_path / "desk")
    for names in ("abcd", "ef"):
        examples = tuple(said(name) for name in names)
        desk.receive(examples)
        store(desk.settings, *(judged(e) for e in examples))
    return desk


@pytest.fixture(scope="session")
def begun(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk whose first batch is judged, and whose second one has come."""
    desk = Desk(tmp_path_factory.mktemp("faults") / "begun")
    desk.receive(FIRST)
    desk.judge(spark)
    desk.receive(SECOND)
    return desk


@pytest.fixture(scope="session")
def finished(spark: SparkSession, begun: Desk) -> Desk:
    """What becomes of it when nothing dies; copy it, do not change it."""
    desk = begun.copy_to(begun.folder.parent / "finished")
    desk.judge(spark)
    return desk


@pytest.fixture(scope="session")
def killed(begun: Desk) -> Callable[[str, Path], Desk]:
    """A copy of the desk whose job was killed at a point; each point's job runs once."""
    made: dict[str, Desk] = {}

    def copy_of(point: str, folder: Path) -> Desk:
        for attempt in range(TRIES if point not in made else 0):
            made[point] = begun.copy_to(begun.folder.parent / f"{point}-{attempt}")
            _kill(made[point], point)
            if point != IN_COMMIT or made[point].version() == begun.version():
                break
        return made[point].copy_to(folder)

    return copy_of


def _kill(desk: Desk, point: str) -> None:
    if point == IN_COMMIT:
        _kill_in_commit(desk)
        return
    done = desk.run("-m", "validate", "watch", "--once", failpoint=point)
    assert done.returncode == -9, done.stderr[-2000:]


def _kill_in_commit(desk: Desk) -> None:
    table = lake.table_path(desk.lake, VALIDATED)
    before = set(table.glob("*.parquet"))
    process = desk.start("-c", _HELD, str(table), "watch", "--once")
    deadline = time.monotonic() + JOB_S
    try:
        while not any(_is_whole(f) for f in set(table.glob("*.parquet")) - before):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        end(process)
        process.communicate()


def _is_whole(file: Path) -> bool:
    return file.read_bytes()[-4:] == b"PAR1"
