"""How long after its closing event an example can be read, at 500 events a second on two cores.

`python -m benchmarks.transforms_latency` runs a broker, traffic (`ingest simulate`) and the
streaming job with its default interval. The latency of an example is the time at which its row's
commit lies in the table's log minus the broker's append time of the event that ended its
conversation. Only conversations whose source states their end count: the wait for one that nobody
ends is `transforms.idle_close_s` long, whatever the job does. The grace after a stated end, in
which the job waits on purpose for turns that are under way, is set to 0.

The way has three steps, each a query with a micro-batch interval of its own: the commits of the
closing's turn, of the conversation's version, of its examples. Their medians say where the time
goes. Processes of others take cores away, so their load is printed too.
"""

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import unquote

import psutil
import pyarrow.parquet as pq

from benchmarks.claims import Claim, add_json_option, claims_of, report
from benchmarks.live.job import INTAKE, Job, Traffic, running_job
from benchmarks.live.watch import Watch, other_load, watched
from deskwheel import lake
from deskwheel.settings import TransformsSettings
from deskwheel.tables import CONVERSATIONS, EXAMPLES, TURNS, Table

_claim = claims_of("transforms_latency")

RATE_PER_S = 500.0
SECONDS = 180.0
WARM_S = 60.0
"""Closings of the first minute do not count: the JVM still compiles, the workers start."""

LIMIT_INTERVALS, LIMIT_S = 2.0, 5.0
_PERIOD_S = 1.0
_DRAIN_INTERVALS = 6


@dataclass(frozen=True)
class Way:
    """When an example's closing was appended, and when each table had what came of it.

    Seconds since the epoch, by the one clock of the machine.
    """

    appended_s: float
    turn_s: float
    conversation_s: float
    example_s: float

    @property
    def latency_s(self) -> float:
        """From the broker to the readable example."""
        return self.example_s - self.appended_s


def committed(
    lake_dir: str, table: Table, columns: Sequence[str]
) -> Iterator[tuple[float, dict[str, Any]]]:
    """Each row that the job wrote, with the time at which it could be read.

    That is the time of the log's file; the one inside is taken before the file is there.
    """
    folder = lake.table_path(lake_dir, table)
    for file in sorted((folder / "_delta_log").glob("*.json")):
        actions = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        if not any("userMetadata" in a.get("commitInfo", {}) for a in actions):
            continue
        readable_s = file.stat().st_mtime
        for added in (a["add"] for a in actions if "add" in a):
            rows = pq.read_table(folder / unquote(added["path"]), columns=list(columns))
            yield from ((readable_s, row) for row in rows.to_pylist())


def ways(lake_dir: str) -> list[Way]:
    """The way of each example of a conversation whose end was stated.

    A version ends by the newest closing event that was there when it was written.
    """
    endings: dict[str, list[tuple[float, float]]] = defaultdict(list)
    columns = ["conversation_id", "is_closing", "verdict", "ingested_at"]
    for turn_s, row in committed(lake_dir, TURNS, columns):
        if row["is_closing"] and row["verdict"] == "accepted":
            endings[row["conversation_id"]].append((row["ingested_at"].timestamp(), turn_s))
    versions: dict[tuple[str, int], tuple[float, float, float]] = {}
    columns = ["conversation_id", "version", "close_reason"]
    for conversation_s, row in committed(lake_dir, CONVERSATIONS, columns):
        known = [e for e in endings.get(row["conversation_id"], ()) if e[1] <= conversation_s]
        if known and row["close_reason"] == "stated":
            versions[row["conversation_id"], row["version"]] = (*max(known), conversation_s)
    columns = ["conversation_id", "conversation_version"]
    return [
        Way(*steps, example_s)
        for example_s, row in committed(lake_dir, EXAMPLES, columns)
        if (steps := versions.get((row["conversation_id"], row["conversation_version"])))
    ]


def measure(folder: Path, *, rate_per_s: float, seconds: float, interval_s: float) -> list[Claim]:
    """The claims of one run of so many seconds after the warm-up."""
    with running_job(folder, interval_s=interval_s, close_grace_s=0.0) as job:
        traffic = Traffic(
            folder, job.broker.bootstrap, rate_per_s=rate_per_s, seconds=WARM_S + seconds
        )
        traffic.start()
        lags: list[float] = []
        watch = Watch([job.broker.pid, traffic.pid], _PERIOD_S, look=lambda: _behind(job, lags))
        time.sleep(WARM_S)
        began_s, lags[:] = time.time(), []
        with watched(watch):
            time.sleep(seconds)
        ended_s = time.time()
        traffic.end()
        time.sleep(_DRAIN_INTERVALS * interval_s)
        durations = _durations(job)
        lake_dir = job.settings.pipeline.lake
    found = [w for w in ways(lake_dir) if began_s <= w.appended_s < ended_s]
    first, last = watch.moments[0], watch.moments[-1]
    wall_s = last.at_s - first.at_s
    cores = psutil.cpu_count() or 1
    job_share = (last.job_cpu_s - first.job_cpu_s) / wall_s / cores
    said = f"{len(found)} examples, {rate_per_s:g} events/s, interval {interval_s:g} s"
    other = other_load(first, last)
    rate = _rate(lake_dir, began_s, ended_s)
    cpu_ms = 1000 * (last.job_cpu_s - first.job_cpu_s) / max(rate * wall_s, 1.0)
    claims = [*latencies(found, LIMIT_INTERVALS * interval_s + LIMIT_S, said), *steps(found)]
    return [
        *claims,
        _claim("lag", max(lags, default=0.0), "events", "", "most that the intake was behind"),
        _claim("rate", rate, "1/s", "", "events in `turns`"),
        _claim("cpu", cpu_ms, "ms", "", "of the whole job, for an event that came meanwhile"),
        _claim("job_cpu", job_share, "share", "", f"of {cores} cores, JVM and Python workers"),
        _claim("other_load", other, "cores", "", "used by processes that are not the benchmark's"),
        *(
            _claim(f"batch_s.{name}", value, "s", "", _batch_told(name))
            for name, value in durations.items()
        ),
    ]


def latencies(found: Sequence[Way], limit_s: float, said: str) -> list[Claim]:
    """The percentiles of the latency, the 95th also against its limit."""
    if len(found) < 2:  # noqa: PLR2004  no percentiles of one value
        raise SystemExit(f"{len(found)} examples of stated ends: the run was too short")
    cuts = quantiles((w.latency_s for w in found), n=100, method="inclusive")
    p50, p95, p99 = cuts[49], cuts[94], cuts[98]
    return [
        _claim("p50", p50, "s", "", said),
        _claim("p95", p95, "s", "", said),
        _claim("p99", p99, "s", "", said),
        _claim(
            "p95_limit", p95 / limit_s, "×", "<= 1", f"2 intervals and 5 s, {limit_s:g} s together"
        ),
    ]


def steps(found: Sequence[Way]) -> list[Claim]:
    """The median of each step."""
    turn = median(w.turn_s - w.appended_s for w in found)
    conversation = median(w.conversation_s - w.turn_s for w in found)
    example = median(w.example_s - w.conversation_s for w in found)
    return [
        _claim("to_turn", turn, "s", "", "median, from the broker to `turns`"),
        _claim("to_conversation", conversation, "s", "", "median, on to `conversations`"),
        _claim("to_example", example, "s", "", "median, on to `examples`"),
    ]


def _behind(job: Job, lags: list[float]) -> None:
    """Note how many events the intake has not read."""
    sources = job.progress().get(INTAKE, {}).get("sources", [])
    told = [float(s["metrics"]["maxOffsetsBehindLatest"]) for s in sources if s.get("metrics")]
    lags.extend(told)


def _durations(job: Job) -> dict[str, float]:
    """Query → median seconds of its micro-batches that had rows, of the hundred it remembers."""
    found = {}
    for query in job.queries:
        batches = [p for p in query.recentProgress if p["numInputRows"]]
        if batches:
            found[query.name] = median(
                b["durationMs"]["triggerExecution"] / 1000 for b in batches[len(batches) // 4 :]
            )
    return found


def _batch_told(name: str) -> str:
    waits = ", its wait for the next turns included" if name == CONVERSATIONS.name else ""
    return f"median micro-batch with rows{waits}"


def _rate(lake_dir: str, began_s: float, ended_s: float) -> float:
    """Events a second that the broker took and the job wrote, between two times."""
    columns = ["source", "ingested_at"]
    table = lake.read(lake_dir, TURNS, columns=columns).to_pylist()
    places = {
        tuple(row["source"].values())
        for row in table
        if began_s <= row["ingested_at"].timestamp() < ended_s
    }
    return len(places) / (ended_s - began_s)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transforms_latency", description=__doc__
    )
    parser.add_argument("--rate", type=float, default=RATE_PER_S, help="events a second")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="after the first minute")
    parser.add_argument(
        "--interval", type=float, default=TransformsSettings().interval_s, metavar="S",
        help="transforms.interval_s",
    )  # fmt: skip
    add_json_option(parser)
    chosen = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        claims = measure(
            Path(folder),
            rate_per_s=chosen.rate,
            seconds=chosen.seconds,
            interval_s=chosen.interval,
        )
    return report(claims, chosen.json)


if __name__ == "__main__":
    raise SystemExit(main())
