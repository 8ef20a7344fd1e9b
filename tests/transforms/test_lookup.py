"""The index of events and mails says what the table holds, whatever happened to either."""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from deskwheel import lake
from deskwheel.records import IntakeVerdict, Turn
from deskwheel.schema import to_table
from deskwheel.tables import TURNS
from tests.places import settings_in
from tests.transforms import toys
from tests.transforms.toys import chat, mail
from transforms.intakes import TURNS_INTAKE
from transforms.lookup import KEPT_BEYOND, MOST_PER_KEY, open_lookup
from transforms.session import spark_schema, write_once
from transforms.threads import Mail

TOPIC = "raw.chat"
(TOY,) = toys.turns(chat())
LONG_AGO = toys.NOW - timedelta(days=400)


def event(number: int, *, at: datetime = toys.NOW, verdict: IntakeVerdict = "accepted") -> Turn:
    return replace(
        TOY, event_id=f"e-{number}", turn_id=f"t-{number}", ingested_at=at, verdict=verdict,
        source=replace(TOY.source, topic=TOPIC, offset=number),
    )  # fmt: skip


def letter(number: int, *keys: str, at: datetime = toys.NOW) -> Turn:
    turn = toys.turns(mail(Message_ID=f"<{number}@example.com>"))[0]
    return replace(turn, conversation_id=f"c-{number}", thread_keys=keys, ingested_at=at,
                   sent_at=toys.NOW + timedelta(seconds=number))  # fmt: skip


def append(folder: Path, rows: Sequence[Turn]) -> None:
    lake.append(settings_in(folder).pipeline.lake, TURNS, to_table(rows, Turn))


def known(
    folder: Path, numbers: Iterable[int], *, since: datetime = LONG_AGO, now: datetime = toys.NOW
) -> set[int]:
    """Which of these events the table is said to have accepted since then."""
    lookup = open_lookup(settings_in(folder), TURNS_INTAKE, now=now)
    found = lookup.accepted({(TOPIC, f"e-{n}") for n in numbers}, since=since)
    return {int(name.removeprefix("e-")) for _, name in found}


def mails(folder: Path, *keys: str, since: datetime = LONG_AGO) -> list[Mail]:
    return open_lookup(settings_in(folder), TURNS_INTAKE, now=toys.NOW).mails(keys, since=since)


def table_of(folder: Path) -> DeltaTable:
    found = lake.open_table(settings_in(folder).pipeline.lake, TURNS)
    assert found is not None
    return found


def index_of(folder: Path) -> Path:
    return Path(settings_in(folder).transforms.checkpoint_dir) / "turns.lookup"


def test_without_a_table_nothing_is_known_and_no_file_is_made(tmp_path: Path) -> None:
    assert known(tmp_path, range(3)) == set()
    assert not any(tmp_path.iterdir())


@settings(max_examples=12, deadline=None)
@given(st.lists(
    st.tuples(st.sampled_from(["append", "reject", "merge", "delete", "lose"]), st.integers(0, 5)),
    max_size=6,
))  # fmt: skip
def test_the_index_says_what_the_table_holds(steps: list[tuple[str, int]]) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        append(folder, [event(9)])
        held = {9}
        for step, number in steps:
            if step == "append":
                append(folder, [event(number)])
                held.add(number)
            elif step == "reject":
                append(folder, [event(number + 20, verdict="rejected")])
            elif step == "merge":
                lake.compact(settings_in(folder).pipeline.lake, TURNS)
            elif step == "delete":
                table_of(folder).delete(f"event_id = 'e-{number}'")
                held.discard(number)
            else:
                shutil.rmtree(index_of(folder), ignore_errors=True)
            if number % 2:
                assert known(folder, range(30)) == held
        assert known(folder, range(30)) == held


def test_files_that_were_read_once_are_not_read_again(tmp_path: Path) -> None:
    append(tmp_path, [event(1)])
    assert known(tmp_path, range(3)) == {1}
    (old,) = table_of(tmp_path).file_uris()
    append(tmp_path, [event(2)])
    Path(old).unlink()
    assert known(tmp_path, range(3)) == {1, 2}


def test_a_file_that_was_merged_and_cleaned_away_before_it_was_read_is_no_loss(
    tmp_path: Path,
) -> None:
    append(tmp_path, [event(1)])
    assert known(tmp_path, range(3)) == {1}
    append(tmp_path, [event(2)])
    lake.compact(settings_in(tmp_path).pipeline.lake, TURNS)
    table_of(tmp_path).vacuum(0, dry_run=False, enforce_retention_duration=False)
    assert known(tmp_path, range(3)) == {1, 2}


def test_a_table_made_anew_with_the_same_version_is_noticed(tmp_path: Path) -> None:
    append(tmp_path, [event(1)])
    assert known(tmp_path, range(3)) == {1}
    shutil.rmtree(settings_in(tmp_path).pipeline.lake)
    append(tmp_path, [event(2)])
    assert known(tmp_path, range(3)) == {2}


@pytest.mark.parametrize("name", ["manifest.json", "*.arrow"])
@pytest.mark.parametrize("broken", [b"no index at all " * 99, b"", None])
def test_a_broken_index_is_made_anew(tmp_path: Path, name: str, broken: bytes | None) -> None:
    append(tmp_path, [event(1)])
    assert known(tmp_path, range(3)) == {1}
    (file,) = index_of(tmp_path).glob(name)
    file.unlink() if broken is None else file.write_bytes(broken)
    assert known(tmp_path, range(3)) == {1}


def test_an_id_of_another_topic_is_another_event(tmp_path: Path) -> None:
    append(tmp_path, [event(1)])
    lookup = open_lookup(settings_in(tmp_path), TURNS_INTAKE, now=toys.NOW)
    assert not lookup.accepted({("raw.call", "e-1")}, since=LONG_AGO)


def test_the_newest_time_of_an_event_counts(tmp_path: Path) -> None:
    day = timedelta(days=1)
    append(tmp_path, [event(1), event(2)])
    append(tmp_path, [event(1, at=toys.NOW + 9 * day)])
    append(tmp_path, [event(1, at=toys.NOW + 2 * day)])
    assert known(tmp_path, range(3), since=toys.NOW + 9 * day) == {1}
    assert known(tmp_path, range(3), since=toys.NOW) == {1, 2}


def test_what_nobody_asks_for_any_more_goes_with_the_next_rows(tmp_path: Path) -> None:
    append(tmp_path, [event(1), letter(2, "i-2")])
    horizon = timedelta(hours=settings_in(tmp_path).transforms.dedup_horizon_h)
    at_last = toys.NOW + horizon + KEPT_BEYOND
    for late_s, left in ((0, {1}), (1, set())):
        append(tmp_path, [event(10 + 9 * late_s + n, at=at_last) for n in range(9)])
        assert known(tmp_path, [1], now=at_last + timedelta(seconds=late_s)) == left
    assert [m.conversation_id for m in mails(tmp_path, "r-2")] == ["c-2"], "its horizon is longer"


def test_a_key_finds_the_mails_of_its_space_alone(tmp_path: Path) -> None:
    append(tmp_path, [letter(1, "i-a"), letter(2, "r-a", "i-b"), letter(3, "t-a"), letter(4, "q-a"),
                      letter(5, "s-a")])  # fmt: skip
    for key, found in {"r-a": "12", "i-b": "2", "t-a": "3", "s-a": "45", "q-c": ""}.items():
        assert sorted(m.conversation_id for m in mails(tmp_path, key)) == [f"c-{n}" for n in found]


def test_of_a_key_that_all_mails_share_the_newest_are_looked_at(tmp_path: Path) -> None:
    many = 3 * MOST_PER_KEY
    early = letter(0, "i-1", at=toys.NOW - timedelta(hours=2))
    append(tmp_path, [*(letter(n, "i-1", f"i-{n}x") for n in range(many)), early])
    found = mails(tmp_path, "i-1", "i-7x", since=toys.NOW - timedelta(hours=1))
    newest = [m.conversation_id for m in found if m.keys == ("i-1",)]
    assert newest == [f"c-{n}" for n in reversed(range(many - MOST_PER_KEY, many))]
    assert [m for m in found if m.keys != ("i-1",)] == [
        Mail("c-7", toys.NOW + timedelta(seconds=7), ("i-7x",))
    ]


def test_no_id_of_an_event_is_readable_in_the_file(tmp_path: Path) -> None:
    append(tmp_path, [replace(event(1), event_id="robin@example.com")])
    known(tmp_path, [1])
    assert not any(b"robin" in file.read_bytes() for file in index_of(tmp_path).iterdir())


def test_rows_that_spark_wrote_are_known(spark: SparkSession, tmp_path: Path) -> None:
    folder = lake.ensure(settings_in(tmp_path).pipeline.lake, TURNS).parent
    rows = to_table([event(1), letter(2, "i-2")], Turn)
    frame = spark.createDataFrame(rows, spark_schema(Turn))
    write_once(frame, folder, TURNS, app_id="t:1", batch_id=0, metadata={})
    assert known(tmp_path, range(3), since=toys.NOW) == {1}
    assert mails(tmp_path, "i-2") == [Mail("c-2", toys.NOW + timedelta(seconds=2), ("i-2",))]
