"""Toy rows for any table of the lake."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from deskwheel.schema import arrow_schema
from deskwheel.tables import Table

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def rows_of(table: Table, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows with every column of a table; what is not given is null or as plain as can be."""
    schema = arrow_schema(table.record)
    blank = {field.name: _plain(field) for field in schema}
    return pa.Table.from_pylist([{**blank, **row} for row in rows], schema=schema)


def _plain(field: pa.Field) -> Any:
    kinds = [
        (field.nullable, None),
        (field.name == "redaction", {"version": "1", "counts": {}}),
        (pa.types.is_struct(field.type), {"topic": "raw.chat", "partition": 0, "offset": 0}),
        (pa.types.is_timestamp(field.type), NOW),
        (pa.types.is_list(field.type) or pa.types.is_map(field.type), []),
        (pa.types.is_boolean(field.type), False),
        (pa.types.is_string(field.type), "x"),
    ]
    return next((value for applies, value in kinds if applies), 0)
