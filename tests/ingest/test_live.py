import email
import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.message import Message
from itertools import islice
from typing import Any

import pytest

from deskwheel.errors import ConfigError
from deskwheel.records import Event
from ingest.envelope import headers_of
from ingest.simulate.live import (
    MAX_CUSTOMERS,
    MAX_OPEN,
    POISON_SHARE,
    Traffic,
    open_conversations,
    steady_clock,
)
from ingest.simulate.locales import LOCALES
from ingest.simulate.mix import CHANNEL_WEIGHTS, parse_channels
from ingest.simulate.outsiders import OUTSIDERS
from ingest.simulate.poison import POISON
from tests.ingest.conftest import NOON

RATE = 50.0


def traffic(seed: int = 1, **changes: Any) -> Traffic:
    values: dict[str, Any] = {"now": steady_clock(NOON, RATE), "conversations": 60}
    return Traffic(seed, **values | changes)


def take(count: int, seed: int = 1, **changes: Any) -> list[Event]:
    return list(islice(traffic(seed, **changes), count))


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return take(8000)


def mails(events: Sequence[Event]) -> list[Message]:
    found = [email.message_from_bytes(e.data) for e in events if e.channel == "email"]
    return [m for m in found if m["From"] and m["From"] != "kim@example.com"]


def words(mail: Message) -> str:
    for part in mail.walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes) and part.get_content_type() == "text/plain":
            return payload.decode(part.get_content_charset() or "utf-8").replace("\r\n", "\n")
    return ""


def test_same_seed_gives_byte_identical_events(events: list[Event]) -> None:
    assert take(2000) == events[:2000]


def test_ids_repeat_in_duplicates_only() -> None:
    source = traffic()
    repeats = Counter(e.id for e in islice(source, 8000))
    assert set(repeats.values()) == {1, 2}
    assert sum(n - 1 for n in repeats.values()) == source.told["duplicate"] > 100


def test_another_seed_never_gives_an_id_again(events: list[Event]) -> None:
    assert not {e.id for e in events} & {e.id for e in take(8000, seed=2)}


def test_every_event_says_that_it_is_synthetic_and_can_travel(events: list[Event]) -> None:
    for event in events:
        assert dict(headers_of(event))["synthetic"] == b"true"


def test_events_bear_the_time_at_which_they_are_asked_for() -> None:
    source = traffic(messiness=0)
    for number, event in enumerate(islice(source, 500)):
        assert event.time == NOON + timedelta(seconds=number / RATE)


def test_late_and_repeated_events_bear_an_older_time_and_no_others() -> None:
    source = traffic()
    older = 0
    for number, event in enumerate(islice(source, 8000)):
        is_behind = event.time < NOON + timedelta(seconds=number / RATE)
        older += is_behind and event.time.year == NOON.year
    assert older == source.told["late"] + source.told["duplicate"]
    assert source.told["late"] > 50


def test_gaps_are_those_of_the_stories_where_the_rate_allows_it() -> None:
    rate, channels = 4.0, parse_channels("chat")
    count = open_conversations(rate, channels)
    said = take(
        4000, now=steady_clock(NOON, rate), channels=channels, messiness=0, conversations=count
    )
    times: dict[str, list[float]] = defaultdict(list)
    for event in said[2000:]:
        times[event.key].append(event.time.timestamp())
    gaps = [b - a for t in times.values() for a, b in zip(t, t[1:], strict=False)]
    assert 25 < statistics.median(gaps) < 60


def test_memory_is_bounded() -> None:
    source = traffic(messiness=2.0)
    sizes = []
    for _ in range(12):
        sum(1 for _ in islice(source, 500))
        sizes.append(len(source._agenda))  # noqa: SLF001
    assert len(source._customers) <= MAX_CUSTOMERS  # noqa: SLF001
    assert max(sizes[6:]) < 60 + 1.5 * max(sizes[:6])


def test_more_conversations_than_memory_allows_are_not_opened() -> None:
    assert open_conversations(1e9, CHANNEL_WEIGHTS) == MAX_OPEN
    assert open_conversations(None, CHANNEL_WEIGHTS) == MAX_OPEN
    assert open_conversations(10, CHANNEL_WEIGHTS) < 2000


def test_poison_comes_at_a_steady_share_and_every_kind_before_any_again() -> None:
    source = traffic()
    list(islice(source, 4000))
    first = source.told["poison"]
    list(islice(source, 4000))
    assert first == pytest.approx(4000 * POISON_SHARE, abs=1)
    assert source.told["poison"] == pytest.approx(8000 * POISON_SHARE, abs=1)
    short = traffic(messiness=2.0)
    kinds = [short._kinds.draw() for _ in POISON]  # noqa: SLF001
    assert sorted(kinds) == sorted(POISON)


def test_clean_traffic_tells_nothing_but_stories() -> None:
    source = traffic(messiness=0)
    list(islice(source, 1000))
    assert set(source.told) <= {"chat", "email", "call"}


def test_only_the_named_channels_are_told() -> None:
    for name in ("chat", "email", "call"):
        source = traffic(channels=parse_channels(name), messiness=2.0)
        assert {e.channel for e in islice(source, 1500)} == {name}


def test_weights_shift_the_mix() -> None:
    few, many = (
        Counter(e.channel for e in take(3000, channels=parse_channels(text), messiness=0)[1500:])
        for text in ("chat:4,call", "chat,call:4")
    )
    assert many["call"] > 3 * few["call"]


def test_every_mail_parses_without_a_defect(events: list[Event]) -> None:
    for mail in mails(events):
        assert not [part.defects for part in mail.walk() if part.defects]


def test_mails_quote_in_every_language_deeply_and_on_both_sides(events: list[Event]) -> None:
    texts = [text for mail in mails(events) if (text := words(mail))]
    everything = "\n".join(texts)
    for locale in LOCALES:
        assert locale.original in everything
        # The last word of a line above a quote: wrote, schrieb, a écrit …
        endings = {a.rpartition("}")[2].strip() or a.split()[0] for a in locale.attributions}
        assert any(ending in everything for ending in endings)
    assert any(line.startswith("> > > >") for line in everything.split("\n"))
    quoting = [t for t in texts if "\n> " in t or t.startswith("> ")]
    below = [t for t in quoting if not t.rstrip().rpartition("\n")[2].startswith(">")]
    assert 0 < len(below) < len(quoting)


def test_machines_answer_in_several_languages(events: list[Event]) -> None:
    texts = "\n".join(words(mail) for mail in mails(events))
    assert sum(locale.away in texts for locale in LOCALES) >= 3
    assert sum(locale.received.split("{")[0] in texts for locale in LOCALES) >= 3


def test_some_automatic_answers_say_so_in_a_header_and_some_do_not(events: list[Event]) -> None:
    away = [m for m in mails(events) if any(x.away in words(m) for x in LOCALES)]
    signed = [m for m in away if m["Auto-Submitted"]]
    assert 0 < len(signed) < len(away)


def test_every_kind_of_outsider_comes() -> None:
    source = traffic(channels=CHANNEL_WEIGHTS)
    assert sorted(source._outsiders) == sorted(OUTSIDERS)  # noqa: SLF001
    subjects = {str(m["Subject"]) for m in mails(take(3500, messiness=2.0))}
    for start in ("Invoice", "Application", "YOU WON", "Delivery Status", "Quick question"):
        assert any(s.startswith(start) for s in subjects), start


def test_callers_stumble(events: list[Event]) -> None:
    said = [
        segment["text"]
        for e in events
        if e.channel == "call" and e.content_type == "application/json"
        for segment in json.loads(e.data).get("segments", ())
    ]
    assert any("[inaudible]" in s or "[crosstalk]" in s for s in said)
    assert any("hold on" in s or "let me say" in s for s in said)


def test_a_call_is_dated_at_its_end_and_says_when_it_began(events: list[Event]) -> None:
    calls = [e for e in events if e.id.startswith("ca-") and e.content_type == "application/json"]
    assert len(calls) > 50
    for event in calls:
        began = datetime.fromisoformat(json.loads(event.data)["started_at"])
        assert timedelta(0) <= event.time - began < timedelta(minutes=5)


@pytest.mark.parametrize(
    "text", ["", "chat,chat", "fax", "chat:0", "chat:x", "chat:-1", "chat:inf"]
)
def test_a_wrong_list_of_channels_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--channels"):
        parse_channels(text)


def test_a_channel_without_a_weight_has_one() -> None:
    assert parse_channels("chat, email:2,call") == {"chat": 1, "email": 2, "call": 1}
