from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from deskwheel.errors import SchemaError
from deskwheel.records import Pointer, Redaction, Snapshot, SnapshotMember, Turn
from deskwheel.schema import arrow_schema, arrow_type, to_table
from deskwheel.tables import TABLES, Table

NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)


def turn(text: str | None, counts: dict[str, int]) -> Turn:
    return Turn(
        turn_id="turn-1", tenant="default", channel="chat",
        source=Pointer(topic="raw.chat", partition=1, offset=2),
        event_id="m-1", position=0, verdict="accepted", reason=None, detail=None,
        conversation_id="c-1", role="customer", text=text, shadow_text=None, sent_at=NOON,
        ingested_at=NOON, is_closing=False, status=None, csat=None, subject_key=None,
        agent_key=None, authorship="human", redaction=Redaction(version="r1", counts=counts),
        ruleset_version="1", code_version="1", batch_id=0,
    )  # fmt: skip


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_every_table_has_a_column_for_each_field_in_order(table: Table) -> None:
    schema = arrow_schema(table.record)
    assert schema.names == [f for f in table.record.__dataclass_fields__]


def test_only_optional_fields_are_nullable() -> None:
    schema = arrow_schema(Turn)
    assert schema.field("text").nullable
    assert not schema.field("turn_id").nullable


def test_times_are_utc_with_microseconds() -> None:
    assert arrow_type(datetime) == pa.timestamp("us", tz="UTC")


def test_a_literal_is_text_and_a_nested_record_a_struct() -> None:
    schema = arrow_schema(Turn)
    assert schema.field("verdict").type == pa.string()
    assert schema.field("source").type == pa.struct(list(arrow_schema(Pointer)))


def test_a_sequence_of_records_is_a_list_of_structs_without_nulls() -> None:
    members = arrow_schema(Snapshot).field("members").type
    assert members.value_field.type == pa.struct(list(arrow_schema(SnapshotMember)))
    assert not members.value_field.nullable


def test_rows_read_back_as_they_were() -> None:
    rows = to_table([turn("hello", {"EMAIL": 2}), turn(None, {})], Turn).to_pylist()
    assert [r["text"] for r in rows] == ["hello", None]
    assert dict(rows[0]["redaction"]["counts"]) == {"EMAIL": 2}
    assert rows[0]["source"] == {"topic": "raw.chat", "partition": 1, "offset": 2}
    assert rows[0]["sent_at"] == NOON


def test_no_rows_still_have_columns() -> None:
    assert to_table([], Turn).schema == arrow_schema(Turn)


def test_a_type_without_a_column_is_refused_by_name() -> None:
    @dataclass(frozen=True)
    class Odd:
        value: complex

    with pytest.raises(SchemaError, match="complex"):
        arrow_schema(Odd)
