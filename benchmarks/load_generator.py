"""What the load generator itself costs, so that a benchmark that uses it knows what it measures.

`python -m benchmarks.load_generator` makes events of `ingest simulate` without a broker: how many a
core makes, how well the pace is kept, and whether memory grows. Usual channels and messiness.
"""

import argparse
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import islice

import psutil

from benchmarks.claims import Claim, add_json_option, claims_of, report
from deskwheel.records import Event
from ingest.commands.simulate import paced
from ingest.simulate.live import Traffic

_claim = claims_of("load_generator")

SEED = 1
WARM_UP, MEASURED = 60_000, 100_000
RATE_PER_S = 500.0
PACED_S = 10.0


def measure() -> list[Claim]:
    """The claims about one endless traffic."""
    traffic = Traffic(SEED)
    process = psutil.Process()
    _take(traffic, WARM_UP)
    before, began = process.memory_info().rss, time.process_time()
    _take(traffic, MEASURED)
    per_s = MEASURED / (time.process_time() - began)
    growth = process.memory_info().rss / before - 1
    rate = pace(traffic)
    return [
        _claim("events", per_s, "1/CPU-s", ">= 2000", f"{MEASURED} events, one core"),
        _claim(
            "rate_error", abs(rate / RATE_PER_S - 1), "share", "<= 0.02",
            f"{rate:.1f} events/s where {RATE_PER_S:g} were asked for, {PACED_S:g} s",
        ),
        _claim("memory_growth", growth, "share", "<= 0.1", f"resident, over {MEASURED} events"),
    ]  # fmt: skip


def pace(traffic: Traffic) -> float:
    """Events a second that come at the pace asked for."""
    count, began = int(RATE_PER_S * PACED_S), time.monotonic()
    events = paced(traffic, rate_per_s=RATE_PER_S, stop=threading.Event(), max_events=count + 1)
    _take(events, count + 1)
    # The first event comes at once: n + 1 events have n gaps.
    return count / (time.monotonic() - began)


def _take(events: Iterator[Event], count: int) -> None:
    for _ in islice(events, count):
        pass


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.load_generator", description=__doc__
    )
    add_json_option(parser)
    return report(measure(), parser.parse_args(argv).json)


if __name__ == "__main__":
    raise SystemExit(main())
