"""Reads Delta tables without a JVM, and appends to the ones that no Spark job writes.

Every table is described in `deskwheel.tables`; a table that does not exist yet reads as empty.
"""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import TableNotFoundError

from deskwheel.schema import arrow_schema
from deskwheel.tables import Table


def table_path(lake: str | Path, table: Table) -> Path:
    """Folder of a table."""
    return Path(lake) / table.name


def current_version(lake: str | Path, table: Table) -> int | None:
    """The table's newest Delta version, or None before its first commit."""
    found = _open(lake, table, None)
    return None if found is None else found.version()


def read(
    lake: str | Path,
    table: Table,
    *,
    columns: list[str] | None = None,
    version: int | None = None,
) -> pa.Table:
    """Rows of a table at a version (newest if None); no order is promised."""
    found = _open(lake, table, version)
    if found is None:
        schema = arrow_schema(table.record)
        kept = [schema.field(c) for c in columns] if columns else list(schema)
        return pa.schema(kept).empty_table()
    return found.to_pyarrow_table(columns=columns)


def ensure(lake: str | Path, table: Table) -> Path:
    """The table's folder, with an empty table in it if there was none.

    Creating it here, and not by a job's first write, fixes columns and table features before
    the first row: file statistics of text columns never exist.
    """
    path = table_path(lake, table)
    path.parent.mkdir(parents=True, exist_ok=True)
    DeltaTable.create(
        path,
        schema=arrow_schema(table.record),
        mode="ignore",
        configuration=dict(table.properties()),
    )
    return path


def append(lake: str | Path, table: Table, rows: pa.Table) -> int:
    """Append rows in one commit and return the version it made."""
    path = ensure(lake, table)
    write_deltalake(path, rows, mode="append")
    return DeltaTable(path).version()


def commits(lake: str | Path, table: Table) -> list[dict[str, Any]]:
    """Metadata that the writing job put on each commit, oldest first.

    Jobs write one JSON object a commit (`batch`, `ranges`, …) as Delta `userMetadata`.
    """
    found = _open(lake, table, None)
    if found is None:
        return []
    entries = []
    for entry in reversed(found.history()):
        text = entry.get("userMetadata")
        if text:
            entries.append({"version": entry["version"], **json.loads(text)})
    return entries


def _open(lake: str | Path, table: Table, version: int | None) -> DeltaTable | None:
    try:
        return DeltaTable(table_path(lake, table), version=version)
    except TableNotFoundError:
        return None
