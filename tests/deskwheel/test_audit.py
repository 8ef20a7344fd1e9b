import json
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deskwheel import lake, laws
from deskwheel.audit import Audit, conservation, render, repeated_audit, run
from deskwheel.errors import SetupError
from deskwheel.settings import Settings
from deskwheel.tables import CONVERSATIONS, EXAMPLES, FEEDBACK, TURNS, VALIDATED
from tests.deskwheel.rows import rows_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def turn(offset: int, verdict: str = "accepted", **changes: Any) -> dict[str, Any]:
    source = {"topic": "raw.chat", "partition": 0, "offset": offset}
    return {"source": source, "verdict": verdict, "channel": "chat", **changes}


def write_turns(lake_path: Path, *turns: dict[str, Any]) -> None:
    lake.append(lake_path, TURNS, rows_of(TURNS, list(turns)))


def audited(lake_path: Path, end: int, begin: int = 0) -> Audit:
    return conservation(lake_path, {"raw.chat": {0: (begin, end)}})


def test_every_offset_with_one_verdict_is_balanced(tmp_path: Path) -> None:
    write_turns(
        tmp_path,
        turn(0),
        turn(0, position=1),
        turn(0, position=1, is_closing=True),
        turn(1, "rejected"),
        turn(2, "duplicate"),
        turn(3),
    )
    audit = audited(tmp_path, 4)
    (row,) = audit.partitions
    assert (row.accepted, row.rejected, row.duplicate) == (2, 1, 1)
    assert audit.is_balanced
    assert render(audit).endswith("balanced: every event and every example is accounted for once")


def test_hole_is_lost_and_named(tmp_path: Path) -> None:
    write_turns(tmp_path, turn(0), turn(2))
    audit = audited(tmp_path, 3)
    assert audit.partitions[0].missing == 1
    assert audit.unaccounted == 1
    assert audit.problems == ("raw.chat/0: 1 offsets (1) in Kafka, in no row",)
    assert "NOT balanced: 1 unaccounted" in render(audit)


def test_offsets_beyond_the_last_row_are_pending_not_lost(tmp_path: Path) -> None:
    write_turns(tmp_path, turn(0), turn(1))
    audit = audited(tmp_path, 5)
    assert (audit.partitions[0].missing, audit.partitions[0].pending) == (0, 3)
    assert audit.is_lawful
    assert not audit.is_balanced
    assert render(audit).endswith("balanced so far: 3 pending, nothing lost or counted twice")


def test_event_read_twice_is_a_problem(tmp_path: Path) -> None:
    write_turns(tmp_path, turn(0), turn(1), turn(1))
    audit = audited(tmp_path, 2)
    assert audit.problems == ("raw.chat/0: 1 offsets (1) read twice",)
    assert not audit.is_balanced


def test_offset_with_two_verdicts_is_a_problem(tmp_path: Path) -> None:
    write_turns(tmp_path, turn(0), turn(0, "rejected", position=1))
    assert audited(tmp_path, 1).problems == ("raw.chat/0: 1 offsets (0) with two verdicts",)


def test_partition_that_kafka_does_not_know_is_a_problem(tmp_path: Path) -> None:
    write_turns(tmp_path, turn(0))
    audit = conservation(tmp_path, {"raw.email": {0: (0, 0)}})
    assert audit.problems == ("raw.chat/0: 1 events in rows, unknown to Kafka",)


def test_expired_and_newer_offsets_do_not_count(tmp_path: Path) -> None:
    write_turns(tmp_path, *(turn(offset) for offset in range(6)))
    audit = audited(tmp_path, 5, begin=2)
    (row,) = audit.partitions
    assert (row.offsets, row.accepted, row.expired) == (3, 3, 2)
    assert audit.is_balanced


def test_partition_with_retention_and_nothing_read_is_all_pending(tmp_path: Path) -> None:
    assert audited(tmp_path, 9, begin=4).partitions[0].pending == 5


def test_feedback_is_counted_against_its_own_table(tmp_path: Path) -> None:
    source = {"topic": "feedback", "partition": 1, "offset": 0}
    row = {"source": source, "verdict": "rejected"}
    lake.append(tmp_path, FEEDBACK, rows_of(FEEDBACK, [row]))
    audit = conservation(tmp_path, {"feedback": {1: (0, 1)}, "deskwheel.events": {0: (0, 9)}})
    assert [(r.topic, r.rejected) for r in audit.partitions] == [("feedback", 1)]
    assert audit.is_balanced


def test_examples_need_one_verdict_each(tmp_path: Path) -> None:
    names = ["a", "b", "c"]
    lake.append(tmp_path, EXAMPLES, rows_of(EXAMPLES, [{"example_id": n} for n in names]))
    verdicts = [
        {"example_id": "a", "verdict": "valid"},
        {"example_id": "b", "verdict": "quarantined"},
        {"example_id": "gone", "verdict": "erased"},
    ]
    lake.append(tmp_path, VALIDATED, rows_of(VALIDATED, verdicts))
    audit = conservation(tmp_path, {})
    assert audit.examples.pending == 1
    assert audit.examples.verdicts == {"valid": 1, "quarantined": 1, "erased": 1}
    assert not audit.problems
    lake.append(tmp_path, VALIDATED, rows_of(VALIDATED, [*verdicts[:1], {"example_id": "who"}]))
    assert len(conservation(tmp_path, {}).problems) == 2


def test_empty_lake_without_events_is_balanced(tmp_path: Path) -> None:
    audit = audited(tmp_path, 0)
    assert audit.is_balanced
    assert audit.to_dict()["unaccounted"] == 0


def test_a_gap_is_named_by_its_ends_and_the_first_rows_may_be_missing(tmp_path: Path) -> None:
    write_turns(tmp_path, turn(3), turn(9))
    audit = audited(tmp_path, 10, begin=1)
    assert audit.partitions[0].missing == 7
    assert audit.breaches["EVENT_LOST"] == [
        {"topic": "raw.chat", "part": 0, "first_missing": 1, "last_missing": 2},
        {"topic": "raw.chat", "part": 0, "first_missing": 4, "last_missing": 8},
    ]
    assert audit.problems == ("raw.chat/0: 7 offsets (1-2, 4-8) in Kafka, in no row",)


def test_a_conversation_version_that_stands_twice_is_a_problem(tmp_path: Path) -> None:
    versions = [{"conversation_id": "c", "version": v} for v in (1, 2, 2)]
    lake.append(tmp_path, CONVERSATIONS, rows_of(CONVERSATIONS, versions))
    audit = conservation(tmp_path, {})
    assert audit.problems == ("conversations: 1 versions stand twice (c)",)


def test_one_content_may_be_valid_once_of_each_kind(tmp_path: Path) -> None:
    rows = [
        {"example_id": i, "verdict": v, "kind": k, "content_hash": "h"}
        for i, v, k in (
            ("a", "valid", "ideal"),
            ("b", "duplicate", "ideal"),
            ("c", "valid", "negative"),
            ("d", "valid", "ideal"),
        )
    ]
    lake.append(tmp_path, EXAMPLES, rows_of(EXAMPLES, [{"example_id": i} for i in "abcd"]))
    lake.append(tmp_path, VALIDATED, rows_of(VALIDATED, rows[:3]))
    assert conservation(tmp_path, {}).is_lawful
    lake.append(tmp_path, VALIDATED, rows_of(VALIDATED, rows[3:]))
    assert list(conservation(tmp_path, {}).breaches) == ["CONTENT_VALID_TWICE"]


@pytest.mark.parametrize(
    ("group", "split", "law"),
    [("a", "train", "GROUP_VALID_TWICE"), ("b", "test", "CLUSTER_IN_TWO_SPLITS")],
)
def test_near_duplicates_have_one_valid_a_group_and_one_split_a_cluster(
    tmp_path: Path, group: str, split: str, law: str
) -> None:
    def row(name: str, **changes: str) -> dict[str, str]:
        plain = {"example_id": name, "verdict": "valid", "kind": "ideal", "content_hash": name}
        return {**plain, "cluster_id": "a", "group_id": "a", "split": "train", **changes}

    lake.append(tmp_path, EXAMPLES, rows_of(EXAMPLES, [{"example_id": i} for i in "abcd"]))
    lawful = [row("a"), row("b", group_id="b"), row("c", verdict="duplicate", split="dev")]
    lake.append(tmp_path, VALIDATED, rows_of(VALIDATED, lawful))
    assert conservation(tmp_path, {}).is_lawful
    broken = [row("d", group_id="d" if group == "b" else group, split=split)]
    lake.append(tmp_path, VALIDATED, rows_of(VALIDATED, broken))
    audit = conservation(tmp_path, {})
    assert list(audit.breaches) == [law]
    assert len(audit.problems) == 1


def test_an_audit_can_be_repeated_although_the_tables_went_on(
    tmp_path: Path, settings: Settings
) -> None:
    write_turns(tmp_path, turn(0))
    audit = audited(tmp_path, 2)
    write_turns(tmp_path, turn(0), turn(1))
    file = tmp_path / "audit.json"
    file.write_text(json.dumps(audit.to_dict()))
    here = replace(settings, pipeline=replace(settings.pipeline, lake=str(tmp_path)))
    assert repeated_audit(here, file) == audit
    assert audited(tmp_path, 2).breaches.keys() == {"EVENT_READ_TWICE"}
    file.write_text("{}")
    with pytest.raises(SetupError, match="audit --json"):
        repeated_audit(here, file)


def test_what_is_pending_fails_only_those_who_waited(
    tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    write_turns(tmp_path, turn(0), turn(1))
    here = replace(settings, pipeline=replace(settings.pipeline, lake=str(tmp_path)))
    file = tmp_path / "audit.json"

    def status(end: int, *, wait: float = 0.0) -> int:
        file.write_text(json.dumps(audited(tmp_path, end).to_dict()))
        asked = Namespace(repeat=str(file), wait=wait, sql=False, json=True)
        return run(here, asked)

    assert status(2, wait=1) == 0
    assert status(3) == 0
    assert status(3, wait=1) == 1
    write_turns(tmp_path, turn(1))
    assert status(2) == 1
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["breaches"]["EVENT_READ_TWICE"][0]["pos"] == 1


def broken_lake(tmp_path: Path) -> laws.Offsets:
    """A lake that breaks every law, and the offsets to audit it by."""
    write_turns(
        tmp_path,
        *(turn(0), turn(2), turn(2), turn(3), turn(3, "rejected", position=1), turn(4)),
        turn(0, source={"topic": "raw.fax", "partition": 7, "offset": 5}),
    )
    feedback = {"source": {"topic": "feedback", "partition": 0, "offset": 0}, "verdict": "accepted"}
    lake.append(tmp_path, FEEDBACK, rows_of(FEEDBACK, [feedback]))
    twice = [{"conversation_id": "c", "version": 1}] * 2
    lake.append(tmp_path, CONVERSATIONS, rows_of(CONVERSATIONS, twice))
    lake.append(tmp_path, EXAMPLES, rows_of(EXAMPLES, [{"example_id": i} for i in "abp"]))
    verdicts = [
        {
            "example_id": i, "verdict": "valid", "kind": "ideal", "content_hash": "h",
            "cluster_id": "a", "group_id": "a", "split": "dev" if i == "s" else "train",
        }
        for i in "aabs"
    ]  # fmt: skip
    lake.append(tmp_path, VALIDATED, rows_of(VALIDATED, verdicts))
    return {"raw.chat": {0: (0, 7)}, "feedback": {0: (0, 1)}}


def test_every_law_can_be_broken(tmp_path: Path) -> None:
    audit = conservation(tmp_path, broken_lake(tmp_path))
    assert list(audit.breaches) == [law.name for law in laws.BREACHES]
    assert len(audit.problems) == len(laws.BREACHES)


@pytest.mark.kafka
def test_a_person_with_spark_sql_finds_the_same_rows(tmp_path: Path, spark: "SparkSession") -> None:
    offsets = broken_lake(tmp_path)
    audit = conservation(tmp_path, offsets)
    script = laws.script(tmp_path, audit.versions, audit.read_offsets)
    bare = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
    *views, last = [part.strip() for part in bare.split(";") if part.strip()]
    answers = []
    for part in (*views, last):
        found = spark.sql(part)
        if not part.startswith("CREATE"):
            answers.append([row.asDict() for row in found.collect()])
    found_in_spark = dict(zip((law.name for law in laws.BREACHES), answers[3:], strict=True))
    assert found_in_spark == dict(audit.breaches)
    (chat,) = [row for row in answers[0] if row["topic"] == "raw.chat"]
    (ours,) = [row for row in audit.partitions if row.topic == "raw.chat"]
    assert (chat["accepted"], chat["seen"]) == (
        ours.accepted,
        ours.offsets - ours.missing - ours.pending,
    )
