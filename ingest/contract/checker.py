"""A JSON Schema as a function that finds every problem of a value, fast enough for each event.

Compiles the keywords that our schemas use and refuses any other, so that none is overlooked. The
library `jsonschema` decides alike (tests hold both against the same documents) and takes about
ten times as long (`benchmarks/ingest_contract.py`).

Source: JSON Schema 2020-12, Validation vocabulary.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deskwheel import reasons
from deskwheel.errors import SchemaError
from deskwheel.times import parse_time
from ingest.contract.model import Problem

Check = Callable[[Any, str, list[Problem]], None]
"""(value, its place, problems so far) → appends what is wrong with the value."""

ANNOTATIONS = frozenset(
    {"$schema", "$id", "$comment", "title", "description", "examples", "contentMediaType"}
)
"""Keywords that say something to people and decide nothing."""

_ABSENT = object()
_IS_TYPE: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda v: isinstance(v, str),
    "null": lambda v: v is None,
    "boolean": lambda v: isinstance(v, bool),
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "integer": lambda v: (
        isinstance(v, int) and not isinstance(v, bool) or isinstance(v, float) and v.is_integer()
    ),
}


def compile_schema(schema: Mapping[str, Any]) -> Check:
    """The function of a schema.

    Raises:
        SchemaError: the schema has a keyword, type or format that this module does not know.
    """
    rest = dict(schema)
    for name in ANNOTATIONS:
        rest.pop(name, None)
    first = [_type(rest.pop("type"))] if "type" in rest else []
    steps = [_object(rest.pop("properties", {}), rest.pop("required", ()))]
    # Without `if` the other two decide nothing.
    branches = [rest.pop(name, {}) for name in ("if", "then", "else")]
    if "if" in schema:
        steps.append(_branch(*map(compile_schema, branches)))
    for keyword, argument in rest.items():
        if keyword not in _KEYWORDS:
            raise SchemaError(f"keyword {keyword!r} of a schema is unknown to {__name__}; add it")
        steps.append(_KEYWORDS[keyword](argument))
    return _all(first, steps)


def _all(first: Sequence[Check], steps: Sequence[Check]) -> Check:
    def check(value: Any, place: str, problems: list[Problem]) -> None:
        before = len(problems)
        for step in first:
            step(value, place, problems)
        if len(problems) == before:
            for step in steps:
                step(value, place, problems)

    return check


def _type(wanted: str | Sequence[str]) -> Check:
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    unknown = [n for n in names if n not in _IS_TYPE]
    if unknown:
        raise SchemaError(f"type {unknown[0]!r} of a schema is unknown to JSON Schema")
    tests = [_IS_TYPE[name] for name in names]
    said = " or ".join(names)

    def check(value: Any, place: str, problems: list[Problem]) -> None:
        for test in tests:
            if test(value):
                return
        problems.append(_invalid(place, f"a {type(value).__name__}, not {said}"))

    return check


def _object(properties: Mapping[str, Any], required: Sequence[str]) -> Check:
    checks = [(name, compile_schema(schema)) for name, schema in properties.items()]
    known = {name for name, _ in checks}
    checks += [(name, _nothing) for name in required if name not in known]
    needed = frozenset(required)

    def check(value: Any, place: str, problems: list[Problem]) -> None:
        if not isinstance(value, dict):
            return
        for name, inner in checks:
            found = value.get(name, _ABSENT)
            if found is _ABSENT:
                if name in needed:
                    problems.append(Problem(reasons.FIELD_MISSING, _at(place, name), "not there"))
                continue
            before = len(problems)
            inner(found, _at(place, name), problems)
            if len(problems) > before and name in needed and found in (None, ""):
                problems[before:] = [Problem(reasons.FIELD_MISSING, _at(place, name), "is empty")]

    return check


def _branch(condition: Check, then: Check, otherwise: Check) -> Check:
    def check(value: Any, place: str, problems: list[Problem]) -> None:
        unmet: list[Problem] = []
        condition(value, place, unmet)
        (otherwise if unmet else then)(value, place, problems)

    return check


def _items(schema: Mapping[str, Any]) -> Check:
    inner = compile_schema(schema)

    def check(value: Any, place: str, problems: list[Problem]) -> None:
        if isinstance(value, list):
            for index, item in enumerate(value):
                found: list[Problem] = []
                # The place of an item is written down only where something is wrong there.
                inner(item, "", found)
                if found:
                    inner(item, f"{place}[{index}]", problems)
                    return

    return check


def _all_of(schemas: Sequence[Mapping[str, Any]]) -> Check:
    return _all([], [compile_schema(schema) for schema in schemas])


def _one_of(allowed: Sequence[str | None]) -> Check:
    if not all(value is None or isinstance(value, str) for value in allowed):
        raise SchemaError(f"enum and const may hold texts and null, got {allowed!r}")
    said = "must be " + ", ".join("null" if value is None else value for value in allowed)

    def check(value: Any, place: str, problems: list[Problem]) -> None:
        if not (value is None or isinstance(value, str)) or value not in allowed:
            problems.append(_invalid(place, said))

    return check


def _const(wanted: str | None) -> Check:
    return _one_of([wanted])


def _bound(said: str, is_inside: Callable[[float, float], bool]) -> Callable[[float], Check]:
    def keyword(limit: float) -> Check:
        def check(value: Any, place: str, problems: list[Problem]) -> None:
            if _IS_TYPE["number"](value) and not is_inside(value, limit):
                problems.append(_invalid(place, f"must be {said} {limit}"))

        return check

    return keyword


def _min_length(limit: int) -> Check:
    def check(value: Any, place: str, problems: list[Problem]) -> None:
        if isinstance(value, str) and len(value) < limit:
            problems.append(_invalid(place, f"shorter than {limit} characters"))

    return check


def _format(name: str) -> Check:
    if name != "date-time":
        raise SchemaError(f"format {name!r} of a schema is unknown to {__name__}; add it")

    def check(value: Any, place: str, problems: list[Problem]) -> None:
        if isinstance(value, str) and parse_time(value) is None:
            problems.append(_invalid(place, "is not ISO 8601"))

    return check


def _nothing(_value: Any, _place: str, _problems: list[Problem]) -> None:
    return


def _at(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _invalid(place: str, detail: str) -> Problem:
    return Problem(reasons.FIELD_INVALID, place, detail)


_KEYWORDS: Mapping[str, Callable[[Any], Check]] = {
    "items": _items,
    "allOf": _all_of,
    "enum": _one_of,
    "const": _const,
    "minimum": _bound("at least", lambda value, limit: value >= limit),
    "maximum": _bound("at most", lambda value, limit: value <= limit),
    "exclusiveMinimum": _bound("above", lambda value, limit: value > limit),
    "exclusiveMaximum": _bound("below", lambda value, limit: value < limit),
    "minLength": _min_length,
    "format": _format,
}
