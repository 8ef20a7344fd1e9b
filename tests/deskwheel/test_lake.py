import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import CommitProperties, DeltaTable, write_deltalake

from deskwheel import lake
from deskwheel.records import Feedback, Pointer
from deskwheel.schema import arrow_schema, to_table
from deskwheel.tables import FEEDBACK, TABLES, TURNS, Table

NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)


def feedback(number: int) -> Feedback:
    return Feedback(
        feedback_id=f"f-{number}", tenant="default",
        source=Pointer(topic="feedback", partition=0, offset=number), kind="outcome",
        verdict="accepted", reason=None, trace_id=f"t-{number}", conversation_id=None,
        subject_key="secret-subject", variant="prompt-bot", csat=5, is_completed=True,
        occurred_at=NOON, ingested_at=NOON, code_version="1", batch_id=number,
    )  # fmt: skip


def rows(*numbers: int) -> pa.Table:
    return to_table([feedback(n) for n in numbers], Feedback)


def test_a_table_that_is_not_there_yet_is_empty_with_its_columns(tmp_path: Path) -> None:
    assert lake.read(tmp_path, FEEDBACK).schema == arrow_schema(Feedback)
    assert lake.read(tmp_path, FEEDBACK, columns=["csat"]).schema.names == ["csat"]
    assert lake.current_version(tmp_path, FEEDBACK) is None
    assert lake.commits(tmp_path, FEEDBACK) == []


def test_appended_rows_are_read_back_at_each_version(tmp_path: Path) -> None:
    first = lake.append(tmp_path, FEEDBACK, rows(1))
    second = lake.append(tmp_path, FEEDBACK, rows(2, 3))
    assert second == first + 1 == lake.current_version(tmp_path, FEEDBACK)
    assert lake.read(tmp_path, FEEDBACK, version=first)["feedback_id"].to_pylist() == ["f-1"]
    assert sorted(lake.read(tmp_path, FEEDBACK)["feedback_id"].to_pylist()) == ["f-1", "f-2", "f-3"]


def test_nested_columns_are_read_back(tmp_path: Path) -> None:
    lake.append(tmp_path, FEEDBACK, rows(4))
    (row,) = lake.read(tmp_path, FEEDBACK).to_pylist()
    assert row["source"] == {"topic": "feedback", "partition": 0, "offset": 4}
    assert row["occurred_at"] == NOON


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_a_created_table_can_be_read_without_a_jvm(tmp_path: Path, table: Table) -> None:
    path = lake.ensure(tmp_path, table)
    protocol = DeltaTable(path).protocol()
    assert protocol.min_reader_version == 1, "a reader feature would lock JVM-free readers out"
    assert DeltaTable(path).schema().to_arrow().names == arrow_schema(table.record).names


def test_creating_a_table_again_keeps_its_rows(tmp_path: Path) -> None:
    lake.append(tmp_path, FEEDBACK, rows(1))
    version = lake.current_version(tmp_path, FEEDBACK)
    lake.ensure(tmp_path, FEEDBACK)
    assert lake.current_version(tmp_path, FEEDBACK) == version


def test_only_ids_and_times_have_file_statistics(tmp_path: Path) -> None:
    path = lake.ensure(tmp_path, FEEDBACK)
    lake.append(tmp_path, FEEDBACK, rows(1))
    log = "".join(p.read_text() for p in sorted((path / "_delta_log").glob("*.json")))
    stats = [json.loads(line)["add"]["stats"] for line in log.splitlines() if '"add"' in line]
    assert len(stats) == 1
    assert set(json.loads(stats[0])["minValues"]) == set(FEEDBACK.skipping_columns)
    assert "secret-subject" not in log


def test_commit_metadata_is_read_oldest_first(tmp_path: Path) -> None:
    path = lake.ensure(tmp_path, FEEDBACK)
    for batch in (0, 1):
        note = {"userMetadata": json.dumps({"app": "feedback:1", "batch": batch})}
        write_deltalake(path, rows(batch), mode="append", commit_properties=CommitProperties(note))
    lake.append(tmp_path, FEEDBACK, rows(9))
    found = lake.commits(tmp_path, FEEDBACK)
    assert [(c["batch"], c["version"]) for c in found] == [(0, 1), (1, 2)]


def test_a_table_lies_in_a_folder_of_its_name(tmp_path: Path) -> None:
    assert lake.table_path(tmp_path, TURNS) == tmp_path / "turns"


def test_columns_of_a_newer_release_are_added_to_a_table_and_null_in_its_older_rows(
    tmp_path: Path,
) -> None:
    schema = arrow_schema(Feedback)
    older = schema.remove(schema.get_field_index("csat"))
    write_deltalake(lake.table_path(tmp_path, FEEDBACK), rows(1).select(older.names))
    lake.ensure(tmp_path, FEEDBACK)
    lake.append(tmp_path, FEEDBACK, rows(2))
    found = lake.read(tmp_path, FEEDBACK, columns=["feedback_id", "csat"]).to_pylist()
    assert sorted((r["feedback_id"], r["csat"]) for r in found) == [("f-1", None), ("f-2", 5)]
    version = lake.current_version(tmp_path, FEEDBACK)
    lake.ensure(tmp_path, FEEDBACK)
    assert lake.current_version(tmp_path, FEEDBACK) == version


def test_merged_files_hold_the_same_rows_and_older_versions_can_still_be_read(
    tmp_path: Path,
) -> None:
    for number in range(5):
        lake.append(tmp_path, FEEDBACK, rows(number))
    before = lake.current_version(tmp_path, FEEDBACK) or 0
    assert lake.compact(tmp_path, FEEDBACK) == 5
    found = lake.read(tmp_path, FEEDBACK)
    assert found.schema.names == arrow_schema(Feedback).names
    assert sorted(found["feedback_id"].to_pylist()) == [f"f-{n}" for n in range(5)]
    assert lake.read(tmp_path, FEEDBACK, version=before).num_rows == 5
    assert lake.current_version(tmp_path, FEEDBACK) == before + 1
    assert lake.compact(tmp_path, FEEDBACK) == 0, "one file is nothing to merge"


def test_merging_puts_no_text_into_the_log_and_changes_no_data(tmp_path: Path) -> None:
    for number in range(3):
        lake.append(tmp_path, FEEDBACK, rows(number))
    lake.compact(tmp_path, FEEDBACK)
    log = lake.table_path(tmp_path, FEEDBACK) / "_delta_log"
    actions = [json.loads(line) for line in max(log.glob("*.json")).read_text().splitlines()]
    files = [a[kind] for a in actions for kind in ("add", "remove") if kind in a]
    assert len(files) == 3 + 1
    assert not any(file["dataChange"] for file in files)
    stats = [json.loads(file["stats"]) for file in files if file.get("stats")]
    assert all(set(s.get("minValues", ())) <= set(FEEDBACK.skipping_columns) for s in stats)


def test_a_table_that_does_not_exist_has_nothing_to_merge(tmp_path: Path) -> None:
    assert lake.compact(tmp_path, FEEDBACK) == 0


def test_a_scan_gives_the_asked_columns_of_the_rows_that_fit(tmp_path: Path) -> None:
    columns = {"id": pc.field("feedback_id"), "place": pc.field(("source", "offset"))}
    where = pc.field("feedback_id").isin(pa.array(["f-2", "f-9"]))
    assert list(lake.scan(tmp_path, FEEDBACK, columns, where)) == []
    lake.append(tmp_path, FEEDBACK, rows(1, 2))
    lake.append(tmp_path, FEEDBACK, rows(3))
    found = [
        row for part in lake.scan(tmp_path, FEEDBACK, columns, where) for row in part.to_pylist()
    ]
    assert found == [{"id": "f-2", "place": 2}]


def test_a_version_of_which_a_file_was_cleaned_away_is_named_before_it_is_read(
    tmp_path: Path,
) -> None:
    version = lake.append(tmp_path, FEEDBACK, rows(1))
    lake.append(tmp_path, FEEDBACK, rows(2))
    gone = DeltaTable(lake.table_path(tmp_path, FEEDBACK), version=version).file_uris()[0]
    Path(gone).unlink()
    said = f"version {version} is gone"
    with pytest.raises(FileNotFoundError, match=said):
        lake.read(tmp_path, FEEDBACK, version=version)
    with pytest.raises(FileNotFoundError, match=said):
        list(
            lake.scan(
                tmp_path, FEEDBACK, {"key": pc.field("tenant")}, pc.scalar(True), version=version
            )
        )
