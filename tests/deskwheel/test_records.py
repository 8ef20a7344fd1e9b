from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest

from deskwheel import records
from deskwheel.records import Conversation, Example, Pointer, Redaction, Turn, ValidatedExample

SENTENCE = (
    "Event Turn Conversation Example Snapshot Run Evaluation Variant Feedback".split()
)  # fmt: skip


def columns(record: type) -> set[str]:
    return {f.name for f in fields(record)}


def test_the_nine_records_stand_in_the_order_of_the_sentence() -> None:
    lines = [list(vars(records)).index(name) for name in SENTENCE]
    assert lines == sorted(lines)
    assert " → ".join(SENTENCE) in (records.__doc__ or "")


@pytest.mark.parametrize("name", [*SENTENCE, "ValidatedExample", "Utterance", "SnapshotMember"])
def test_a_record_is_frozen_and_takes_keywords_only(name: str) -> None:
    record = getattr(records, name)
    assert is_dataclass(record)
    assert record.__dataclass_params__.frozen
    assert all(f.kw_only for f in fields(record))


def test_a_record_cannot_be_changed() -> None:
    pointer = Pointer(topic="raw.chat", partition=0, offset=7)
    with pytest.raises(FrozenInstanceError):
        pointer.offset = 8  # type: ignore[misc]


@pytest.mark.parametrize("record", [Turn, Conversation, Example])
def test_columns_that_cannot_be_added_later_are_there(record: type) -> None:
    lineage = {"tenant", "subject_key", "agent_key", "redaction", "ruleset_version", "code_version"}
    assert lineage <= columns(record)


@pytest.mark.parametrize("record", [Turn, Example, records.Utterance])
def test_who_wrote_a_text_is_known_wherever_it_is_stored(record: type) -> None:
    assert "authorship" in columns(record)


def test_a_validated_example_is_an_example_with_its_verdict() -> None:
    added = columns(ValidatedExample) - columns(Example)
    assert issubclass(ValidatedExample, Example)
    assert added == {
        "verdict", "reasons", "split", "suite_version", "validated_at", "warnings", "cluster_id",
        "group_id", "duplicate_of", "signature", "attempt", "repair_id",
    }  # fmt: skip


def test_equal_fields_make_equal_records() -> None:
    assert Redaction(version="r1", counts={"EMAIL": 1}) == Redaction(
        version="r1", counts={"EMAIL": 1}
    )
