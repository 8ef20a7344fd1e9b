"""The broker is killed and comes back while events are published."""

import threading
import time
from collections.abc import Callable
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


def killing(site: Site, *, at: int, away_s: float = 0.0) -> Callable[[int], None]:
    """A step that kills the broker at an event, and another thread that brings it back."""

    def back() -> None:
        time.sleep(away_s)
        site.broker.restart(wait=False)

    def step(number: int) -> None:
        if number == at:
            site.broker.kill()
            threading.Thread(target=back).start()

    return step


def test_a_broker_that_is_back_before_the_delivery_time_out_costs_no_event_and_no_order(
    site: Site,
) -> None:
    settings = site.settings(delivery_timeout_s=40)
    events = numbered("killed", 3000)
    with closing(Publisher(settings)) as publisher:
        sent = send_until_acknowledged(
            publisher, events, pace_s=0.0005, during=killing(site, at=1500)
        )
    site.broker.await_ready()
    found = readable(settings, "killed:")
    check_delivered("killed and back in time", events, sent, found)
    assert not sent.failures


def test_a_broker_that_is_away_for_longer_fails_events_that_are_then_sent_again(
    site: Site,
) -> None:
    settings = site.settings(delivery_timeout_s=1.5)
    events = numbered("late", 2000)
    with closing(Publisher(settings)) as publisher:
        sent = send_until_acknowledged(
            publisher, events, pace_s=0.0005, during=killing(site, at=900, away_s=2)
        )
    site.broker.await_ready()
    assert sent.failures
    check_delivered("killed and back too late", events, sent, readable(settings, "late:"))


@pytest.mark.slow
def test_a_broker_that_is_killed_again_and_again_loses_nothing(site: Site) -> None:
    settings = site.settings(delivery_timeout_s=10)
    events = numbered("often", 20_000)
    steps = [killing(site, at=at, away_s=1) for at in range(2000, 20_000, 6000)]

    def during(number: int) -> None:
        for step in steps:
            step(number)

    with closing(Publisher(settings)) as publisher:
        sent = send_until_acknowledged(publisher, events, pace_s=0.001, during=during)
    site.broker.await_ready()
    check_delivered("killed thrice", events, sent, readable(settings, "often:"))
