"""Training sets are frozen once, whole and in order, without a JVM."""

import json
import threading
from argparse import Namespace
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest

from deskwheel import lake
from deskwheel.errors import SnapshotError
from deskwheel.ids import snapshot_digest
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.tables import SNAPSHOTS
from tests.validate.frozen import judged, store, told
from tests.validate.rows import example
from validate.snapshots.freeze import freeze, freeze_claimed, freeze_snapshot, watch_windows

NOW = datetime(2026, 3, 3, tzinfo=UTC)


def test_snapshot_holds_valid_members_of_its_version_in_order(settings: Settings) -> None:
    version = store(
        settings,
        judged(told("b"), "valid", "test"),
        judged(told("a")),
        judged(example("c"), "quarantined", "train", "CSAT_LOW"),
    )
    store(settings, judged(example("later")))
    snapshot = freeze_snapshot(settings, table_version=version, now=NOW)
    assert [(m.example_id, m.split) for m in snapshot.members] == [
        ("ex-a-1", "train"), ("ex-b-1", "test"),
    ]  # fmt: skip
    assert snapshot.counts == {"train": 1, "dev": 0, "test": 1}
    assert snapshot.content_digest == snapshot_digest(
        [
            ("ex-b-1", "test", example("b").content_hash),
            ("ex-a-1", "train", example("a").content_hash),
        ]
    )
    assert (snapshot.suite_version, snapshot.table_version) == ("suite-1", version)


def test_second_freeze_returns_the_stored_snapshot(settings: Settings) -> None:
    version = store(settings, judged(example("a")))
    first = freeze_snapshot(settings, table_version=version, now=NOW)
    again = freeze_snapshot(settings, table_version=version, now=NOW + timedelta(days=1))
    assert asdict(again) == asdict(first)
    assert lake.read(settings.pipeline.lake, SNAPSHOTS).num_rows == 1


def test_snapshot_of_another_version_is_another_one(settings: Settings) -> None:
    first = store(settings, judged(example("a")))
    second = store(settings, judged(example("b")))
    ids = {freeze_snapshot(settings, table_version=v, now=NOW).snapshot_id for v in (first, second)}
    assert len(ids) == 2


@pytest.mark.parametrize("version", [-1, 99])
def test_unknown_version_is_refused(settings: Settings, version: int) -> None:
    store(settings, judged(example("a")))
    with pytest.raises(SnapshotError, match=f"no version {version} .*newest is 1"):
        freeze_snapshot(settings, table_version=version, now=NOW)


def test_version_without_valid_example_is_refused(settings: Settings) -> None:
    version = store(settings, judged(example("a"), "duplicate"))
    with pytest.raises(SnapshotError, match="no valid example"):
        freeze_snapshot(settings, table_version=version, now=NOW)


def test_claimed_window_is_frozen_once_and_stands_on_the_timeline(settings: Settings) -> None:
    version = store(settings, judged(example("a")))
    state = State(settings.pipeline.state_url)
    state.claim_window("support", 0, to_version=version, owner="me", detail={})
    frozen = freeze_claimed(settings, state, now=NOW)
    assert freeze_claimed(settings, state, now=NOW) == []
    window = state.windows("support")[0]
    assert (window["phase"], window["snapshot_id"]) == ("frozen", frozen[0].snapshot_id)
    entry = state.timeline("support", kind="frozen")[0]
    assert entry["subject"] == frozen[0].snapshot_id
    assert entry["detail"]["counts"] == {"train": 1, "dev": 0, "test": 0}
    state.close()


def test_window_without_valid_example_fails_with_its_reason(settings: Settings) -> None:
    version = store(settings, judged(example("a"), "quarantined", "train", "CSAT_LOW"))
    state = State(settings.pipeline.state_url)
    state.claim_window("support", 0, to_version=version, owner="me", detail={})
    assert freeze_claimed(settings, state, now=NOW) == []
    assert state.windows("support")[0]["phase"] == "failed"
    assert "no valid example" in state.timeline("support")[0]["detail"]["reason"]
    state.close()


def test_window_watcher_freezes_what_is_claimed_later_and_stops(settings: Settings) -> None:
    version = store(settings, judged(example("a")))
    state = State(settings.pipeline.state_url)
    stop = threading.Event()
    watcher = threading.Thread(
        target=watch_windows,
        args=(settings, state, stop),
        kwargs={"now": lambda: NOW, "poll_s": 0.02},
    )
    watcher.start()
    state.claim_window("support", 0, to_version=version, owner="me", detail={})
    for _ in range(500):
        if state.windows("support", phase="frozen"):
            break
        stop.wait(0.02)
    stop.set()
    watcher.join(timeout=10)
    assert state.windows("support")[0]["phase"] == "frozen"
    assert not watcher.is_alive()
    state.close()


def test_freeze_verb_takes_the_newest_version(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    version = store(settings, judged(example("a")))
    assert freeze(settings, Namespace(version=None, json=True)) == 0
    assert json.loads(capsys.readouterr().out)["table_version"] == version
    assert freeze(settings, Namespace(version=version, json=False)) == 0
    assert "1 examples (train 1, dev 0, test 0)" in capsys.readouterr().out


def test_freeze_verb_without_a_table_says_what_to_run(settings: Settings) -> None:
    with pytest.raises(SnapshotError, match="validate watch"):
        freeze(settings, Namespace(version=None, json=True))
