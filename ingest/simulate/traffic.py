"""Many stories at once, in the order in which their events arrive, and the ledger of what is in.

The ledger is what tests and `deskwheel audit` count against.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from deskwheel.demo.catalogue import load_catalogue
from deskwheel.records import Channel, Event
from ingest.simulate.chance import happens
from ingest.simulate.dialogue import Dialogue, write_dialogue
from ingest.simulate.mail import mail_steps
from ingest.simulate.mix import CHANNEL_WEIGHTS
from ingest.simulate.names import drawn
from ingest.simulate.noise import NOISE, render_noise
from ingest.simulate.people import Customer, draw_customer
from ingest.simulate.poison import POISON, render_poison
from ingest.simulate.render import call_steps, chat_steps
from ingest.simulate.wire import Step

START_GAP_S = 18.0
"""Mean time between two conversations' starts: 400 of them in two hours."""

TAIL_S = 7200.0
"""Longest time a conversation takes from its start; a mail thread of nine mails fits."""

RETURNING_SHARE = 0.2
"""Of conversations whose customer had one before."""

NOISE_SHARE = 0.05
"""Noise events per conversation, at messiness 1; the two below are shares of events."""

DUPLICATE_SHARE = 0.04
LATE_SHARE = 0.02
LATE_S = (60.0, 1200.0)


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What a simulation holds, counted by kind. `events` is the sum of all that arrives."""

    seed: int
    conversations: int
    events: int
    by_channel: Mapping[str, int]
    """Events that belong to conversations, each counted once."""
    outcomes: Mapping[str, int]
    resolved: int
    statements: Mapping[str, int]
    """Things said in conversations, by role; a chat message, mail or call passage each."""
    closings: int
    pii: Mapping[str, int]
    flags: Mapping[str, int]
    noise: Mapping[str, int]
    duplicates: Mapping[str, int]
    late: int
    poison: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """Events in order of arrival, their ledger, and the stories behind them."""

    events: Sequence[Event]
    ledger: Ledger
    dialogues: Sequence[Dialogue]
    poison_reasons: Mapping[str, str]
    """Event id of each poison event → the reason code it should be rejected with."""


def span(conversations: int) -> timedelta:
    """Return a time within which everything a simulation of this size tells has happened."""
    return timedelta(seconds=conversations * START_GAP_S + TAIL_S)


def simulate(
    seed: int,
    conversations: int,
    *,
    start: datetime,
    messiness: float = 1.0,
    tenant: str = "default",
    channels: Mapping[Channel, float] = CHANNEL_WEIGHTS,
) -> Simulation:
    """Return the traffic of many overlapping conversations.

    The same arguments give byte-identical events. Another `start` moves every time and keeps
    ids and words, so playing both publishes the same event ids twice.

    Args:
        seed: chooses the stories.
        conversations: how many customers' stories; noise and poison come on top.
        start: earliest event time (apart from poison).
        messiness: 0 is clean (no typos, noise, duplicates, late events or poison), 1 usual;
            shares grow in proportion. Any value above 0 brings one poison event of each kind.
        tenant: written into every event.
        channels: how often a conversation is of each channel, in proportion.
    """
    return _Traffic(seed, start, messiness, tenant, channels).run(conversations)


class _Traffic:
    """A simulation in the making: every event with the moment at which it arrives."""

    def __init__(
        self,
        seed: int,
        start: datetime,
        messiness: float,
        tenant: str,
        channels: Mapping[Channel, float],
    ) -> None:
        self.seed = seed
        self.channels = channels
        self.rng = random.Random(seed)
        self.name = drawn(self.rng)
        self.start = start
        self.messiness = messiness
        self.tenant = tenant
        self.arrivals: list[tuple[datetime, Event]] = []
        self.dialogues: list[Dialogue] = []
        self.customers: list[Customer] = []
        self.noise: Counter[str] = Counter()
        self.duplicates: Counter[str] = Counter()
        self.late = 0
        self.poison: dict[str, str] = {}

    def run(self, conversations: int) -> Simulation:
        catalogue, length_s = load_catalogue(), conversations * START_GAP_S
        for moment in sorted(self.rng.uniform(0, length_s) for _ in range(conversations)):
            weights = tuple(self.channels.values())
            channel = self.rng.choices(tuple(self.channels), weights=weights)[0]
            dialogue = write_dialogue(
                catalogue,
                self.rng,
                channel=channel,
                customer=self._customer(),
                messiness=self.messiness,
                name=self.name,
            )
            self.dialogues.append(dialogue)
            self._arrive(self._rendered(dialogue, self.start + timedelta(seconds=moment)))
        told = [event for _, event in self.arrivals]
        self._disturb()
        self._add_noise(round(conversations * NOISE_SHARE * self.messiness), length_s)
        self._add_poison(length_s)
        self.arrivals.sort(key=lambda arrival: arrival[0])
        return Simulation(
            events=tuple(event for _, event in self.arrivals),
            ledger=self._ledger(told),
            dialogues=tuple(self.dialogues),
            poison_reasons=self.poison,
        )

    def _customer(self) -> Customer:
        if self.customers and happens(self.rng, RETURNING_SHARE):
            return self.rng.choice(self.customers)
        self.customers.append(draw_customer(self.rng, self.name))
        return self.customers[-1]

    def _rendered(self, dialogue: Dialogue, start: datetime) -> list[Event]:
        events, moment = [], start
        for step in self._steps(dialogue):
            moment += timedelta(seconds=step.gap_s)
            events.append(step.render(moment))
        return events

    def _steps(self, dialogue: Dialogue) -> Iterator[Step]:
        if dialogue.channel == "chat":
            return chat_steps(dialogue, self.rng, tenant=self.tenant, name=self.name)
        if dialogue.channel == "email":
            return mail_steps(dialogue, self.rng, tenant=self.tenant, name=self.name)
        return call_steps(dialogue, self.rng, tenant=self.tenant, messiness=self.messiness)

    def _arrive(self, events: Sequence[Event]) -> None:
        for event in events:
            delay = timedelta(seconds=self.rng.uniform(0, 0.5))
            self.arrivals.append((event.time + delay, event))

    def _disturb(self) -> None:
        """Repeat some events and let others arrive late."""
        for i, (moment, event) in enumerate(list(self.arrivals)):
            if happens(self.rng, DUPLICATE_SHARE * self.messiness):
                kind, copy = duplicate(event, self.rng)
                self.duplicates[kind] += 1
                later = moment + timedelta(seconds=self.rng.uniform(1, 300))
                self.arrivals.append((later, copy))
            elif happens(self.rng, LATE_SHARE * self.messiness):
                self.late += 1
                delay = timedelta(seconds=self.rng.uniform(*LATE_S))
                self.arrivals[i] = (moment + delay, event)

    def _add_noise(self, count: int, length_s: float) -> None:
        for _ in range(count):
            kind = self.rng.choice(NOISE)
            moment = self.start + timedelta(seconds=self.rng.uniform(0, length_s))
            event = render_noise(kind, self.rng, moment=moment, tenant=self.tenant)
            self.noise[kind] += 1
            self._arrive([event])

    def _add_poison(self, length_s: float) -> None:
        for kind, reason in POISON.items() if self.messiness > 0 else ():
            moment = self.start + timedelta(seconds=self.rng.uniform(0, length_s))
            event = render_poison(kind, moment=moment, tenant=self.tenant, name=self.name)
            self.poison[event.id] = reason
            self.arrivals.append((moment, event))

    def _ledger(self, told: Sequence[Event]) -> Ledger:
        lines = [line for dialogue in self.dialogues for line in dialogue.lines]
        return Ledger(
            seed=self.seed,
            conversations=len(self.dialogues),
            events=len(self.arrivals),
            by_channel=_sorted(Counter(e.channel for e in told)),
            outcomes=_sorted(Counter(d.outcome for d in self.dialogues)),
            resolved=sum(d.is_resolved for d in self.dialogues),
            statements=_sorted(Counter(line.role for line in lines)),
            closings=sum(e.type == "deskwheel.chat.closed" for e in told),
            pii=_sorted(Counter(kind for line in lines for kind in line.pii)),
            flags=_sorted(Counter(flag for d in self.dialogues for flag in d.flags)),
            noise=_sorted(self.noise),
            duplicates=_sorted(self.duplicates),
            late=self.late,
            poison=dict.fromkeys(POISON, 1) if self.poison else {},
        )


def duplicate(event: Event, rng: random.Random) -> tuple[str, Event]:
    """Return (kind, copy) of an event that is delivered twice; both have the same event id.

    `exact` is the same bytes, `redelivered` carries a retry header, `reserialized` is the same
    JSON with other white space, `other_received_header` a mail that took another way.
    """
    kinds = ["exact", "redelivered"]
    is_json = event.content_type == "application/json"
    kinds.append("reserialized" if is_json else "other_received_header")
    kind = rng.choice(kinds[:2] if event.content_type == "text/vtt" else kinds)
    if kind == "redelivered":
        return kind, replace(event, attributes={**event.attributes, "retry": "1"})
    if kind == "reserialized":
        data = json.dumps(json.loads(event.data), indent=1, sort_keys=True).encode()
        return kind, replace(event, data=data)
    if kind == "other_received_header":
        data = b"Received: from relay2.example.net by mx.acme.example\r\n" + event.data
        return kind, replace(event, data=data)
    return kind, event


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))
