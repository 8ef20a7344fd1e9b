"""How a JSON record maps to one of our schemas, for people who look before they start."""

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.contract.checker import compile_schema
from ingest.contract.model import Problem
from ingest.contract.schemas import find_schema
from ingest.sources.model import FieldMap


def json_fields(body: Mapping[str, Any], schema: str) -> tuple[FieldMap, ...]:
    """Each field of a schema with what a record has for it, then what the schema has no place for.

    Args:
        body: a record in our own form.
        schema: name of its schema, as `chat.v1`.
    """
    return tuple(_walked(body, find_schema(schema), ""))


def _walked(body: Mapping[str, Any], schema: Mapping[str, Any], place: str) -> Iterator[FieldMap]:
    properties = _properties(body, schema)
    for name, described in properties.items():
        path = f"{place}{name}"
        inner = described.get("items", {})
        value = body.get(name)
        if "properties" in inner:
            first = value[0] if isinstance(value, list) and value else None
            yield from _walked(first if isinstance(first, dict) else {}, inner, f"{path}[].")
        else:
            yield FieldMap(canonical=path, source=path if name in body else None, value=value)
    for name, value in body.items():
        if name not in properties:
            yield FieldMap(canonical=None, source=f"{place}{name}", value=value)


def _properties(body: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a schema, with those of the branch that the record takes."""
    properties = dict(schema.get("properties", {}))
    if "if" in schema:
        unmet: list[Problem] = []
        compile_schema(schema["if"])(body, "", unmet)
        properties |= _properties(body, schema.get("else" if unmet else "then", {}))
    for part in schema.get("allOf", ()):
        properties |= _properties(body, part)
    return properties
