"""Which rows of a batch are duplicates or belong to another thread, by Arrow and by Spark."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from deskwheel import lake
from deskwheel.records import Turn
from deskwheel.schema import arrow_schema, to_table
from deskwheel.tables import TURNS
from tests.places import settings_in
from tests.transforms import toys
from tests.transforms.toys import call, chat, mail
from transforms.changes import Changes, Facts, changed_frame, changed_table, find_changes
from transforms.intakes import TURNS_INTAKE
from transforms.session import spark_schema, write_once

EMPTIED = ("text", "shadow_text", "draft_text", "disfluencies", "cuts", "notes", "emoji")


def placed(turns: Sequence[Turn], offset: int, *, partition: int = 0) -> list[Turn]:
    """The rows of an event at another place of its topic."""
    at = replace(turns[0].source, topic=f"raw.{turns[0].channel}", partition=partition,
                 offset=offset)  # fmt: skip
    return [replace(turn, source=at) for turn in turns]


def table_of(*events: Sequence[Turn]) -> pa.Table:
    return to_table([turn for turns in events for turn in turns], Turn)


def changed(rows: pa.Table, folder: Path) -> list[dict[str, Any]]:
    """The rows with the changes that are found over a table in the folder."""
    facts = Facts.of(rows, TURNS_INTAKE)
    changes = find_changes(facts, settings_in(folder), TURNS_INTAKE)
    found = changed_table(rows, facts, changes, TURNS_INTAKE)
    assert found.schema == arrow_schema(Turn)
    return list(found.to_pylist())


def test_the_first_offset_of_an_event_stays_and_a_later_one_is_a_row_without_text(
    tmp_path: Path,
) -> None:
    rows = table_of(placed(toys.turns(call()), 9), placed(toys.turns(call()), 4, partition=2),
                    placed(toys.turns(chat()), 0))  # fmt: skip
    found = changed(rows, tmp_path)
    (again,) = (row for row in found if row["source"]["partition"] == 2)
    assert (again["verdict"], again["reason"], again["position"]) == (
        "duplicate", "DUPLICATE_EVENT", 0
    )  # fmt: skip
    assert [again[name] for name in EMPTIED] == [None] * len(EMPTIED)
    others = [row for row in found if row is not again]
    assert {row["verdict"] for row in others} == {"accepted"}
    assert len(others) == rows.num_rows - len(toys.turns(call()))


def test_an_event_that_the_table_accepted_before_is_a_duplicate_within_the_horizon(
    tmp_path: Path,
) -> None:
    folder = settings_in(tmp_path).pipeline.lake
    before = table_of(placed(toys.turns(chat()), 0))
    lake.append(folder, TURNS, before)
    late = toys.NOW + timedelta(days=30)
    for at, verdict in ((toys.NOW, "duplicate"), (late, "accepted")):
        (turn,) = placed(toys.turns(chat()), 7)
        (row,) = changed(table_of([replace(turn, ingested_at=at)]), tmp_path)
        assert row["verdict"] == verdict


def test_a_rejected_event_is_nobody_s_duplicate(tmp_path: Path) -> None:
    twice = [placed(toys.turns(mail(Precedence="bulk")), n) for n in (0, 1)]
    assert [row["verdict"] for row in changed(table_of(*twice), tmp_path)] == ["rejected"] * 2


def test_a_reply_is_in_the_thread_of_the_mail_that_came_with_it(tmp_path: Path) -> None:
    first = placed(toys.turns(mail(Message_ID="<1@x>", Subject="Lamp")), 0)
    lost = placed(toys.turns(mail(Message_ID="<2@x>", Subject="Re: Lamp",
                                  Date="Mon, 02 Mar 2026 11:30:00 +0000")), 1)  # fmt: skip
    found = changed(table_of(first, lost), tmp_path)
    assert {row["conversation_id"] for row in found} == {first[0].conversation_id}


def test_without_rows_nothing_changes(tmp_path: Path) -> None:
    facts = Facts.of(table_of(), TURNS_INTAKE)
    assert find_changes(facts, settings_in(tmp_path), TURNS_INTAKE) == Changes()


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=8, unique=True))
def test_each_event_is_accepted_once_and_each_offset_has_a_row(
    places: list[tuple[int, int]],
) -> None:
    events = [
        placed(toys.turns(chat(message_id=f"m-{offset % 2}")), offset, partition=partition)
        for partition, offset in places
    ]
    rows = table_of(*events)
    facts = Facts.of(rows, TURNS_INTAKE)
    changes = find_changes(facts, settings_in(Path("/nonexistent")), TURNS_INTAKE)
    found = changed_table(rows, facts, changes, TURNS_INTAKE).to_pylist()
    accepted = [row for row in found if row["verdict"] == "accepted"]
    assert len({row["event_id"] for row in accepted}) == len(accepted)
    assert {row["event_id"] for row in found} == {row["event_id"] for row in accepted}
    told = sorted((row["source"]["partition"], row["source"]["offset"]) for row in found)
    assert told == sorted(places)
    for row in accepted:
        twins = [r["source"] for r in found if r["event_id"] == row["event_id"]]
        first = min((s["partition"], s["offset"]) for s in twins)
        assert first == (row["source"]["partition"], row["source"]["offset"])


@pytest.mark.kafka
def test_spark_changes_what_arrow_does(spark: SparkSession, tmp_path: Path) -> None:
    rows = table_of(
        placed(toys.turns(call()), 9), placed(toys.turns(call()), 4, partition=2),
        placed(toys.turns(mail(Message_ID="<1@x>", Subject="Lamp")), 0),
        placed(toys.turns(mail(Message_ID="<2@x>", Subject="Re: Lamp",
                               Date="Mon, 02 Mar 2026 11:30:00 +0000")), 1),
    )  # fmt: skip
    facts = Facts.of(rows, TURNS_INTAKE)
    changes = find_changes(facts, settings_in(tmp_path), TURNS_INTAKE)
    assert changes.duplicates
    assert changes.threads
    frame = spark.createDataFrame(rows, spark_schema(Turn))
    by_spark = changed_frame(frame, changes, TURNS_INTAKE).toArrow().cast(arrow_schema(Turn))
    by_arrow = changed_table(rows, facts, changes, TURNS_INTAKE)
    assert sorted(map(repr, by_spark.to_pylist())) == sorted(map(repr, by_arrow.to_pylist()))


def test_a_batch_in_arrow_is_written_once_and_says_so_like_spark_s(tmp_path: Path) -> None:
    rows = table_of(placed(toys.turns(chat()), 0))
    for batch in (0, 0, 1, 0):
        write_once(rows, tmp_path, TURNS, app_id="t:1", batch_id=batch, metadata={"n": batch})
    told = [(c["app"], c["batch"], c["n"]) for c in lake.commits(tmp_path, TURNS)]
    assert told == [("t:1", 0, 0), ("t:1", 1, 1)]
    assert lake.read(tmp_path, TURNS).num_rows == 2 * rows.num_rows
