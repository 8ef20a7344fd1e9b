from dataclasses import fields
from pathlib import Path

import pytest
from deltalake import DeltaTable

from deskwheel import lake
from deskwheel.tables import TABLES, Table

TEXTS = {"text", "shadow_text", "detail", "query", "response", "context", "utterances"}
each_table = pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)


def test_no_table_is_named_twice() -> None:
    assert len({t.name for t in TABLES}) == len(TABLES)


@each_table
def test_statistics_are_kept_of_columns_that_exist(table: Table) -> None:
    assert set(table.skipping_columns) <= {f.name for f in fields(table.record)}


@each_table
def test_no_statistics_are_kept_of_what_people_wrote(table: Table) -> None:
    """Statistics stay in the log after a delete, with the first characters of a value."""
    assert not TEXTS & set(table.skipping_columns)
    assert "subject_key" not in table.skipping_columns


@each_table
def test_features_that_lock_readers_out_are_off(table: Table) -> None:
    properties = table.properties()
    assert properties["delta.columnMapping.mode"] == "none"
    assert properties["delta.enableDeletionVectors"] == "false"
    assert properties["delta.dataSkippingStatsColumns"] == ",".join(table.skipping_columns)


@each_table
def test_log_of_a_created_table_outlives_every_reader_of_old_versions(
    table: Table, tmp_path: Path
) -> None:
    """Delta's default of 30 days is less than a snapshot or the trigger may look back."""
    made = DeltaTable(lake.ensure(tmp_path, table)).metadata().configuration
    assert made["delta.logRetentionDuration"] == "interval 3650 days"
    assert made["delta.checkpointInterval"] == "50"
