"""Whether the gateway's memory stays flat while its broker is dead, and what its clients see.

The broker is killed under load and stays dead for five minutes of 200 requests a second
(`--minutes` for less). Then it comes back: the gateway must take events again by itself, and every
event that was ever accepted must be readable.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.claims import Claim, add_json_option, claims_of, report
from benchmarks.gateway.processes import TOKEN, Broker, Gateway, running, stored_ids

_claim = claims_of("gateway_memory")

RATE_PER_S = 200
WARM_S = 30.0
AFTER_S = 10.0
_SAMPLE_S = 1.0


def measure(folder: Path, *, minutes: float) -> list[Claim]:
    """The claims of one outage."""
    broker = Broker(folder / "kafka")
    gateway = Gateway(folder / "gateway", broker.bootstrap)
    with running(broker, gateway):
        warm = _load(gateway, "w", WARM_S)
        before = _rss(gateway)
        killing = threading.Timer(2.0, broker.end, kwargs={"is_kill": True})
        killing.start()
        # The load is under way when the broker dies.
        dying = _load(gateway, "d", 4.0)
        killing.join()
        with _watched(gateway) as sizes:
            dead = _load(gateway, "o", minutes * 60)
        broker.start()
        back_s = gateway.await_ready()
        after = _load(gateway, "a", AFTER_S)
        stored = stored_ids(broker.bootstrap, "raw.chat")
    accepted = {name for turn in (warm, dying, dead, after) for name in turn["ids"]}
    counts = Counter(stored)
    statuses = Counter(dead["statuses"])
    deviation = max(abs(size / before - 1) for size in sizes)
    slowest_s = max(dying["latencies_s"] + dead["latencies_s"])
    said = f"{len(dead['statuses'])} requests in {minutes:g} min without a broker"
    return [
        _claim("rss_at_kill", before / 2**20, "MiB", "", f"after {WARM_S:g} s of load"),
        _claim("rss_deviation", deviation, "", "<= 0.1", f"largest of {len(sizes)} samples"),
        _claim("slowest_answer", slowest_s, "s", "<= 2", said),
        _claim("unanswered", statuses[0] + dying["statuses"].count(0), "", "== 0", said),
        _claim("not_503", statuses.total() - statuses[503], "", "== 0", said),
        _claim("ready_again", back_s, "s", "", "after the broker answered again"),
        _claim(
            "accepted_afterwards", after["statuses"].count(202) / len(after["statuses"]), "",
            "", f"{len(after['statuses'])} requests; those beside the first probe get a 503",
        ),
        _claim("accepted_not_readable", len(accepted - counts.keys()), "", "== 0",
               f"{len(accepted)} accepted, {len(counts)} readable, {len(stored)} records"),
    ]  # fmt: skip


def _load(gateway: Gateway, prefix: str, seconds: float) -> Any:
    program = [
        sys.executable, "-m", "benchmarks.gateway.load", gateway.url, "--token", TOKEN,
        "--prefix", prefix, "--seconds", str(seconds), "--rate", str(RATE_PER_S),
    ]  # fmt: skip
    return json.loads(subprocess.run(program, stdout=subprocess.PIPE, check=True).stdout)


def _rss(gateway: Gateway) -> int:
    return int(psutil.Process(gateway.pid).memory_info().rss)


@contextmanager
def _watched(gateway: Gateway) -> Iterator[list[int]]:
    """Yield a list that gets the gateway's memory once a second until the block ends."""
    sizes: list[int] = []
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(_SAMPLE_S):
            sizes.append(_rss(gateway))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield sizes
    finally:
        is_over.set()
        thread.join()


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and report; 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest_memory", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long the broker is dead")
    add_json_option(parser)
    chosen = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        claims = measure(Path(folder), minutes=chosen.minutes)
    return report(claims, chosen.json)


if __name__ == "__main__":
    raise SystemExit(main())
