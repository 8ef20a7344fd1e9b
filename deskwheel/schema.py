"""A pyarrow schema out of a record, so that column types are written down once.

Spark types follow from it (`transforms.session.spark_schema`), nullability included.
"""

import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any

import pyarrow as pa

from deskwheel.errors import SchemaError

_ATOMS = frozenset({str, int, float, bool, type(None), datetime})

_SCALARS: dict[Any, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
    datetime: pa.timestamp("us", tz="UTC"),
}


def _split_optional(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        inner = [a for a in typing.get_args(hint) if a is not type(None)]
        return inner[0], True
    return hint, False


def arrow_type(hint: Any) -> pa.DataType:
    """The pyarrow type of a type hint.

    Raises:
        SchemaError: the hint has no column type (records use scalars, Literal, Sequence,
            Mapping and nested records only).
    """
    origin = typing.get_origin(hint)
    if hint in _SCALARS:
        return _SCALARS[hint]
    if origin is typing.Literal:
        return pa.string()
    if origin in (Sequence, list, tuple):
        return pa.list_(pa.field("element", arrow_type(typing.get_args(hint)[0]), nullable=False))
    if origin in (Mapping, dict):
        key, value = typing.get_args(hint)
        return pa.map_(arrow_type(key), pa.field("value", arrow_type(value), nullable=False))
    if isinstance(hint, type) and is_dataclass(hint):
        return pa.struct(list(arrow_schema(hint)))
    raise SchemaError(f"no column type for {hint!r}; use a type of deskwheel.schema._SCALARS")


@cache
def arrow_schema(record: Any) -> pa.Schema:
    """The pyarrow schema of a record class, columns in the order of its fields."""
    hints = typing.get_type_hints(record)
    columns = []
    for f in fields(record):
        hint, is_nullable = _split_optional(hints[f.name])
        columns.append(pa.field(f.name, arrow_type(hint), nullable=is_nullable))
    return pa.schema(columns)


def to_table(records: Iterable[Any], record: type) -> pa.Table:
    """An Arrow table with one row a record, in order."""
    return pa.Table.from_pylist([_plain(r) for r in records], schema=arrow_schema(record))


def _plain(value: Any) -> Any:
    """A record as a dict, and whatever is in it; `dataclasses.asdict` would copy each value."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    if is_dataclass(kind):
        return {name: _plain(getattr(value, name)) for name in kind.__dataclass_fields__}
    if kind is dict:
        return {name: _plain(member) for name, member in value.items()}
    if kind is list or kind is tuple:
        return [_plain(member) for member in value]
    return value
