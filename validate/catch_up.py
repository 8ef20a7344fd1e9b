"""Brings the gate's index to the newest version of the tables that it is derived from.

Out of the files that were added since, or anew where that cannot be said: after a crash between
commit and index, an OPTIMIZE, another process's repair, a lost file. That costs time, never a
verdict. Reads `validated_examples` and `conversations`; writes no table. Runs without a JVM.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from deskwheel import lake
from deskwheel.schema import arrow_schema
from deskwheel.tables import CONVERSATIONS, VALIDATED, Table
from validate.entries import STORED, Entry, read_entry
from validate.index import Index, Reflected

_READ_ROWS = 20_000


def catch_up(index: Index, lake_dir: str | Path) -> None:
    """Make the index reflect both tables as they are now.

    Cost is linear in the rows of the files added since, and in all rows where it is made anew.
    """
    table = lake.open_table(lake_dir, VALIDATED)
    if table is None:
        index.clear()
    else:
        _read_examples(index, table)
    conversations = lake.open_table(lake_dir, CONVERSATIONS)
    if conversations is not None:
        _read_versions(index, conversations)


def _read_examples(index: Index, table: DeltaTable) -> None:
    seen = index.reflects
    name, version = str(table.metadata().id), table.version()
    if (seen.table, seen.version) == (name, version):
        return
    added = _added(table, seen.version) if seen.table == name else None
    if added is not None:
        index.take(_entries(added), replace(seen, version=version))
    # Rows were deleted: then the index holds more than the table.
    if added is None or index.count() != table.count():
        index.clear()
        index.take(_entries(_paths(table)), Reflected(table=name, version=version))


def _read_versions(index: Index, table: DeltaTable) -> None:
    seen = index.reflects
    name, version = str(table.metadata().id), table.version()
    if (seen.conversations, seen.conversations_version) == (name, version):
        return
    added = _added(table, seen.conversations_version) if seen.conversations == name else None
    index.take_versions(
        _versions(_paths(table) if added is None else added),
        replace(index.reflects, conversations=name, conversations_version=version),
    )


def _added(table: DeltaTable, since: int | None) -> set[str] | None:
    """Files of the table that it did not have at a version; None if that cannot be read."""
    if since is None or since > table.version():
        return None
    try:
        before = DeltaTable(table.table_uri, version=since)
    except DeltaError:
        return None
    return _paths(table) - _paths(before)


def _paths(table: DeltaTable) -> set[str]:
    return set(table.file_uris())


def _entries(paths: set[str]) -> Iterator[list[Entry]]:
    for batch in _batches(VALIDATED, paths, list(STORED)):
        yield [read_entry(row) for row in batch.to_pylist()]


def _versions(paths: set[str]) -> Iterator[tuple[str, int]]:
    for batch in _batches(CONVERSATIONS, paths, ["conversation_id", "version"]):
        newer = batch.filter(pc.greater(batch["version"], 1))
        yield from zip(*(newer[c].to_pylist() for c in (0, 1)), strict=True)


def _batches(table: Table, paths: set[str], columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Rows of some files; columns that a file of an older release lacks are null."""
    if paths:
        files = ds.dataset(sorted(paths), schema=arrow_schema(table.record), format="parquet")
        yield from files.to_batches(columns=columns, batch_size=_READ_ROWS)
