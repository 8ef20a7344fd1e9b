"""Endless traffic: conversations that overlap for as long as somebody asks for events.

Same stories as `traffic`, with deeper threads in seven languages' quoting, people who stumble in
calls, and more that asks nothing. Publishes nothing itself; memory does not grow with time.
"""

import heapq
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

from deskwheel.demo.catalogue import load_catalogue
from deskwheel.records import Channel, Event
from ingest.simulate.chance import happens
from ingest.simulate.dialogue import Dialogue, write_dialogue
from ingest.simulate.mail import mail_steps
from ingest.simulate.mix import CHANNEL_WEIGHTS
from ingest.simulate.names import counted
from ingest.simulate.outsiders import CHANNEL_OF, OUTSIDERS, render_outsider
from ingest.simulate.people import Customer, draw_customer
from ingest.simulate.poison import POISON, channel_of, render_poison
from ingest.simulate.quotes import draw_habit
from ingest.simulate.render import call_steps, chat_steps
from ingest.simulate.traffic import (
    DUPLICATE_SHARE,
    LATE_S,
    LATE_SHARE,
    RETURNING_SHARE,
    duplicate,
)
from ingest.simulate.wire import Step

MAX_OPEN = 5000
"""Conversations under way at a time: bounds memory. Where the rate would need more of them, time
in the stories runs faster than the clock."""

MIN_OPEN = 8
MAX_CUSTOMERS = 1000
"""Customers who may come back; a new one takes the place of an old one."""

OUTSIDER_SHARE = 0.06
POISON_SHARE = 0.002
"""Of events, at messiness 1."""

HUGE_CHARS = 1_500_000
"""Above the default of `transforms.max_event_bytes`, and a steady share of it is no flood."""

DUPLICATE_S = (1.0, 300.0)

TYPICAL: Mapping[Channel, tuple[float, float]] = {
    "chat": (6.7, 305.0), "email": (3.7, 1605.0), "call": (1.0, 43.0),
}  # fmt: skip
"""Channel → (events, seconds) of a conversation; means of 4,000 stories of `write_dialogue`."""

Clock = Callable[[], datetime]
"""Time of the event that comes next, in UTC."""

Pending = Callable[[], Event | None]


def wall_clock() -> datetime:
    """Return the time of the machine."""
    return datetime.now(UTC)


def steady_clock(start: datetime, rate_per_s: float) -> Clock:
    """Return a clock that starts there and goes on by one event's share a call: repeatable."""
    numbers = count()
    return lambda: start + timedelta(seconds=next(numbers) / rate_per_s)


def open_conversations(rate_per_s: float | None, channels: Mapping[Channel, float]) -> int:
    """Return how many conversations overlap so that gaps last as long as in the stories.

    By Little's law rate × seconds / events of a typical conversation, within MIN_OPEN and
    MAX_OPEN; at more than the latter gives, or without a rate, the stories run faster.
    """
    if rate_per_s is None:
        return MAX_OPEN
    events = sum(weight * TYPICAL[channel][0] for channel, weight in channels.items())
    seconds = sum(weight * TYPICAL[channel][1] for channel, weight in channels.items())
    return max(MIN_OPEN, min(MAX_OPEN, round(rate_per_s * seconds / events)))


class Traffic(Iterator[Event]):
    """An iterator over events that never ends.

    The same seed, channels, messiness and number of open conversations give the same events, up
    to their times, which are the clock's at the moment when each is asked for; late events carry
    the time at which they should have come. Ids never repeat, but in duplicates, and never occur
    under another seed.
    """

    def __init__(
        self,
        seed: int,
        *,
        now: Clock = wall_clock,
        channels: Mapping[Channel, float] = CHANNEL_WEIGHTS,
        messiness: float = 1.0,
        tenant: str = "default",
        conversations: int = MAX_OPEN,
    ) -> None:
        """Open the conversations, none of which has said anything yet.

        Args:
            seed: chooses the stories.
            now: asked once an event.
            channels: how often a conversation is of each channel, in proportion.
            messiness: as in `simulate`.
            tenant: written into every event.
            conversations: how many are under way at a time.
        """
        self.told: Counter[str] = Counter()
        """Events so far: by channel, and `outsider`, `duplicate`, `late` and `poison` of them."""
        self._rng = random.Random(seed)
        self._name = counted(seed)
        self._catalogue = load_catalogue()
        self._now, self._moment, self._channels = now, datetime.min.replace(tzinfo=UTC), channels
        self._messiness, self._tenant = messiness, tenant
        self._customers: list[Customer] = []
        self._agenda: list[tuple[float, int, Pending]] = []
        self._numbers = count()
        self._story_s = 0.0
        self._owed = {"outsider": 0.0, "poison": 0.0}
        self._kinds = _Shuffled(self._rng, tuple(k for k in POISON if channel_of(k) in channels))
        self._outsiders = [k for k in OUTSIDERS if CHANNEL_OF.get(k, "email") in channels]
        self._open(conversations)

    def __next__(self) -> Event:
        """Return the next event."""
        self._moment = self._now()
        event = self._extra()
        while event is None:
            self._story_s, _, pending = heapq.heappop(self._agenda)
            event = pending()
        self.told[event.channel] += 1
        self._owed["outsider"] += OUTSIDER_SHARE * self._messiness
        self._owed["poison"] += POISON_SHARE * self._messiness
        return event

    def _extra(self) -> Event | None:
        """An event of no conversation when one is due: their share is steady, not drawn."""
        if self._owed["poison"] >= 1:
            self._owed["poison"] -= 1
            self.told["poison"] += 1
            return self._poison(self._kinds.draw())
        if self._owed["outsider"] >= 1 and self._outsiders:
            self._owed["outsider"] -= 1
            self.told["outsider"] += 1
            kind = self._rng.choice(self._outsiders)
            return render_outsider(
                kind, self._rng, moment=self._moment, tenant=self._tenant, name=self._name
            )
        return None

    def _poison(self, kind: str) -> Event:
        return render_poison(
            kind, moment=self._moment, tenant=self._tenant, name=self._name, huge_chars=HUGE_CHARS
        )

    def _later(self, gap_s: float, pending: Pending) -> None:
        # The number breaks ties, so that no two functions are ever compared.
        heapq.heappush(self._agenda, (self._story_s + gap_s, next(self._numbers), pending))

    def _open(self, conversations: int) -> None:
        """Spread the first stories as they lie later on: most of those under way are long ones."""
        seconds = [w * TYPICAL[channel][1] for channel, w in self._channels.items()]
        for channel in self._rng.choices(tuple(self._channels), seconds, k=conversations):
            gap_s = self._rng.uniform(0, TYPICAL[channel][1])
            self._later(gap_s, partial(self._begin, channel))

    def _next_story(self) -> None:
        self._begin(self._rng.choices(tuple(self._channels), tuple(self._channels.values()))[0])

    def _begin(self, channel: Channel) -> None:
        """Start a story; its first event comes after its first gap."""
        dialogue = write_dialogue(
            self._catalogue,
            self._rng,
            channel=channel,
            customer=self._customer(),
            messiness=self._messiness,
            name=self._name,
        )
        self._await(self._steps(dialogue))

    def _await(self, steps: Iterator[Step]) -> None:
        """Put the next step of a story on the agenda, or start another story at its end."""
        step = next(steps, None)
        if step is None:
            self._later(0.0, self._next_story)
            return
        self._later(step.gap_s, lambda: self._happen(step, steps))

    def _happen(self, step: Step, steps: Iterator[Step]) -> Event | None:
        event = step.render(self._moment)
        self._await(steps)
        if happens(self._rng, LATE_SHARE * self._messiness):
            self._later(self._rng.uniform(*LATE_S), lambda: self._again("late", event))
            return None
        if happens(self._rng, DUPLICATE_SHARE * self._messiness):
            _, copy = duplicate(event, self._rng)
            gap_s = self._rng.uniform(*DUPLICATE_S)
            self._later(gap_s, lambda: self._again("duplicate", copy))
        return event

    def _again(self, kind: str, event: Event) -> Event:
        self.told[kind] += 1
        return event

    def _steps(self, dialogue: Dialogue) -> Iterator[Step]:
        common: dict[str, Any] = {"tenant": self._tenant}
        if dialogue.channel == "chat":
            return chat_steps(dialogue, self._rng, name=self._name, **common)
        if dialogue.channel == "email":
            habits = {role: draw_habit(self._rng) for role in ("customer", "agent")}
            return mail_steps(dialogue, self._rng, name=self._name, habits=habits, **common)
        return call_steps(dialogue, self._rng, messiness=self._messiness, stumbles=True, **common)

    def _customer(self) -> Customer:
        known = self._customers
        if known and happens(self._rng, RETURNING_SHARE):
            return self._rng.choice(known)
        customer = draw_customer(self._rng, self._name)
        if len(known) < MAX_CUSTOMERS:
            known.append(customer)
        else:
            known[self._rng.randrange(MAX_CUSTOMERS)] = customer
        return customer


class _Shuffled:
    """All kinds before any comes again, in an order that changes each time."""

    def __init__(self, rng: random.Random, kinds: tuple[str, ...]) -> None:
        self._rng, self._kinds = rng, kinds
        self._left: list[str] = []

    def draw(self) -> str:
        if not self._left:
            self._left = self._rng.sample(self._kinds, len(self._kinds))
        return self._left.pop()
