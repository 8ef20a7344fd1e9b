"""The changing records of a desk as items in order, and where to go on after each.

A desk is read in passes. A pass has a span of time (from, until]: every record that changed after
`from` is looked at, in the order of its changes, and of what it holds only that is told which
came about within the span. `until` lies `lag_s` before the pass began, so that what is stamped
within the span exists when it is looked for, and the next pass goes on at it: nothing is skipped
and nothing told twice. After a restart within a pass the same span is gone through to its end;
only a record that changed in between may be told again then, under the same event ids.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from deskwheel.errors import ConfigError
from deskwheel.records import Event
from ingest.sources.model import Context, FieldMap, Item

BEGINNING = "1970-01-01T00:00:00.000000Z"


@dataclass(frozen=True, kw_only=True)
class Record:
    """A ticket, thread or message of a desk, as its API gives it."""

    id: str
    at: str
    """When it changed last, made by `moment`."""
    body: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Told:
    """One event out of a record."""

    at: str
    """When it came about, made by `moment`."""
    event: Event
    fields: tuple[FieldMap, ...] = ()

    @property
    def key(self) -> str:
        """Orders the events of one record."""
        return f"{self.at} {self.event.id}"


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One list of a desk that grows or changes."""

    name: str
    records: Callable[[str], Iterator[Record]]
    """From a moment on (inclusive) in order of `at`; may yield a record again that changed."""
    tell: Callable[[Record], Iterable[Told]]
    """What a record holds; order does not matter."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How far a stream was read."""

    start: str = BEGINNING
    until: str = ""
    """End of the pass that is under way; empty between two passes."""
    at: str = ""
    """Change time of the record that was looked at last in this pass."""
    ids: tuple[str, ...] = ()
    """Records of that very time that are done."""
    part: tuple[str, str] = ("", "")
    """Record that is half told, and the key of what was told of it last."""


def moment(value: object) -> str:
    """Return a time (ISO 8601 text, or Unix seconds as number or text) as sortable text.

    Empty for what is no time.
    """
    try:
        if isinstance(value, str) and "-" in value:
            found = datetime.fromisoformat(value)
            found = found if found.tzinfo else found.replace(tzinfo=UTC)
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            found = datetime.fromtimestamp(float(value), UTC)
        else:
            return ""
        return text_of(found)
    except (ValueError, OverflowError, OSError):
        return ""


def text_of(at: datetime) -> str:
    """Return a time as `moment` writes it: UTC with microseconds, so that texts sort by time."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def walk(
    streams: Sequence[Stream],
    context: Context,
    *,
    since: str,
    lag_s: float,
    poll_s: float,
) -> Iterator[Item]:
    """Yield what is new in each stream; with `context.is_following` again and again.

    Args:
        streams: the lists of one desk.
        context: where the last run came to, and whether to stay.
        since: where a first run begins, made by `moment`.
        lag_s: what came about less than this long ago is left to the next pass: clocks differ,
            and APIs show late what was done just now.
        poll_s: time between two passes.

    Raises:
        ConfigError: the position is none of this source.
    """
    marks = {s.name: Mark(start=since) for s in streams} | _read(context.position)
    while True:
        for stream in streams:
            if not context.stop.is_set():
                yield from _one_pass(stream, marks, context, lag_s)
        if not context.is_following or context.stop.wait(poll_s):
            return


def _one_pass(
    stream: Stream, marks: dict[str, Mark], context: Context, lag_s: float
) -> Iterator[Item]:
    mark = marks[stream.name]
    if not mark.until:
        until = text_of(context.now() - timedelta(seconds=lag_s))
        if until <= mark.start:
            return
        mark = replace(mark, until=until, at=mark.start)
    # Held back by one: the last item of a pass carries the position at which the next begins.
    held: Told | None = None
    held_mark = mark
    done: set[str] = set()
    for record in stream.records(mark.at):
        if context.stop.is_set():
            break
        if record.id in done or (record.at <= mark.at and record.id in mark.ids):
            continue
        for told in sorted(_within(stream.tell(record), mark, record), key=lambda t: t.key):
            if held is not None:
                yield _item(stream, held, marks | {stream.name: held_mark}, context)
            held, held_mark = told, replace(mark, part=(record.id, told.key))
        done.add(record.id)
        ids = (*mark.ids, record.id) if record.at == mark.at else (record.id,)
        part = ("", "") if mark.part[0] == record.id else mark.part
        mark = replace(mark, at=max(mark.at, record.at), ids=ids, part=part)
    else:
        if not context.stop.is_set():
            held_mark = mark = Mark(start=mark.until)
    marks[stream.name] = mark
    if held is not None:
        yield _item(stream, held, marks | {stream.name: held_mark}, context)


def _within(told: Iterable[Told], mark: Mark, record: Record) -> Iterator[Told]:
    last = mark.part[1] if mark.part[0] == record.id else ""
    for one in told:
        if mark.start < one.at <= mark.until and one.key > last:
            yield one


def _item(stream: Stream, told: Told, marks: dict[str, Mark], context: Context) -> Item:
    return Item(
        event=told.event,
        origin=f"{stream.name} {told.event.id}",
        position=json.dumps({name: vars(m) for name, m in marks.items()}, sort_keys=True),
        fields=told.fields if context.is_sampling else (),
    )


def _read(position: str | None) -> dict[str, Mark]:
    if position is None:
        return {}
    try:
        stored = json.loads(position)
        return {
            name: Mark(**{**m, "ids": tuple(m["ids"]), "part": tuple(m["part"])})
            for name, m in stored.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(
            f"the position kept for this source is none of a desk ({position[:80]!r});"
            " remove it to read the desk from `since` on"
        ) from error
