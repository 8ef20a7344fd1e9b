"""Reads Delta tables without a JVM, and appends to the ones that no Spark job writes.

Every table is described in `deskwheel.tables`; a table that does not exist yet reads as empty.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import CommitProperties, DeltaTable, Schema, Transaction, write_deltalake
from deltalake.exceptions import TableNotFoundError

from deskwheel.schema import arrow_schema
from deskwheel.tables import Table

COMPACTED_BYTES = 67_108_864
"""Size from which a file counts as large; some hundred micro-batches of text."""

_FIRST_COMMITS = 32
"""What is read of a log whose newest commits mostly say enough."""


def table_path(lake: str | Path, table: Table) -> Path:
    """Folder of a table."""
    return Path(lake) / table.name


def current_version(lake: str | Path, table: Table) -> int | None:
    """The table's newest Delta version, or None before its first commit."""
    found = open_table(lake, table)
    return None if found is None else found.version()


def open_table(lake: str | Path, table: Table, *, version: int | None = None) -> DeltaTable | None:
    """The table at a version (newest if None), or None before its first commit."""
    try:
        return DeltaTable(table_path(lake, table), version=version)
    except TableNotFoundError:
        return None


def read(
    lake: str | Path,
    table: Table,
    *,
    columns: list[str] | None = None,
    version: int | None = None,
) -> pa.Table:
    """Rows of a table at a version (newest if None); no order is promised.

    Raises:
        FileNotFoundError: a file of an older version was cleaned away.
    """
    found = _readable(lake, table, version)
    if found is None:
        schema = arrow_schema(table.record)
        kept = [schema.field(c) for c in columns] if columns else list(schema)
        return pa.schema(kept).empty_table()
    return found.to_pyarrow_table(columns=columns)


def has_files(lake: str | Path, table: Table, version: int) -> bool:
    """Whether every file of a version is still there to be read."""
    found = open_table(lake, table, version=version)
    return found is not None and _gone(found) is None


def scan(
    lake: str | Path,
    table: Table,
    columns: Mapping[str, pc.Expression],
    where: pc.Expression,
    *,
    version: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """Rows of a version (newest if None) that fulfil a condition, batch by batch, in no order.

    Of what is not asked for nothing is read. Where most rows do not fit, this takes a thirtieth of
    the CPU time that a Spark query takes for it (docs/decisions.md).
    """
    found = _readable(lake, table, version)
    if found is not None:
        dataset = found.to_pyarrow_dataset()
        yield from dataset.scanner(columns=dict(columns), filter=where).to_batches()


def scan_files(
    table: Table, paths: Sequence[str], columns: Mapping[str, pc.Expression], where: pc.Expression
) -> Iterator[pa.RecordBatch]:
    """Rows of some of a table's files that fulfil a condition, batch by batch, in no order.

    Columns that a file of an older release lacks are null.
    """
    if paths:
        # Spark's moments are INT96, which read as nanoseconds end in the year 2262.
        form = ds.ParquetFileFormat(
            read_options=ds.ParquetReadOptions(coerce_int96_timestamp_unit="us")
        )
        files = ds.dataset(list(paths), schema=arrow_schema(table.record), format=form)
        yield from files.scanner(columns=dict(columns), filter=where).to_batches()


def ensure(lake: str | Path, table: Table) -> Path:
    """The table's folder, with an empty table in it if there was none.

    Creating it here, and not by a job's first write, fixes columns and table features before
    the first row: file statistics of text columns never exist. Columns that a newer release
    added to the record are added to the table; older rows read as null there.
    """
    path = table_path(lake, table)
    path.parent.mkdir(parents=True, exist_ok=True)
    found = DeltaTable.create(
        path,
        schema=arrow_schema(table.record),
        mode="ignore",
        configuration=dict(table.properties()),
    )
    wanted = Schema.from_arrow(arrow_schema(table.record)).fields
    present = {field.name for field in found.schema().fields}
    if missing := [field for field in wanted if field.name not in present]:
        found.alter.add_columns(missing)
    return path


def append(lake: str | Path, table: Table, rows: pa.Table) -> int:
    """Append rows in one commit and return the version it made.

    Fields that a newer release added to a record inside a column are added by the same commit.
    """
    path = ensure(lake, table)
    write_deltalake(path, rows, mode="append", schema_mode="merge")
    return DeltaTable(path).version()


def append_once(
    lake: str | Path,
    table: Table,
    rows: pa.Table,
    *,
    app_id: str,
    batch_id: int,
    metadata: Mapping[str, Any],
) -> int:
    """Append a batch in one commit and return the table's version then.

    The same (app_id, batch_id) again adds nothing.

    The commit carries the transaction that Spark's `txnAppId` and `txnVersion` would leave, so
    either may go on where the other stopped. For the process that writes the table alone.
    Source: Delta Lake protocol, "Transaction Identifiers".
    """
    found = open_table(lake, table) or DeltaTable(ensure(lake, table))
    newest = found.transaction_version(app_id)
    if newest is not None and newest >= batch_id:
        return found.version()
    told = json.dumps({"app": app_id, "batch": batch_id, **metadata})
    properties = CommitProperties(
        custom_metadata={"userMetadata": told}, app_transactions=[Transaction(app_id, batch_id)]
    )
    write_deltalake(found, rows, mode="append", schema_mode="merge", commit_properties=properties)
    return found.version()


def compact(lake: str | Path, table: Table, *, target_bytes: int = COMPACTED_BYTES) -> int:
    """Merge the table's small files into larger ones and return how many there were.

    One commit that changes no row: streams that read the table pass over it, and older versions
    read as before, because the merged files stay on disk. For the process that writes the table
    alone: Delta's log on a local disk is not safe against two processes that commit at once.
    """
    found = open_table(lake, table)
    if found is None:
        return 0
    return int(found.optimize.compact(target_size=target_bytes)["numFilesRemoved"])


def commits(lake: str | Path, table: Table) -> list[dict[str, Any]]:
    """Metadata that the writing job put on each commit, oldest first.

    Jobs write one JSON object a commit (`batch`, `ranges`, …) as Delta `userMetadata`.
    """
    found = open_table(lake, table)
    if found is None:
        return []
    return [_metadata(e) for e in reversed(found.history()) if e.get("userMetadata")]


def newest_commits(lake: str | Path, table: Table) -> Iterator[dict[str, Any]]:
    """Metadata of the commits as `commits` gives it, newest first, read only as far as asked."""
    found = open_table(lake, table)
    if found is None:
        return
    seen, limit = 0, _FIRST_COMMITS
    while True:
        entries = found.history(limit)
        for entry in entries[seen:]:
            if entry.get("userMetadata"):
                yield _metadata(entry)
        if len(entries) < limit:
            return
        seen, limit = len(entries), limit * 8


def _readable(lake: str | Path, table: Table, version: int | None) -> DeltaTable | None:
    """The table at a version, whose files are all there if it is a named one.

    Looked at before: a scan that fails leaves threads of Arrow that read on, and one of them
    aborts the process if it ends at that moment.
    """
    found = open_table(lake, table, version=version)
    if found is not None and version is not None and (gone := _gone(found)):
        raise FileNotFoundError(f"{gone} of version {version} is gone")
    return found


def _gone(found: DeltaTable) -> str | None:
    """A file of the table that is not there any more."""
    return next((uri for uri in found.file_uris() if not os.path.exists(uri)), None)


def _metadata(entry: dict[str, Any]) -> dict[str, Any]:
    return {"version": entry["version"], **json.loads(entry["userMetadata"])}
