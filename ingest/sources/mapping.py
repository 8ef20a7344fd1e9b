"""A record of somebody else's making into a payload of ours, by JSONPath.

Reads and writes no topic. A field of a list of objects is named with brackets: `segments[]` gives
the objects of the list, `segments[].text` is then looked up in each of them.

Source: RFC 9535 (JSONPath).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jsonpath

from deskwheel.errors import ConfigError
from deskwheel.times import parse_time
from ingest.contract.schemas import find_schema
from ingest.envelope import rfc3339
from ingest.sources.model import FieldMap

TIME_FORMATS = ("iso", "epoch_s", "epoch_ms")
LIST = "[]"
ANY_VALUE = "*"

_ENVIRONMENT = jsonpath.JSONPathEnvironment(strict=True)


@dataclass(frozen=True)
class Mapped:
    """A payload made of a record, how each field came about, and whether all of them did."""

    payload: Mapping[str, Any]
    fields: tuple[FieldMap, ...]

    @property
    def is_whole(self) -> bool:
        """Whether no field had a problem."""
        return all(f.problem is None for f in self.fields)


@dataclass(frozen=True)
class Rules:
    """Where each field of a payload comes from; made by `compile_rules`, which checks them."""

    paths: Mapping[str, Any]
    """Canonical field → compiled JSONPath."""
    constants: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]
    """Canonical field → value there → value here."""
    times: Mapping[str, str]
    texts: frozenset[str] = field(default_factory=frozenset)
    """Fields that our schema wants as texts: numbers in their place are written out."""


def compile_rules(
    schema: str,
    *,
    fields: Mapping[str, str],
    constants: Mapping[str, str],
    values: Mapping[str, str],
    times: Mapping[str, str],
) -> Rules:
    """The rules of a source file's options.

    Args:
        schema: name of the payload's schema.
        fields: canonical field → JSONPath.
        constants: canonical field → value of every record.
        values: `field:value there` → value here; `field:*` for all others.
        times: canonical field → how its time is written there; ISO 8601 where left out.

    Raises:
        ConfigError: a path is no JSONPath, a time format is unknown, or a rule is for a field
            that nothing is looked up for.
    """
    for name, kind in times.items():
        if kind not in TIME_FORMATS:
            raise ConfigError(f"times: {name}: {kind!r} is not one of {', '.join(TIME_FORMATS)}")
    renamed: dict[str, dict[str, str]] = {}
    for rule, value in values.items():
        name, colon, there = rule.partition(":")
        if not colon:
            raise ConfigError(f"values: {rule!r}: write `field:value there`, as in `sender:usr`")
        renamed.setdefault(name, {})[there] = value
    for name in (*times, *renamed):
        if name not in fields:
            raise ConfigError(f"{name!r} has a rule for its values and no path under fields")
    for name in fields:
        whole = name.partition(LIST)[0] + LIST
        if LIST in name and whole not in fields:
            raise ConfigError(f"fields: {name!r} needs a path for {whole!r} first")
    wanted = _types(find_schema(schema))
    return Rules(
        paths={name: _compiled(name, path) for name, path in fields.items()},
        constants=constants,
        values=renamed,
        times=times,
        texts=frozenset(name for name, types in wanted.items() if "string" in types),
    )


def _compiled(name: str, path: str) -> Any:
    try:
        return _ENVIRONMENT.compile(path)
    except jsonpath.JSONPathError as error:
        raise ConfigError(f"fields: {name}: {path!r} is no JSONPath: {error}") from error


def _types(schema: Mapping[str, Any], place: str = "") -> dict[str, Sequence[str]]:
    """Types of every field in a schema, those of its branches included."""
    found: dict[str, Sequence[str]] = {}
    for branch in (schema.get("then"), schema.get("else")):
        found |= _types(branch, place) if branch else {}
    for name, inner in schema.get("properties", {}).items():
        kinds = inner.get("type", "string" if "enum" in inner else ())
        found[place + name] = [kinds] if isinstance(kinds, str) else kinds
        if "items" in inner:
            found |= _types(inner["items"], f"{place}{name}{LIST}.")
    return found


def map_record(record: Mapping[str, Any], rules: Rules) -> Mapped:
    """The payload of a record; a field that is not found is left out."""
    payload: dict[str, Any] = dict(rules.constants)
    told = [FieldMap(canonical=n, source=None, value=v) for n, v in rules.constants.items()]
    for name, path in rules.paths.items():
        if name.endswith(LIST):
            items, fields = _items(record, name, path, rules)
            payload[name.removesuffix(LIST)] = items
            told += fields
        elif LIST not in name:
            found = _looked_up(record, name, path, rules)
            told.append(found)
            if found.value is not None and found.problem is None:
                payload[name] = found.value
    return Mapped(payload, tuple(told))


def _items(
    record: Mapping[str, Any], name: str, path: Any, rules: Rules
) -> tuple[list[dict[str, Any]], list[FieldMap]]:
    """The objects of a list; of their fields the first object's stand for all, or a problem."""
    found = _found(record, path)
    objects = found[0] if len(found) == 1 and isinstance(found[0], list) else found
    inner = {n: p for n, p in rules.paths.items() if n.startswith(f"{name}.")}
    items: list[dict[str, Any]] = []
    told: dict[str, FieldMap] = {}
    for item in objects:
        mapped: dict[str, Any] = {}
        for inner_name, inner_path in inner.items():
            field_map = _looked_up(item, inner_name, inner_path, rules)
            if inner_name not in told or (field_map.problem and not told[inner_name].problem):
                told[inner_name] = field_map
            if field_map.value is not None and field_map.problem is None:
                mapped[inner_name.removeprefix(f"{name}.")] = field_map.value
        items.append(mapped)
    whole = FieldMap(canonical=name, source=str(path), value=f"{len(items)} objects")
    return items, [whole, *told.values()]


def _looked_up(record: Any, name: str, path: Any, rules: Rules) -> FieldMap:
    found = _found(record, path)
    if not found:
        return FieldMap(canonical=name, source=str(path))
    value, problem = found[0], None
    if len(found) > 1:
        problem = f"the path finds {len(found)} values"
    elif name in rules.times:
        value, problem = _time(value, rules.times[name])
    elif name in rules.values:
        value, problem = _renamed(value, rules.values[name])
    if name in rules.texts and isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return FieldMap(canonical=name, source=str(path), value=value, problem=problem)


def _found(record: Any, path: Any) -> list[Any]:
    if not isinstance(record, dict | list):
        return []
    try:
        return list(path.findall(record))
    except jsonpath.JSONPathError:  # nested beyond what the library follows
        return []


def _renamed(value: Any, names: Mapping[str, str]) -> tuple[Any, str | None]:
    there = value if isinstance(value, str) else str(value)
    if there in names:
        return names[there], None
    if ANY_VALUE in names:
        return names[ANY_VALUE], None
    return value, "no value of ours stands for it; add it under values"


def _time(value: Any, kind: str) -> tuple[Any, str | None]:
    """A time as RFC 3339; a number in a text is a number."""
    if kind == "iso":
        moment = parse_time(value) if isinstance(value, str) else None
    else:
        moment = _epoch(value, 1.0 if kind == "epoch_s" else 1000.0)
    return (rfc3339(moment), None) if moment else (value, f"is no time of the format {kind}")


def _epoch(value: Any, units_per_s: float) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return datetime.fromtimestamp(float(value) / units_per_s, UTC)
    except (ValueError, OverflowError, OSError):
        return None
