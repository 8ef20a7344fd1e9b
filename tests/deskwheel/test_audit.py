import json
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from deskwheel import lake, laws
from deskwheel.audit import conservation, render, repeated_audit, run
from deskwheel.errors import SetupError
from deskwheel.settings import Settings
from deskwheel.tables import CONVERSATIONS, EXAMPLES, FEEDBACK, TURNS, VALIDATED
from tests.deskwheel.audited import audited, turn, write_turns
from tests.deskwheel.rows import rows_of


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
    assert audit.problems == ("raw.chat/0: 1 offsets (1) in no row",)
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


def test_expired_offsets_count_and_newer_ones_do_not(tmp_path: Path) -> None:
    write_turns(tmp_path, *(turn(offset) for offset in range(6)))
    audit = audited(tmp_path, 5, begin=2)
    (row,) = audit.partitions
    assert (row.offsets, row.accepted, row.expired) == (5, 5, 2)
    assert audit.is_balanced


def test_what_is_missing_between_rows_is_lost_although_kafka_let_go_of_it(tmp_path: Path) -> None:
    write_turns(tmp_path, *(turn(offset) for offset in (0, 1, 5, 9, 10)))
    audit = audited(tmp_path, 11, begin=9)
    assert audit.problems == ("raw.chat/0: 6 offsets (2-4, 6-8) in no row",)
    assert audit.partitions[0].missing == 6


def test_what_expired_behind_the_newest_row_stays_pending(tmp_path: Path) -> None:
    """A batch under way may have read it: only a row beyond it makes it lost."""
    write_turns(tmp_path, *(turn(offset) for offset in range(6)))
    audit = audited(tmp_path, 9, begin=9)
    assert (audit.is_lawful, audit.partitions[0].pending) == (True, 3)


def test_a_verdict_that_no_event_and_no_example_has_is_a_problem(tmp_path: Path) -> None:
    write_turns(tmp_path, turn(0), turn(1, "weird"))
    lake.append(tmp_path, EXAMPLES, rows_of(EXAMPLES, [{"example_id": "a"}]))
    odd = {"example_id": "a", "verdict": "pending"}
    lake.append(tmp_path, VALIDATED, rows_of(VALIDATED, [odd]))
    audit = audited(tmp_path, 2)
    assert (audit.partitions[0].accepted, audit.partitions[0].faulty) == (1, 1)
    assert (audit.examples.faulty, audit.examples.pending) == (1, 0)
    assert audit.breaches["EVENT_VERDICT_UNKNOWN"][0]["pos"] == 1
    assert audit.breaches["VERDICT_UNKNOWN"] == [odd]
    assert "examples: 1 candidates = 1 faulty + 0 pending" in render(audit)


@given(
    st.dictionaries(
        st.integers(0, 12), st.lists(st.sampled_from([*laws.EVENT_VERDICTS, "odd"]), max_size=2)
    ),
    st.integers(0, 8),
    st.integers(0, 6),
    st.integers(0, 14),
)
@settings_of_hypothesis(max_examples=15)
def test_offsets_add_up_whatever_the_rows_are(
    found: dict[int, list[str]], begin: int, more: int, read_end: int
) -> None:
    """The audit asserts the sum itself; what is missing is what the law names."""
    with TemporaryDirectory() as folder:
        rows = [turn(pos, v, position=n) for pos, of in found.items() for n, v in enumerate(of)]
        told = {"ranges": {"raw.chat/0": [0, read_end]}} if read_end else {}
        table = rows_of(TURNS, rows)
        lake.append_once(folder, TURNS, table, app_id="turns:1", batch_id=0, metadata=told)
        audit = audited(Path(folder), begin + more, begin)
    (row,) = audit.partitions
    gaps = audit.breaches.get("EVENT_LOST", ())
    assert row.missing == sum(g["last_missing"] + 1 - g["first_missing"] for g in gaps)
    assert min(row.missing, row.pending, row.faulty) >= 0
    assert audit.is_lawful == (row.missing == row.faulty == 0)


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
    assert (audit.examples.candidates, audit.examples.pending) == (3, 1)
    assert audit.examples.verdicts == {"valid": 1, "quarantined": 1}
    assert audit.examples.gone == 1
    assert audit.examples.pending_ids == ("c",)
    said = render(audit).splitlines()
    assert said[1:3] == [
        "examples: 3 candidates = 1 valid + 1 quarantined + 1 pending"
        "; besides 1 erased, their candidates are gone",
        "pending examples: c",
    ]
    assert not audit.problems
    lake.append(tmp_path, VALIDATED, rows_of(VALIDATED, [*verdicts[:1], {"example_id": "who"}]))
    assert list(conservation(tmp_path, {}).breaches) == [
        "VERDICT_TWICE", "VERDICT_UNKNOWN", "VERDICT_WITHOUT_EXAMPLE",
    ]  # fmt: skip
    lake.append(tmp_path, EXAMPLES, rows_of(EXAMPLES, [{"example_id": "gone"}]))
    assert conservation(tmp_path, {}).examples.verdicts == {"quarantined": 1, "erased": 1}


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
    assert audit.problems == ("raw.chat/0: 7 offsets (1-2, 4-8) in no row",)


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
