import time
from pathlib import Path

from deskwheel.progress import begin_progress, end_progress
from deskwheel.state import State
from tests.train.rows import NOON
from train.runs.telling import telling_progress

WAIT_S = 20.0


def wait_for(told: list[str], count: int) -> None:
    deadline = time.monotonic() + WAIT_S
    while len(told) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(told) >= count, told


def test_each_sentence_is_told_once_and_none_after_the_run(tmp_path: Path) -> None:
    url, told = f"sqlite:///{tmp_path / 'state.db'}", list[str]()
    state = State(url)
    with telling_progress(url, "run-1", tell=told.append, every_s=0.02):
        wait_for(told, 1)
        begin_progress(state, "run-1", pipeline="support", snapshot_id="snap-1", now=NOON)
        end_progress(state, "run-1", phase="held", now=NOON, reason="loss is nan")
        wait_for(told, 2)
        time.sleep(0.2)
    assert told[0] == "starting"
    assert told[-1] == "held: loss is nan"
    assert len(told) == len(set(told))
    count = len(told)
    time.sleep(0.1)
    assert len(told) == count


def test_a_database_that_is_away_is_said_and_ends_nothing(tmp_path: Path) -> None:
    told = list[str]()
    url = f"sqlite:///{tmp_path / 'none' / 'state.db'}"
    with telling_progress(url, "run-1", tell=told.append, every_s=0.02):
        wait_for(told, 1)
    assert told[0].startswith("progress is not known: ")
