"""What a message costs the streaming job in CPU time, from the ten-thousandth to the millionth.

`python -m benchmarks.transforms_cost [--messages N] [--minutes M] [--interval S] [--plot FILE]`
fills a broker with traffic (`ingest simulate`) and lets the job read it as it would read 500 events
a second: in the default interval, 2,500 a micro-batch, so that tables, logs and state grow as they
do in operation. CPU seconds of the job's processes (JVM, Python workers, driver) are noted beside
the events read, together and by kind. Windows that double in size give the cost of a message there.
The first ten thousand warm the compiler up. A million take 35 minutes; on a machine too busy for
500 a second the cost of the idle seconds between comes on top, so look at `other_load` first. With
`--interval 0.1` batches of the same size follow one another as fast as the machine is: a million
end sooner.

The stories begin with the run: until some 80,000 events there are fewer mails than later, shorter
ones, and fewer conversations. The first window is lighter for it, which counts against the claim;
`--mix` counts mails and characters of the same traffic by window, without running anything.

The cost is constant when the last window costs at most 1.15 of the first; `later_growth` compares
it with the first window of the full mix, from the 80,000th message on. The slope is that of the
logarithms of cost and place: 0 where the cost is constant, 1 where it grows with the number.
"""

import argparse
import json
import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice, pairwise
from pathlib import Path

from scipy import stats

from benchmarks.claims import Claim, add_json_option, claims_of, report
from benchmarks.live.job import INTAKE, SEED, Job, Traffic, running_job
from benchmarks.live.plot import log_line_chart
from benchmarks.live.watch import Moment, Watch, other_load, watched
from ingest.simulate.live import Traffic as Stories
from ingest.simulate.live import open_conversations
from ingest.simulate.mix import CHANNEL_WEIGHTS

_claim = claims_of("transforms_cost")

MESSAGES = 1_000_000
FIRST = 10_000
GROWTH = 1.15
FULL_MIX = 80_000
"""Messages after which the traffic is what it stays (`--mix`)."""
INTERVAL_S = 5.0
BATCH_EVENTS = 2500
"""What 500 events a second bring in an interval."""

IDLE_CLOSE_S = 300.0
"""Shorter than in operation, where nothing would be idle for long enough within the run; longer
than the gaps in a conversation on a machine that reads a fifth of 500 events a second."""

_PARTS = {"jvm": "Spark's JVM", "workers": "Spark's Python workers", "driver": "the driver"}
"""Kind of process → what it is called."""

_PERIOD_S = 1.0
_POLL_S = 2.0
_LEAST_WINDOWS = 3
_LEAST_SHARE = 0.5


@dataclass(frozen=True)
class Window:
    """A stretch of the messages in order, and what each of it cost."""

    low: int
    high: int
    cost_ms: float
    parts_ms: Mapping[str, float] = field(default_factory=dict)
    """The same by kind of process, as `Moment.parts_cpu_s` names them."""

    @property
    def middle(self) -> float:
        """Its place on a logarithmic axis."""
        return math.sqrt(self.low * self.high)


def events_read(job: Job) -> int:
    """Events that the intake has read, by the offsets at which its newest micro-batch ended.

    Its count of rows may say more: large dead letters are read twice.
    """
    newest = job.progress().get(INTAKE)
    if newest is None or not newest["sources"]:
        return 0
    ends = json.loads(newest["sources"][0]["endOffset"] or "{}")
    return sum(offset for partitions in ends.values() for offset in partitions.values())


def windows_of(moments: Sequence[Moment]) -> list[Window]:
    """Windows from `FIRST` on, each twice as large as the one before, and the rest.

    A rest of less than half a window belongs to the window before it.
    """
    points = [(m.more, m.job_cpu_s) for m in moments]
    parts = {
        kind: [(m.more, m.parts_cpu_s.get(kind, 0.0)) for m in moments]
        for kind in sorted(moments[-1].parts_cpu_s)
    }
    return [
        Window(
            low,
            high,
            _cost_ms(points, low, high),
            {kind: _cost_ms(spent, low, high) for kind, spent in parts.items()},
        )
        for low, high in pairwise(_edges(points[-1][0]))
    ]


def _cost_ms(points: Sequence[tuple[int, float]], low: int, high: int) -> float:
    return 1000 * (_at(points, high) - _at(points, low)) / (high - low)


def _edges(last: int) -> Iterator[int]:
    edge = FIRST
    while edge * (1 + _LEAST_SHARE) <= last:
        yield edge
        is_final = last < 2 * edge * (1 + _LEAST_SHARE)
        edge = last if is_final else 2 * edge
        if is_final:
            yield last
            return


def _at(points: Sequence[tuple[int, float]], events: int) -> float:
    """CPU seconds by the time that so many events were read, between two looks in proportion."""
    for (n0, s0), (n1, s1) in pairwise(_steps(points)):
        if n0 <= events <= n1 and n1 > n0:
            return s0 + (s1 - s0) * (events - n0) / (n1 - n0)
    raise ValueError(f"{events} events were not read; the last look saw {points[-1][0]}")


def _steps(points: Sequence[tuple[int, float]]) -> Iterator[tuple[int, float]]:
    """The first look at which each number of events was seen."""
    seen = -1
    for events, spent_s in points:
        if events > seen:
            seen = events
            yield events, spent_s


def slope(windows: Sequence[Window]) -> float:
    """Slope of log cost over log place by least squares."""
    xs = [math.log(w.middle) for w in windows]
    return float(stats.linregress(xs, [math.log(w.cost_ms) for w in windows]).slope)


def measure(
    folder: Path, *, messages: int, minutes: float, interval_s: float
) -> tuple[list[Claim], list[Window]]:
    """Claims and windows of one run, cut off after its time."""
    with running_job(
        folder, interval_s=interval_s, idle_close_s=IDLE_CLOSE_S, close_grace_s=0.0,
        max_offsets_per_batch=BATCH_EVENTS,
    ) as job:  # fmt: skip
        traffic = Traffic(folder, job.broker.bootstrap, events=messages)
        traffic.start()
        watch = Watch([job.broker.pid, traffic.pid], _PERIOD_S, look=lambda: events_read(job))
        until = time.monotonic() + minutes * 60
        with watched(watch):
            while time.monotonic() < until and not _is_done(watch, messages):
                time.sleep(_POLL_S)
        traffic.end()
    return claims_of(watch.moments)


def _is_done(watch: Watch, messages: int) -> bool:
    return bool(watch.problem) or bool(watch.moments and watch.moments[-1].more >= messages)


def claims_of(moments: Sequence[Moment]) -> tuple[list[Claim], list[Window]]:
    """What a run says.

    Raises:
        SystemExit: it was too short for three windows.
    """
    windows = windows_of(moments)
    if len(windows) < _LEAST_WINDOWS:
        raise SystemExit(f"{moments[-1].more} messages were read; that says nothing about growth")
    claims = [
        _claim(f"at_{w.low}", w.cost_ms, "ms", "", f"CPU a message, {w.low} to {w.high}")
        for w in windows
    ]
    claims += [
        _claim(f"at_{w.low}_{kind}", cost_ms, "ms", "", f"of it {_PARTS.get(kind, kind)}")
        for w in windows
        for kind, cost_ms in w.parts_ms.items()
    ]
    first, last = windows[0], windows[-1]
    per_s = 1000 * (last.high - first.low) / sum(w.cost_ms * (w.high - w.low) for w in windows)
    return [
        *claims,
        _claim("rate", per_s, "1/CPU-s", "", f"messages {first.low} to {last.high}"),
        _claim("growth", last.cost_ms / first.cost_ms, "×", f"<= {GROWTH}",
               f"messages {last.low} to {last.high} by {first.low} to {first.high}"),
        *_later_growth(windows),
        _claim("slope", slope(windows), "", "", "of log cost over log place; 0 is constant"),
        _claim("other_load", other_load(moments[0], moments[-1]), "cores", "",
               "used by processes that are not the benchmark's"),
    ], windows  # fmt: skip


def _later_growth(windows: Sequence[Window]) -> list[Claim]:
    first = next((w for w in windows[:-1] if w.low >= FULL_MIX), None)
    if first is None:
        return []
    last = windows[-1]
    where = f"messages {last.low} to {last.high} by {first.low} to {first.high}"
    return [_claim("later_growth", last.cost_ms / first.cost_ms, "×", f"<= {GROWTH}", where)]


def mix_claims(messages: int) -> list[Claim]:
    """What the traffic of a run is made of, in the order in which it is published."""
    traffic = Stories(
        SEED,
        now=lambda: datetime.now(UTC),
        channels=CHANNEL_WEIGHTS,
        messiness=1.0,
        tenant="acme",
        conversations=open_conversations(None, CHANNEL_WEIGHTS),
    )
    claims, events = [], iter(traffic)
    for low, high in pairwise([0, *_edges(messages)]):
        window = list(islice(events, high - low))
        mails = sum(event.channel == "email" for event in window) / len(window)
        characters = sum(len(str(event.data)) for event in window) / len(window)
        where = f"messages {low} to {high}"
        claims += [
            _claim(f"mix_{low}_mails", mails, "", "", f"share of mails, {where}"),
            _claim(f"mix_{low}_size", characters, "characters", "", f"a message, {where}"),
        ]
    return claims


def plot(windows: Sequence[Window]) -> str:
    """The picture of the windows."""
    return log_line_chart(
        [(w.middle, w.cost_ms) for w in windows],
        title="CPU time of the streaming job for a message",
        x_label="messages read before",
        y_label="ms",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transforms_cost", description=__doc__
    )
    parser.add_argument("--messages", type=int, default=MESSAGES, help="how many to read")
    parser.add_argument("--minutes", type=float, default=60.0, help="stop after that time")
    parser.add_argument(
        "--interval", type=float, default=INTERVAL_S, metavar="S", help="transforms.interval_s"
    )
    parser.add_argument("--mix", action="store_true", help="count the traffic, and measure nothing")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the picture there (SVG)")
    add_json_option(parser)
    chosen = parser.parse_args(argv)
    if chosen.mix:
        return report(mix_claims(chosen.messages), chosen.json)
    with tempfile.TemporaryDirectory() as folder:
        claims, windows = measure(
            Path(folder),
            messages=chosen.messages,
            minutes=chosen.minutes,
            interval_s=chosen.interval,
        )
    if chosen.plot:
        chosen.plot.write_text(plot(windows), encoding="utf-8")
    return report(claims, chosen.json)


if __name__ == "__main__":
    raise SystemExit(main())
