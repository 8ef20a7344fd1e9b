"""Connections that break or go silent, and sources that repeat themselves."""

import random
from contextlib import closing

import pytest

from ingest.publish import Publisher
from tests.faults.conftest import (
    Site,
    check_delivered,
    numbered,
    readable,
    send_until_acknowledged,
)

pytestmark = [pytest.mark.kafka, pytest.mark.faults]


def test_connections_that_are_reset_under_load_lose_nothing_and_keep_the_order(
    site: Site,
) -> None:
    settings = site.settings(delivery_timeout_s=20)
    events = numbered("reset", 3000)
    cut = [0]

    def reset(number: int) -> None:
        if number % 500 == 250:
            cut[0] += site.proxy.reset()

    with closing(Publisher(settings)) as publisher:
        sent = send_until_acknowledged(publisher, events, pace_s=0.0005, during=reset)
    assert cut[0] > 0
    check_delivered("reset", events, sent, readable(settings, "reset:"))


def test_connections_that_go_silent_are_noticed_and_nothing_is_lost(site: Site) -> None:
    settings = site.settings(delivery_timeout_s=4)
    events = numbered("silent", 2000)
    cut = [0]

    def silence(number: int) -> None:
        if number == 700:
            cut[0] += site.proxy.silence()

    with closing(Publisher(settings)) as publisher:
        sent = send_until_acknowledged(publisher, events, pace_s=0.0005, during=silence)
    assert cut[0] > 0
    check_delivered("silent", events, sent, readable(settings, "silent:"))


def test_events_that_are_sent_twice_are_readable_once_after_deduplication(site: Site) -> None:
    settings = site.settings(delivery_timeout_s=20)
    events = numbered("twice", 2000)
    chance = random.Random(3)
    repeated = [e for event in events for e in [event] * (1 + (chance.random() < 0.3))]
    with closing(Publisher(settings)) as publisher:
        sent = send_until_acknowledged(publisher, repeated)
    found = readable(settings, "twice:")
    assert len(found.ids) == len(repeated) > 1.25 * len(events)
    check_delivered("twice", events, sent, found)
