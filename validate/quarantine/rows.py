"""Rows of the tables that the quarantine is about, read without a JVM.

Reads `validated_examples`, `repairs` and `conversations`; writes nothing.
"""

import difflib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from deskwheel import lake
from deskwheel.errors import ConfigError
from deskwheel.schema import arrow_schema
from deskwheel.tables import REPAIRS, VALIDATED, Table

_NEAREST = 3


def table_of(
    lake_dir: str | Path, table: Table, *, columns: Sequence[str], where: Any = None
) -> pa.Table:
    """Rows that meet a filter; columns that a file of an older release lacks are null.

    No order is promised.
    """
    schema = arrow_schema(table.record)
    found = lake.open_table(lake_dir, table)
    files = sorted(found.file_uris()) if found else []
    if not files:
        return pa.schema([schema.field(c) for c in columns]).empty_table()
    nullable = pa.schema([f.with_nullable(True) for f in schema])
    dataset = ds.dataset(files, schema=nullable, format="parquet")
    return dataset.to_table(columns=list(columns), filter=where)


def counted(table: pa.Table, *columns: str) -> dict[Any, int]:
    """Values of some columns → how many rows have them."""
    found = table.group_by(list(columns)).aggregate([([], "count_all")])
    keys = zip(*(found[c].to_pylist() for c in columns), strict=True)
    return dict(zip(keys, found["count_all"].to_pylist(), strict=True))


def stored_rows(
    lake_dir: str | Path,
    table: Table,
    *,
    columns: Sequence[str],
    ids: Collection[str],
    column: str = "example_id",
) -> list[dict[str, Any]]:
    """Rows of some examples (or of other ids in `column`); the others are never in memory."""
    if not ids:
        return []
    where = pc.field(column).isin(pa.array(sorted(ids), pa.string()))
    return list(table_of(lake_dir, table, columns=columns, where=where).to_pylist())


def find_id(lake_dir: str | Path, name: str) -> str:
    """The example id that a name is, or the only one that it begins.

    Raises:
        ConfigError: there is none, or several; those that come nearest are named.
    """
    ids = table_of(lake_dir, VALIDATED, columns=["example_id"])["example_id"].to_pylist()
    if name in ids:
        return name
    begun = sorted(i for i in ids if name and i.startswith(name))
    if len(begun) == 1:
        return str(begun[0])
    if begun:
        raise ConfigError(
            f"{name} begins the ids of {len(begun)} examples ({', '.join(begun[:_NEAREST])}, …);"
            " give more of it"
        )
    near = difflib.get_close_matches(name, ids, _NEAREST, cutoff=0.5)
    raise ConfigError(
        f"no example {name} was judged in {lake_dir}; "
        + (f"nearest: {', '.join(near)}" if near else "`quarantine list` shows ids")
    )


def repairs_of(lake_dir: str | Path, ids: Collection[str]) -> list[dict[str, Any]]:
    """Repairs that were asked for some examples, each once, the first asked first."""
    columns = arrow_schema(REPAIRS.record).names
    rows = stored_rows(lake_dir, REPAIRS, columns=columns, ids=ids)
    once = {r["repair_id"]: r for r in sorted(rows, key=lambda r: r["at"], reverse=True)}
    return sorted(once.values(), key=lambda r: (r["attempt"], r["at"], r["repair_id"]))
