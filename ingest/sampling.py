"""How the first records of a source map and which of them the stream would reject.

Reads a source without touching anything; writes no topic.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from threading import Event as StopEvent
from typing import Any

from ingest.contract import Limits, Problem, check
from ingest.envelope import able_to_travel
from ingest.sources.config import SourceFile
from ingest.sources.model import Context, FieldMap, Item

CUT_CHARS = 60


@dataclass(kw_only=True)
class MappedField:
    """One field over all records of a sample."""

    canonical: str | None
    source: str | None
    """Where its values come from; several places where records differ."""
    filled: int = 0
    """Records in which it has a value."""
    example: Any = None
    problem: str | None = None
    """The first one."""


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A record that the stream would not accept."""

    origin: str
    problems: tuple[Problem, ...]


@dataclass(kw_only=True)
class Sample:
    """What a sample shows."""

    records: int = 0
    fields: list[MappedField] = field(default_factory=list)
    """Fields of our schema, in the order in which they were met."""
    not_carried: list[MappedField] = field(default_factory=list)
    """Fields of the source that no event carries."""
    rejected: list[Rejected] = field(default_factory=list)


def take_sample(source: SourceFile, limit: int, *, limits: Limits, now: datetime) -> Sample:
    """Look at the first records of a source, from its beginning.

    Args:
        source: what to read.
        limit: how many records at most.
        limits: those of the stream.
        now: what the broker's clock would say.

    Raises:
        SetupError: what the options name does not exist.
        ServiceError: the other side does not answer.
    """
    stop = StopEvent()
    context = Context(
        tenant=source.tenant,
        is_sampling=True,
        stop=stop,
        now=lambda: now,
        folder=source.folder,
        kafka=source.kafka,
    )
    sample = Sample()
    found: dict[tuple[str | None, str | None], MappedField] = {}
    for item in islice(source.source.read(source.options, context), limit):
        sample.records += 1
        for field_map in (*item.fields, *_mended(item)):
            _add(found, field_map)
        if problems := check(able_to_travel(item.event), limits, now=now):
            sample.rejected.append(Rejected(origin=item.origin, problems=tuple(problems)))
            _tell(found, problems)
    stop.set()
    sample.fields = [f for f in found.values() if f.canonical is not None]
    sample.not_carried = [f for f in found.values() if f.canonical is None]
    return sample


def _mended(item: Item) -> list[FieldMap]:
    """A row for each header that travels otherwise than the source has it."""
    mended = able_to_travel(item.event)
    if mended is item.event:
        return []
    said = "a header holds what cannot travel, as a line break; it is encoded"
    return [FieldMap(canonical="headers", source="headers", problem=said)]


def _add(found: dict[tuple[str | None, str | None], MappedField], one: FieldMap) -> None:
    key = (one.canonical, one.source if one.canonical is None else None)
    row = found.setdefault(key, MappedField(canonical=one.canonical, source=one.source))
    if one.source and one.source not in (known := (row.source or "").split(", ")):
        row.source = ", ".join([*filter(None, known), one.source])
    if not is_empty(one.value):
        row.filled += 1
        row.example = one.value if row.example is None else row.example
    row.problem = row.problem or one.problem


def _tell(
    found: dict[tuple[str | None, str | None], MappedField], problems: Sequence[Problem]
) -> None:
    """Put problems into the rows of their fields: `segments[3].text` is of `segments[].text`."""
    for problem in problems:
        canonical = re.sub(r"\[\d+\]", "[]", problem.field)
        for row in found.values():
            if row.canonical is not None and row.canonical == canonical:
                row.problem = row.problem or f"{problem.reason}: {problem.detail}"


def is_empty(value: Any) -> bool:
    """Whether a source has nothing for a field."""
    return value is None or value in ("", [], {})


def shown(value: Any, *, with_values: bool) -> str:
    """A value for people: its type and size, or itself cut to a line."""
    if value is None:
        return ""
    if with_values:
        text = " ".join(str(value).split())
        return text if len(text) <= CUT_CHARS else f"{text[: CUT_CHARS - 1]}…"
    return next((say(value) for kind, say in _SAID if isinstance(value, kind)), "something")


_SAID: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (str, lambda v: f"text, {len(v)} characters"),
    (bytes, lambda v: f"{len(v)} bytes"),
    (Mapping, lambda v: f"object, {len(v)} fields"),
    (list | tuple, lambda v: f"list of {len(v)}"),
    (bool, lambda _: "true or false"),
    (int | float, lambda _: "number"),
    (datetime, lambda _: "time"),
)
