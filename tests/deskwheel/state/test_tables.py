import pytest
import sqlalchemy as sa

from deskwheel.errors import StateError
from deskwheel.state import Fence, State
from deskwheel.state.tables import METADATA
from tests.deskwheel.state.at_once import at_once

FIRST_RELEASE = """
CREATE TABLE timeline (
    id {serial} NOT NULL PRIMARY KEY, at VARCHAR NOT NULL, pipeline VARCHAR NOT NULL,
    kind VARCHAR NOT NULL, subject VARCHAR NOT NULL, detail TEXT NOT NULL);
CREATE TABLE windows (
    pipeline VARCHAR NOT NULL, from_version INTEGER NOT NULL, to_version INTEGER NOT NULL,
    phase VARCHAR NOT NULL, owner VARCHAR NOT NULL, claimed_at VARCHAR NOT NULL,
    snapshot_id VARCHAR, run_id VARCHAR, detail TEXT NOT NULL,
    PRIMARY KEY (pipeline, from_version));
CREATE TABLE leases (
    name VARCHAR NOT NULL, owner VARCHAR NOT NULL, token INTEGER NOT NULL,
    expires FLOAT NOT NULL, PRIMARY KEY (name));
CREATE TABLE documents (
    kind VARCHAR NOT NULL, id VARCHAR NOT NULL, revision INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (kind, id));
INSERT INTO windows VALUES
    ('support', 0, 3, 'submitted', 'old/1', '2026-01-01T00:00:00.000+00:00', 's', 'r', '{{}}');
INSERT INTO leases VALUES ('watch', 'old/1', 7, 0);
INSERT INTO documents VALUES ('split', 'support', 4, '{{"share": 0.5}}')
"""
"""Tables as releases before `state_schema` made them, and what stood in them."""

OLD_CLAIM = (
    "INSERT INTO windows (pipeline, from_version, to_version, phase, owner, claimed_at, detail)"
    " VALUES ('support', 4, 5, 'claimed', 'old/1', '2026-01-01', '{}')"
)


def execute(url: str, *statements: str) -> None:
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture
def old_url(database_url: str) -> str:
    serial = "SERIAL" if database_url.startswith("postgresql") else "INTEGER"
    execute(database_url, *FIRST_RELEASE.format(serial=serial).split(";"))
    return database_url


def test_a_database_of_an_earlier_release_keeps_its_rows_and_gets_what_is_new(old_url: str) -> None:
    state = State(old_url)
    (window,) = state.windows("support")
    assert (window["run_id"], window["attempts"], window["reason"]) == ("r", 0, None)
    assert state.get("split", "support") == ({"share": 0.5}, 4)
    assert state.acquire_lease("watch", "new/1", 60.0) == 8
    fence = Fence("watch", 8)
    state.advance_window("support", 0, expect="submitted", phase="held", reason="why", fence=fence)
    state.record("support", "held", "window 0", {})
    assert [entry["id"] for entry in state.timeline("support")] == [1]
    state.close()


def test_processes_that_start_together_change_the_tables_once(old_url: str) -> None:
    seen = at_once(old_url, 6, lambda mine, _: [w["attempts"] for w in mine.windows("support")])
    assert seen == [[0]] * 6


def test_an_earlier_release_still_works_on_the_new_tables(old_url: str) -> None:
    state = State(old_url)
    execute(old_url, OLD_CLAIM)
    assert [w["attempts"] for w in state.windows("support")] == [0, 0]
    state.close()


def test_every_column_that_came_later_can_be_left_out() -> None:
    old = FIRST_RELEASE.format(serial="INTEGER")
    later = [
        column
        for table in METADATA.sorted_tables
        for column in table.columns
        if f" {column.name} " not in old and table.name != "state_schema"
    ]
    assert {column.name for column in later} == {
        "attempts", "reason", "model_version", "moved_by", "ttl_s",
    }  # fmt: skip
    assert all(column.nullable or column.server_default is not None for column in later)


def test_tables_of_a_newer_release_are_not_touched(database_url: str) -> None:
    State(database_url).close()
    execute(database_url, "INSERT INTO state_schema VALUES (99)")
    with pytest.raises(StateError, match="version 99"):
        State(database_url)
