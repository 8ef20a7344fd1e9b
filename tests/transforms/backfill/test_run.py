"""Past traffic read anew on the real broker: what would change is said, then merged once."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession

from deskwheel import lake
from deskwheel.errors import SetupError
from deskwheel.schema import arrow_schema
from deskwheel.settings import Settings
from deskwheel.tables import CONVERSATIONS, TURNS, Table
from ingest.simulate import simulate, span
from tests.places import served_by, settings_in
from tests.transforms.test_intake import dead_letters
from tests.transforms.test_stream import publish
from transforms.backfill.merge import merge
from transforms.backfill.run import Range, _parts, backfill, refuse_folder
from transforms.conversations import Closing
from transforms.stream import run_once

pytestmark = pytest.mark.timeout(600)

TOLD = 3
MOMENT = datetime(2026, 3, 2, 12, tzinfo=UTC)
CLOSING = Closing(idle_s=60.0, grace_s=5.0, max_turns=3)


def overwrite(
    settings: Settings, table: Table, change: Callable[[list[dict[str, Any]]], None]
) -> None:
    """Rewrite a live table as if older rules had filled it."""
    rows = lake.read(settings.pipeline.lake, table).to_pylist()
    change(rows)
    path = lake.table_path(settings.pipeline.lake, table)
    changed = pa.Table.from_pylist(rows, arrow_schema(table.record))
    write_deltalake(path, changed, mode="overwrite")


def versions(settings: Settings) -> list[int | None]:
    return [lake.current_version(settings.pipeline.lake, t) for t in (TURNS, CONVERSATIONS)]


@pytest.mark.slow
def test_a_backfill_reports_what_todays_rules_change_and_merges_it_once(
    spark: SparkSession, empty_topics: str, secret: bytes, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    settings = served_by(settings_in(tmp_path, idle_close_s=0.0, close_grace_s=0.0), empty_topics)
    now = datetime.now(UTC)
    events = simulate(5, TOLD, start=now - span(TOLD)).events
    publish(settings, events)
    run_once(spark, settings, secret)
    letters = len(dead_letters(settings.kafka, "raw.chat"))
    wanted = Range(now - timedelta(hours=1), now + timedelta(hours=1))
    later = now + timedelta(hours=2)

    same = backfill(spark, settings, secret, wanted, tmp_path / "same", now=later)
    assert not same.differs, same
    assert same.turns.same > len(events) / 2
    assert same.reread == len(events)
    assert same.conversations.same >= TOLD
    assert same.beyond_retention == same.still_open == 0

    def older_conversations(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["category"] = "OLD"

    def older_turns(rows: list[dict[str, Any]]) -> None:
        said = [r for r in rows if r["text"] and r["verdict"] == "accepted"]
        said[0]["text"] = "as it was read then"
        lost = dict(rows[0], source={**rows[0]["source"], "offset": 10**6}, turn_id="turn-lost")
        rows.append(lost)

    overwrite(settings, CONVERSATIONS, older_conversations)
    overwrite(settings, TURNS, older_turns)
    before = versions(settings)
    folder = tmp_path / "changed"
    found = backfill(spark, settings, secret, wanted, folder, now=later)
    assert found.differs
    assert found.turns.reasons == {"text": 1}
    assert found.conversations.reasons["category"] == found.conversations.changed
    assert found.conversations.changed == same.conversations.same
    assert found.beyond_retention == 1
    assert versions(settings) == before, "the live tables were written"
    assert len(dead_letters(settings.kafka, "raw.chat")) == letters

    capsys.readouterr()
    assert merge(spark, settings, folder, as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["appended"] == found.conversations.changed
    merge(spark, settings, folder, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "appended": 0, "went_on_since": 0, "is_merged_already": True,
    }  # fmt: skip
    rows = lake.read(settings.pipeline.lake, CONVERSATIONS).to_pylist()
    newest = {r["conversation_id"]: r for r in sorted(rows, key=lambda r: r["version"])}
    assert all(r["category"] != "OLD" for r in newest.values())
    assert len(rows) == before_rows(found) + found.conversations.changed


def before_rows(found: Any) -> int:
    return int(found.conversations.changed + found.conversations.same + found.conversations.gone)


def row(minute: float, **changes: Any) -> dict[str, Any]:
    """A stored turn as the table has it."""
    at = MOMENT + timedelta(minutes=minute)
    turn = {
        "turn_id": f"t-{minute}", "tenant": "acme", "channel": "chat", "role": "customer",
        "text": "Hello.", "sent_us": int(at.timestamp() * 1e6), "is_closing": False,
        "authorship": "human", **changes,
    }  # fmt: skip
    return {"conversation_id": "ch-1", "ingested_at": at, "turn": json.dumps(turn)}


def cut(rows: list[dict[str, Any]], now_minute: float) -> list[tuple[str, int, str]]:
    now = MOMENT + timedelta(minutes=now_minute)
    return [(name, len(turns), why) for name, turns, why in _parts(rows, CLOSING, now)]


def test_a_full_conversation_goes_on_under_another_name() -> None:
    rows = [row(i) for i in range(5)]
    assert cut(rows, 60) == [("ch-1", 3, "capped"), ("ch-1.2", 2, "idle")]


def test_what_comes_after_a_forgotten_conversation_is_one_of_its_own() -> None:
    rows = [row(0), row(8 * 24 * 60, is_closing=True)]
    assert cut(rows, 9 * 24 * 60) == [("ch-1", 1, "idle"), ("ch-1.2", 1, "stated")]
    assert cut([row(0), row(6 * 24 * 60)], 9 * 24 * 60) == [("ch-1", 2, "idle")]


def test_a_conversation_that_may_go_on_is_left_out() -> None:
    assert cut([row(0)], 0.5) == []
    assert cut([row(0)], 1) == [("ch-1", 1, "idle")]
    assert cut([row(0, is_closing=True)], 0.5) == [("ch-1", 1, "stated")]


@pytest.mark.parametrize(
    ("since", "until", "problem"),
    [
        ("yesterday", "2026-03-02", "--since must be a time"),
        ("2026-03-02", None, "--until must be a time"),
        ("2026-03-02", "2026-03-01", "must be before"),
    ],
)
def test_a_wrong_range_is_refused(since: str, until: str | None, problem: str) -> None:
    with pytest.raises(SetupError, match=problem):
        Range.of(since, until)


def test_times_without_a_zone_are_utc() -> None:
    found = Range.of("2026-03-02T12:00", "2026-03-02T14:00+01:00")
    assert found == Range(MOMENT, MOMENT + timedelta(hours=1))


def test_a_folder_that_is_live_or_used_or_unfinished_is_refused(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with pytest.raises(SetupError, match="apart from the live tables"):
        refuse_folder(tmp_path / "lake" / "shadow", settings, is_new=True)
    used = tmp_path / "used"
    used.mkdir()
    refuse_folder(used, settings, is_new=True)
    (used / "file").touch()
    with pytest.raises(SetupError, match="not empty"):
        refuse_folder(used, settings, is_new=True)
    with pytest.raises(SetupError, match="no finished backfill"):
        refuse_folder(used, settings, is_new=False)
