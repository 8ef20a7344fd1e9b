"""Mails into threads that earlier micro-batches began, with Spark and the table `turns`."""

from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from deskwheel import lake
from deskwheel.tables import TURNS
from tests.places import settings_in
from tests.transforms import toys
from tests.transforms.test_intake import Table, record
from tests.transforms.toys import chat, mail, outcome
from transforms.intakes import TURNS_INTAKE
from transforms.parse.model import RawEvent


def first(n: int, **headers: str) -> RawEvent:
    return mail(Message_ID=f"<{n}@example.com>", Subject=f"Lamp {n}", **headers)


def lost(n: int, of: int) -> RawEvent:
    """A reply that lost its headers."""
    return mail(Message_ID=f"<{n}@example.com>", Subject=f"Re: Lamp {of}",
                Date="Mon, 02 Mar 2026 11:30:00 +0000")  # fmt: skip


def to(n: int, of: int) -> RawEvent:
    return mail(Message_ID=f"<{n}@example.com>", In_Reply_To=f"<{of}@example.com>",
                Date="Mon, 02 Mar 2026 11:40:00 +0000")  # fmt: skip


def rated(name: str, conversation: str, **changes: str) -> RawEvent:
    return outcome(outcome_id=name, channel="email", customer_id="robin@example.com",
                   conversation_id=conversation, **changes)  # fmt: skip


@pytest.fixture(scope="module")
def threads(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Conversation by message id, after batches that continue each other's threads."""
    settings = settings_in(tmp_path_factory.mktemp("threads"), thread_horizon_h=10.0)
    lake.ensure(settings.pipeline.lake, TURNS)
    table = Table(spark, settings, TURNS_INTAKE)
    table.write([record(first(1), 0), record(first(2), 1), record(to(9, 8), 2)], 0)
    second = [record(lost(3, of=1), 3), record(lost(3, of=1), 4), record(chat(), 0)]
    table.write(second, 1)
    table.write(second, 1)
    table.write([record(to(4, of=3), 5), record(lost(5, of=7), 6), record(first(8), 7)], 2)
    later = toys.NOW + timedelta(hours=11)
    table.write([record(lost(6, of=2), 8, at=later)], 3)
    told = [rated("root", "<1@example.com>"), rated("lost", "3@example.com"),
            rated("ticket", "T-7"), rated("nobody", "<77@example.com>")]  # fmt: skip
    table.write([record(first(70, X_Ticket_ID="T-7"), 9)], 4)
    table.write([record(event, n) for n, event in enumerate(told)], 5)
    rows = table.rows()
    assert len(rows) == 15, "a replayed batch adds nothing"
    return {
        r["event_id"].partition("@")[0].lstrip("<"): r["conversation_id"]
        for r in rows
        if r["verdict"] == "accepted"
    }


def test_a_reply_without_headers_is_in_the_thread_of_an_earlier_batch(
    threads: dict[str, str],
) -> None:
    assert threads["3"] == threads["1"] != threads["2"]


def test_a_reply_to_the_lost_reply_is_in_its_thread(threads: dict[str, str]) -> None:
    assert threads["4"] == threads["1"]


def test_the_thread_s_first_mail_may_come_last(threads: dict[str, str]) -> None:
    assert threads["8"] == threads["9"]


def test_what_nobody_knows_is_a_thread_of_its_own(threads: dict[str, str]) -> None:
    assert len({threads[n] for n in ("1", "2", "5", "8")}) == 4


def test_an_outcome_is_in_the_thread_that_its_mail_or_ticket_was_found_in(
    threads: dict[str, str],
) -> None:
    assert threads["root"] == threads["lost"] == threads["1"]
    assert threads["ticket"] == threads["70"] != threads["1"]
    assert threads["nobody"] not in {threads[n] for n in ("1", "2", "5", "8", "70")}


def test_beyond_the_horizon_nothing_is_looked_up(threads: dict[str, str]) -> None:
    assert threads["6"] != threads["2"]


def test_the_table_keeps_hashes_of_subjects_and_ids(spark: SparkSession, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    lake.ensure(settings.pipeline.lake, TURNS)
    table = Table(spark, settings, TURNS_INTAKE)
    table.write([record(mail(Subject="Re: divorce papers", References="<a-secret@x>"), 0)], 0)
    (row,) = table.rows()
    assert len(row["thread_keys"]) == 3
    assert not any(word in repr(row["thread_keys"]) for word in ("divorce", "secret", "robin"))
