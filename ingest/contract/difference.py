"""What changed between two versions of a schema, in words, and whether old events are still read.

BACKWARD as Confluent defines it: "consumers using the new schema can read data written with the
old one"; transitive where that holds for every older version. A change is breaking unless each
value that the old schema takes is sure to be taken by the new one, so unnamed fields count: where
the old schema lets a field hold anything, a rule for it in the new one is breaking.

Source: Confluent Schema Registry, "Schema Evolution and Compatibility", Compatibility types; its
open content model for JSON Schema.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ingest.contract.checker import ANNOTATIONS

Schema = Mapping[str, Any]

_ABSENT: Any = object()
_TYPES = frozenset({"string", "number", "boolean", "object", "array", "null"})


@dataclass(frozen=True)
class Change:
    """One difference between an old schema and a new one."""

    place: str
    """As `segments[].speaker`; empty for the whole payload."""
    said: str
    is_breaking: bool
    """An event that the old schema takes may be refused by the new one."""


def differences(old: Schema, new: Schema) -> list[Change]:
    """Every change from an old schema to a new one, in order of the new one's places."""
    return list(_schema(old, new, ""))


def is_backward(old: Schema, new: Schema) -> bool:
    """Whether whoever reads with the new schema can read what the old one allows."""
    return not any(change.is_breaking for change in differences(old, new))


def _schema(old: Schema, new: Schema, place: str) -> Iterator[Change]:
    """A schema without a keyword is the one that takes anything, which breaks nothing."""
    if _rules(old) == _rules(new):
        return
    yield from _types(old, new, place)
    yield from _required(old, new, place)
    yield from _properties(old, new, place)
    for keyword, compare in _COMPARED.items():
        before, now = old.get(keyword, _ABSENT), new.get(keyword, _ABSENT)
        if before is not _ABSENT or now is not _ABSENT:
            yield from compare(keyword, before, now, place)
    yield from _branches(old, new, place)


def _rules(schema: Any) -> Any:
    """A schema without what only people read."""
    if isinstance(schema, list):
        return [_rules(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: value for name, value in schema.items() if name not in ANNOTATIONS}
    inner = kept.get("properties", {})
    named = {name: _rules(value) for name, value in inner.items()}
    return {n: named if n == "properties" else _rules(v) for n, v in kept.items()}


def _type_set(schema: Schema) -> frozenset[str]:
    """Types that a schema takes; a whole number is a number, so both are named."""
    stated = schema.get("type")
    if stated is None:
        return _TYPES | {"integer"}
    names = frozenset([stated] if isinstance(stated, str) else stated)
    return names | {"integer"} if "number" in names else names


def _types(old: Schema, new: Schema, place: str) -> Iterator[Change]:
    before, now = _type_set(old), _type_set(new)
    if before != now:
        said = f"type {_named(old)} became {_named(new)}"
        yield Change(place, said, not before <= now)


def _named(schema: Schema) -> str:
    stated = schema.get("type", "anything")
    return stated if isinstance(stated, str) else " or ".join(stated)


def _required(old: Schema, new: Schema, place: str) -> Iterator[Change]:
    before, now = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(now - before):
        yield Change(_at(place, name), "became required", is_breaking=True)
    for name in sorted(before - now):
        yield Change(_at(place, name), "is no longer required", is_breaking=False)


def _properties(old: Schema, new: Schema, place: str) -> Iterator[Change]:
    before, now = old.get("properties", {}), new.get("properties", {})
    for name in [*now, *(n for n in before if n not in now)]:
        where = _at(place, name)
        if name not in before:
            # Old events may hold anything under a name that their schema does not mention.
            yield Change(where, "field added", is_breaking=bool(_rules(now[name])))
        elif name not in now:
            yield Change(where, "field removed", is_breaking=False)
        else:
            yield from _schema(before[name], now[name], where)


def _branches(old: Schema, new: Schema, place: str) -> Iterator[Change]:
    """The two cases of `if`; where the question itself changed, nothing is sure."""
    asked = [_rules(s.get("if", _ABSENT)) for s in (old, new)]
    if asked == [_ABSENT, _ABSENT]:
        return
    if asked[0] != asked[1]:
        yield Change(place, "the cases are told apart otherwise", is_breaking=asked[1] != _ABSENT)
        return
    for name in ("then", "else"):
        yield from _schema(old.get(name, {}), new.get(name, {}), place)


def _items(_keyword: str, old: Any, new: Any, place: str) -> Iterator[Change]:
    before = {} if old is _ABSENT else old
    now = {} if new is _ABSENT else new
    yield from _schema(before, now, f"{place}[]")


def _all_of(_keyword: str, old: Any, new: Any, place: str) -> Iterator[Change]:
    """Rules that hold together: each may go; each that is new or changed may refuse."""
    before = [] if old is _ABSENT else [_rules(s) for s in old]
    now = [] if new is _ABSENT else [_rules(s) for s in new]
    for rule in now:
        if rule not in before:
            yield Change(place, f"a further rule: {_short(rule)}", is_breaking=True)
    for rule in before:
        if rule not in now:
            yield Change(place, f"a rule fell away: {_short(rule)}", is_breaking=False)


def _enum(_keyword: str, old: Any, new: Any, place: str) -> Iterator[Change]:
    before = None if old is _ABSENT else list(old)
    now = None if new is _ABSENT else list(new)
    if now is None:
        yield Change(place, "any value is taken", is_breaking=False)
    elif before is None:
        yield Change(place, f"only {_listed(now)} are taken", is_breaking=True)
    else:
        if gone := [v for v in before if v not in now]:
            yield Change(place, f"{_listed(gone)} no longer taken", is_breaking=True)
        if added := [v for v in now if v not in before]:
            yield Change(place, f"{_listed(added)} taken as well", is_breaking=False)


def _same(keyword: str, old: Any, new: Any, place: str) -> Iterator[Change]:
    if old is _ABSENT or new is _ABSENT or old != new:
        yield Change(place, _became(keyword, old, new), is_breaking=new is not _ABSENT)


def _lower(keyword: str, old: Any, new: Any, place: str) -> Iterator[Change]:
    if old is _ABSENT or new is _ABSENT or old != new:
        is_breaking = new is not _ABSENT and (old is _ABSENT or new > old)
        yield Change(place, _became(keyword, old, new), is_breaking)


def _upper(keyword: str, old: Any, new: Any, place: str) -> Iterator[Change]:
    if old is _ABSENT or new is _ABSENT or old != new:
        is_breaking = new is not _ABSENT and (old is _ABSENT or new < old)
        yield Change(place, _became(keyword, old, new), is_breaking)


def _became(keyword: str, old: Any, new: Any) -> str:
    before, now = ("none" if value is _ABSENT else str(value) for value in (old, new))
    return f"{keyword} {before} became {now}"


def _listed(values: Sequence[Any]) -> str:
    return ", ".join("null" if value is None else str(value) for value in values)


def _short(rule: Any) -> str:
    text = str(rule)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004  a line of a terminal


def _at(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


Compare = Callable[[str, Any, Any, str], Iterator[Change]]

_COMPARED: Mapping[str, Compare] = {
    "items": _items,
    "allOf": _all_of,
    "enum": _enum,
    "const": _same,
    "format": _same,
    "minimum": _lower,
    "exclusiveMinimum": _lower,
    "minLength": _lower,
    "maximum": _upper,
    "exclusiveMaximum": _upper,
}
"""Keyword → how two values of it compare; every keyword of `ingest.contract.checker` is one."""
