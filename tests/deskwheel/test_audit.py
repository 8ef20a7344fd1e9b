from pathlib import Path
from typing import Any

from deskwheel import lake
from deskwheel.audit import Audit, conservation, render
from deskwheel.tables import EXAMPLES, FEEDBACK, TURNS, VALIDATED
from tests.deskwheel.rows import rows_of


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
    assert not audit.problems
    assert not audit.is_balanced


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
    assert audit.problems == ("raw.chat/0: 1 offsets in turns, unknown to Kafka",)


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
