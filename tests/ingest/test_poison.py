import random
from datetime import timedelta

import pytest

from deskwheel.reasons import DEAD_LETTER
from deskwheel.records import Event, Pointer
from deskwheel.settings import Settings
from deskwheel.topics import raw_topic
from ingest.envelope import headers_of
from ingest.simulate.names import counted, drawn
from ingest.simulate.poison import HUGE_CHARS, POISON, channel_of, render_poison
from tests.ingest.conftest import NOON
from transforms.parse.model import RawEvent
from transforms.turns import Rules, turn_rows

RULES = Rules.of(Settings(), b"toy key")


def poison(kind: str, seed: int = 1) -> Event:
    name = drawn(random.Random(seed))
    return render_poison(kind, moment=NOON, tenant="default", name=name)


def received(event: Event) -> RawEvent:
    is_small = len(event.data) <= RULES.limits.max_event_bytes
    return RawEvent(
        channel=event.channel,
        data=event.data if is_small else b"",
        size=len(event.data),
        headers={k.lower(): v.decode() for k, v in headers_of(event)},
        ingested_at=NOON + timedelta(seconds=1),
    )


@pytest.mark.parametrize("kind", POISON)
def test_the_stream_rejects_each_kind_for_its_reason(kind: str) -> None:
    event = poison(kind)
    place = Pointer(topic=raw_topic(event.channel), partition=0, offset=0)
    [row] = turn_rows(received(event), place, RULES, batch_id=0)
    assert (row.verdict, row.reason) == ("rejected", POISON[kind]), row.detail


def test_every_reason_is_one_that_makes_a_dead_letter() -> None:
    assert set(POISON.values()) <= DEAD_LETTER


@pytest.mark.parametrize("kind", POISON)
def test_a_kind_can_be_sent_twice_without_being_a_duplicate(kind: str) -> None:
    name = counted(1)
    one, other = (
        render_poison(kind, moment=NOON, tenant="default", name=name, huge_chars=10)
        for _ in range(2)
    )
    assert one.id != other.id
    assert one.channel == channel_of(kind)


def test_a_huge_event_is_as_huge_as_told() -> None:
    event = render_poison(
        "huge", moment=NOON, tenant="default", name=counted(1), huge_chars=2_000_000
    )
    assert 2_000_000 < len(event.data) < HUGE_CHARS
