"""Passes over a desk's lists: what is told, and where the next run goes on."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from ingest.sources.desks.walk import BEGINNING, Record, Stream, Told, moment, text_of, walk
from ingest.sources.model import Context, Item
from tests.ingest.conftest import NOON, make_event


def at(minutes: float) -> str:
    return text_of(NOON + timedelta(minutes=minutes))


@dataclass
class Toy:
    """Tickets in memory: id → the minutes at which something was written."""

    tickets: dict[str, list[float]] = field(default_factory=dict)

    def records(self, since: str) -> Iterator[Record]:
        changed = [(at(max(said)), name) for name, said in self.tickets.items()]
        for when, name in sorted(changed):
            if when >= since:
                yield Record(id=name, at=when, body={})

    def tell(self, record: Record) -> Iterator[Told]:
        for minute in reversed(self.tickets[record.id]):
            yield Told(at=at(minute), event=make_event(id=f"{record.id}@{minute:g}"))

    def stream(self, name: str = "tickets") -> Stream:
        return Stream(name=name, records=self.records, tell=self.tell)


def read(
    *streams: Stream, minute: float, position: str | None = None, lag_s: float = 0
) -> list[Item]:
    context = Context(position=position, now=lambda: NOON + timedelta(minutes=minute))
    return list(walk(streams, context, since=BEGINNING, lag_s=lag_s, poll_s=1))


def names(items: list[Item]) -> list[str]:
    return [item.event.id for item in items]


def test_tickets_are_told_in_order_of_their_change_and_each_from_its_beginning() -> None:
    toy = Toy({"a": [1, 5], "b": [2, 3]})
    assert names(read(toy.stream(), minute=9)) == ["b@2", "b@3", "a@1", "a@5"]


def test_the_next_pass_tells_only_what_was_added() -> None:
    toy = Toy({"a": [1, 5], "b": [2]})
    first = read(toy.stream(), minute=6)
    toy.tickets["a"].append(7)
    second = read(toy.stream(), minute=8, position=first[-1].position)
    assert names(second) == ["a@7"]
    assert read(toy.stream(), minute=9, position=second[-1].position) == []


def test_what_is_too_young_waits_though_its_ticket_is_looked_at() -> None:
    toy = Toy({"a": [1, 5]})
    first = read(toy.stream(), minute=6, lag_s=120)
    assert names(first) == ["a@1"]
    assert names(read(toy.stream(), minute=9, position=first[-1].position)) == ["a@5"]


@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_skipped_or_told_twice_wherever_a_run_ends(seed: int) -> None:
    """Tickets grow between runs; each run is cut off after any number of items."""
    rng = random.Random(seed)
    toys = (Toy(), Toy())
    streams = [toy.stream(str(n)) for n, toy in enumerate(toys)]
    told: list[str] = []
    position = None
    for minute in range(10, 300, 10):
        for n, toy in enumerate(toys):
            for _ in range(rng.randrange(4)):
                said = toy.tickets.setdefault(f"{n}-{rng.randrange(6)}", [])
                said.append(minute - rng.randrange(1, 9) - rng.random())
                said.sort()
        found = read(*streams, minute=minute, position=position)
        if found and rng.random() < 0.7:
            found = found[: rng.randrange(1, len(found) + 1)]
        # Everything is told before tickets change again.
        told += names(found)
        position = found[-1].position if found else position
        rest = read(*streams, minute=minute, position=position)
        told += names(rest)
        position = rest[-1].position if rest else position
    expected = sorted(
        f"{name}@{m:g}" for toy in toys for name, said in toy.tickets.items() for m in said
    )
    assert len(expected) > 40
    assert sorted(told) == expected


def test_a_ticket_that_changes_while_a_pass_is_interrupted_is_never_skipped() -> None:
    toy = Toy({"a": [1, 2], "b": [3], "c": [4]})
    whole = read(toy.stream(), minute=5)
    toy.tickets["a"].append(6)
    rest = read(toy.stream(), minute=7, position=whole[2].position)
    later = read(toy.stream(), minute=7, position=rest[-1].position)
    assert set(names(whole[:3]) + names(rest) + names(later)) == {
        "a@1", "a@2", "b@3", "c@4", "a@6",
    }  # fmt: skip


def test_tickets_of_one_moment_are_all_told_when_a_run_ends_among_them() -> None:
    toy = Toy({"a": [1], "b": [1], "c": [1]})
    for taken in (1, 2, 3):
        first = read(toy.stream(), minute=2)[:taken]
        rest = read(toy.stream(), minute=3, position=first[-1].position)
        assert sorted(names(first) + names(rest)) == ["a@1", "b@1", "c@1"]


@pytest.mark.parametrize(
    "value",
    ["2026-04-01T12:00:00Z", "2026-04-01T14:00:00+02:00", "2026-04-01T12:00:00", 1775044800,
     "1775044800.000000"],
)  # fmt: skip
def test_a_time_is_read_however_a_desk_writes_it(value: object) -> None:
    assert moment(value) == "2026-04-01T12:00:00.000000Z"


@pytest.mark.parametrize("value", [None, "", "soon", "9" * 40, True, {}, "2026-13-01T00:00:00Z"])
def test_what_is_no_time_is_none(value: object) -> None:
    assert moment(value) == ""


def test_moments_sort_by_time() -> None:
    early = datetime(999, 1, 1, tzinfo=UTC)
    assert text_of(early) < at(0) < at(0.001)
