"""The verb for synthetic traffic: simulate. Writes the raw topics, or a folder.

Live traffic goes on until a signal, `--events` or `--for`; a number of conversations with their
ledger is a recording, the same to the byte for the same arguments.
"""

import json
import re
import secrets
import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as StopEvent
from threading import Lock

from deskwheel.errors import ConfigError, PublishError
from deskwheel.records import Channel, Event
from deskwheel.service import stop_event
from deskwheel.settings import Settings
from ingest.commands.output import print_json
from ingest.commands.play import play_events, tell
from ingest.envelope import parsed_time
from ingest.publish import Delivery, Publisher
from ingest.replay import MAX_IN_FLIGHT, play, write_folder
from ingest.simulate import simulate, span
from ingest.simulate.live import Clock, Traffic, open_conversations, steady_clock, wall_clock
from ingest.simulate.mix import CHANNEL_WEIGHTS, parse_channels

MAX_MESSINESS = 2.0
CONVERSATIONS = 400
"""Of a recording, unless told."""

SEED = 1
"""Of a recording, unless told; live traffic draws one, or a restart would repeat its ids."""

FAST_LINE_S, SLOW_LINE_S = 1.0, 10.0
"""Time between two lines of progress, on a terminal and in a log."""

MIN_IN_FLIGHT = 16
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d)?")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def simulate_verb(settings: Settings, arguments: Namespace) -> int:
    """Publish synthetic traffic until told to stop, or a recording, or write one (`--out`)."""
    channels = parse_channels(arguments.channels) if arguments.channels else CHANNEL_WEIGHTS
    if not 0 <= arguments.messiness <= MAX_MESSINESS:
        raise ConfigError(
            f"--messiness must be from 0 to {MAX_MESSINESS:g}, got {arguments.messiness:g}"
        )
    if arguments.rate is not None and arguments.rate <= 0:
        raise ConfigError(f"--rate must be above 0 events a second, got {arguments.rate:g}")
    if arguments.conversations is None and not arguments.out:
        return _live(settings, arguments, channels)
    return _recording(settings, arguments, channels)


def _recording(settings: Settings, arguments: Namespace, channels: Mapping[Channel, float]) -> int:
    if arguments.events is not None or arguments.duration is not None:
        raise ConfigError(
            "--events and --for end live traffic; leave out --conversations and --out with them"
        )
    if arguments.out and arguments.rate is not None:
        raise ConfigError("--rate paces what is published, --out writes a folder; leave one out")
    count = CONVERSATIONS if arguments.conversations is None else arguments.conversations
    if count < 0:
        raise ConfigError(f"--conversations must be ≥ 0, got {count}")
    start = _start(arguments) or datetime.now(UTC) - span(count)
    simulation = simulate(
        SEED if arguments.seed is None else arguments.seed,
        count,
        start=start,
        messiness=arguments.messiness,
        tenant=settings.pipeline.tenant,
        channels=channels,
    )
    ledger = asdict(simulation.ledger)
    _announce(f"{count} conversations of seed {simulation.ledger.seed}")
    if not arguments.out:
        total = len(simulation.events)
        return play_events(settings, arguments, simulation.events, total, ledger=ledger)
    folder = Path(arguments.out)
    written = write_folder(simulation.events, folder)
    (folder / "ledger.json").write_text(json.dumps(ledger, indent=1) + "\n", encoding="utf-8")
    if arguments.json:
        print_json({"folder": str(folder), "written": written, "ledger": ledger})
    else:
        print(f"{written} events of {count} conversations in {folder}")
    return 0


def _live(settings: Settings, arguments: Namespace, channels: Mapping[Channel, float]) -> int:
    rate, seed = arguments.rate, arguments.seed
    seed = secrets.randbits(32) if seed is None else seed
    limit_s = None if arguments.duration is None else seconds_of(arguments.duration)
    if arguments.events is not None and arguments.events < 0:
        raise ConfigError(f"--events must be ≥ 0, got {arguments.events}")
    traffic = Traffic(
        seed,
        now=_clock(arguments),
        channels=channels,
        messiness=arguments.messiness,
        tenant=settings.pipeline.tenant,
        conversations=open_conversations(rate, channels),
    )
    pace = "as fast as it goes" if rate is None else f"{rate:g} events/s"
    _announce(f"seed {seed}, {pace}")
    stop = stop_event()
    with closing(Publisher(settings.kafka)) as publisher:
        outlet = CountedOutlet(publisher)
        line = ProgressLine(traffic.told, outlet, is_quiet=arguments.json)
        events = paced(
            traffic, rate_per_s=rate, stop=stop, max_events=arguments.events, limit_s=limit_s
        )
        in_flight = MAX_IN_FLIGHT if rate is None else max(MIN_IN_FLIGHT, int(2 * rate))
        played = play(
            events,
            outlet,
            progress=line.show,
            stop=stop,
            max_in_flight=min(MAX_IN_FLIGHT, in_flight),
        )
        line.end()
    return tell(arguments, played, seed=seed, told=dict(traffic.told))


def _announce(what: str) -> None:
    print(
        f"ingest simulate: synthetic traffic, invented by a program ({what});"
        " every event carries the header synthetic=true",
        file=sys.stderr,
    )


def _clock(arguments: Namespace) -> Clock:
    start = _start(arguments)
    if start is None:
        return wall_clock
    if arguments.rate is None:
        raise ConfigError("--start without --conversations needs a --rate: times go on at it")
    return steady_clock(start, arguments.rate)


def _start(arguments: Namespace) -> datetime | None:
    start = parsed_time(arguments.start) if arguments.start else None
    if arguments.start and start is None:
        raise ConfigError(
            f"--start {arguments.start}: write ISO 8601 with its zone, as 2026-04-01T08:00Z"
        )
    return start


def seconds_of(text: str) -> float:
    """Return the seconds of `90`, `90s`, `10m`, `1.5h` or `2d`.

    Raises:
        ConfigError: it is written otherwise.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"--for {text}: write a number and s, m, h or d, as 10m")
    return float(found[1]) * _UNIT_S[found[2] or "s"]


def paced(
    events: Iterator[Event],
    *,
    rate_per_s: float | None,
    stop: StopEvent,
    max_events: int | None = None,
    limit_s: float | None = None,
) -> Iterator[Event]:
    """Yield events evenly spaced, each made at the moment when it is due.

    The spacing counts from the start, so what was late once is caught up with.

    Args:
        events: asked for one at a time.
        rate_per_s: events a second; None is as fast as they are taken.
        stop: ends the waiting and the events.
        max_events: ends after so many.
        limit_s: ends after that time.
    """
    began, sent = time.monotonic(), 0
    while not stop.is_set() and (max_events is None or sent < max_events):
        if rate_per_s:
            wait_s = began + sent / rate_per_s - time.monotonic()
            if wait_s > 0 and stop.wait(wait_s):
                return
        if limit_s is not None and time.monotonic() >= began + limit_s:
            return
        sent += 1
        yield next(events)


class CountedOutlet:
    """A publisher that counts what was acknowledged and what failed, as it happens."""

    def __init__(self, publisher: Publisher) -> None:
        """Count from nothing."""
        self._publisher = publisher
        self._lock = Lock()
        self.acknowledged = 0
        self.failed = 0

    def publish(self, event: Event) -> Delivery:
        """Hand the event over and return its receipt."""
        try:
            delivery = self._publisher.publish(event)
        except PublishError:
            self._count(is_acknowledged=False)
            raise
        delivery.add_done_callback(lambda d: self._count(is_acknowledged=d.is_acknowledged))
        return delivery

    def _count(self, *, is_acknowledged: bool) -> None:
        with self._lock:
            self.acknowledged += is_acknowledged
            self.failed += not is_acknowledged


class ProgressLine:
    """A line on standard error now and then: rate, channels, acknowledged, failed."""

    def __init__(
        self,
        told: Counter[str],
        outlet: CountedOutlet,
        *,
        is_quiet: bool,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start to measure.

        Args:
            told: events so far by channel and kind; grows elsewhere.
            outlet: counts what became of them.
            is_quiet: say nothing.
            now: a clock in seconds.
        """
        self._told, self._outlet, self._is_quiet, self._now = told, outlet, is_quiet, now
        self._is_terminal = sys.stderr.isatty()
        self._every_s = FAST_LINE_S if self._is_terminal else SLOW_LINE_S
        self._since, self._sent = now(), 0

    def show(self, sent: int) -> None:
        """Print a line if it is time for one; `sent` is how many events went out so far."""
        took_s = self._now() - self._since
        if self._is_quiet or took_s < self._every_s:
            return
        rate = (sent - self._sent) / took_s
        self._since, self._sent = self._now(), sent
        channels = " ".join(f"{name} {self._told[name]}" for name in ("chat", "email", "call"))
        line = (
            f"{rate:.1f} events/s, {sent} sent ({channels}),"
            f" {self._outlet.acknowledged} acknowledged, {self._outlet.failed} failed"
        )
        print(f"\r{line:<100}" if self._is_terminal else line, end=self._ending, file=sys.stderr,
              flush=True)  # fmt: skip

    def end(self) -> None:
        """Leave the line, so that what follows stands on its own."""
        if self._is_terminal and not self._is_quiet:
            print(file=sys.stderr)

    @property
    def _ending(self) -> str:
        return "" if self._is_terminal else "\n"
