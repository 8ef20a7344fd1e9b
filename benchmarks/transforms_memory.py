"""Whether the streaming job's memory stays flat over half an hour of traffic, and what it leaves.

`python -m benchmarks.transforms_memory [--minutes 30] [--rate 100]` runs a broker, traffic (`ingest
simulate`) and the streaming job with its default settings. Memory is the sum of the proportional
set sizes (PSS) of the JVM, of its Python workers and of this process, which is the driver's Python.
The first half, in which the heap grows to its size and the compiler works, does not count. In the
second a line is laid through the means of its minutes by least squares: neighbouring looks are
alike, means of minutes less so. Flat is a change over that half of at most a tenth, on the line and
at both ends of its 95 % interval.
Source: proc_pid_smaps(5), "Pss".

State is told beside memory, because it has to grow for a week (`transforms.conversations`): rows of
the conversation stream's state, RDDs that are cached, files of the tables and of the
stream checkpoints, and the heap that was in use after the collections.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from scipy import stats

from benchmarks.claims import Claim, add_json_option, claims_of, report
from benchmarks.live.job import Job, Traffic, running_job
from benchmarks.live.watch import Moment, Watch, other_load, watched
from deskwheel.tables import CONVERSATIONS, EXAMPLES, TURNS
from transforms.conversations import NAME as CONVERSATION_QUERY

_claim = claims_of("transforms_memory")

RATE_PER_S = 100.0
MINUTES = 30.0
FLAT_SHARE = 0.1
_PERIOD_S = 5.0
_LEAST_MEANS = 4
_MIB = 2**20
_OLD_GENERATION = ("Tenured Gen", "PS Old Gen", "G1 Old Gen")


@dataclass(frozen=True)
class Left:
    """What the job holds beside its memory, at one time."""

    state_rows: int
    cached_rdds: int
    old_heap_bytes: int
    """Of the old generation after its last collection; 0 before the first."""
    table_files: int
    checkpoint_files: int
    checkpoint_bytes: int


@dataclass(frozen=True)
class Line:
    """A line through values: its change from the first to the last, as shares of their mean."""

    change: float
    low: float
    high: float
    """Ends of the 95 % interval of the change."""

    @property
    def largest(self) -> float:
        """The change that is furthest from none."""
        return max(abs(self.change), abs(self.low), abs(self.high))


def fit_line(values: Sequence[float]) -> Line:
    """The line through evenly spaced values by least squares.

    Source: ordinary least squares; Student's t with n - 2 degrees of freedom for the interval.

    Raises:
        ValueError: there are fewer than four values.
    """
    if len(values) < _LEAST_MEANS:
        raise ValueError(f"{len(values)} values make no line; measure for longer")
    fitted = stats.linregress(range(len(values)), values)
    scale = (len(values) - 1) / fmean(values)
    reach = float(stats.t.ppf(0.975, len(values) - 2)) * float(fitted.stderr)
    slope = float(fitted.slope)
    return Line(slope * scale, (slope - reach) * scale, (slope + reach) * scale)


def minute_means(moments: Sequence[Moment]) -> list[float]:
    """Mean memory in bytes of each whole minute since the first of the moments."""
    by_minute: dict[int, list[int]] = {}
    for moment in moments:
        by_minute.setdefault(int((moment.at_s - moments[0].at_s) // 60), []).append(
            moment.pss_bytes
        )
    *whole, last = (by_minute[minute] for minute in sorted(by_minute))
    is_whole = len(last) * _PERIOD_S >= 30  # noqa: PLR2004  half a minute
    return [fmean(values) for values in ([*whole, last] if is_whole else whole)]


def measure(folder: Path, *, rate_per_s: float, minutes: float) -> list[Claim]:
    """The claims of one run."""
    with running_job(folder) as job:
        traffic = Traffic(
            folder, job.broker.bootstrap, rate_per_s=rate_per_s, seconds=minutes * 60 + 60
        )
        traffic.start()
        watch = Watch([job.broker.pid, traffic.pid], _PERIOD_S, has_memory=True,
                      look=lambda: left(job))  # fmt: skip
        with watched(watch):
            time.sleep(minutes * 60)
        traffic.end()
    return claims_of(watch.moments, f"{minutes:g} min at {rate_per_s:g} events/s")


def claims_of(moments: Sequence[Moment], said: str) -> list[Claim]:
    """What the moments of a run say."""
    half = [m for m in moments if m.at_s >= moments[-1].at_s / 2]
    first, middle, last = moments[0], half[0], moments[-1]
    means = minute_means(half)
    line = fit_line(means)
    then, now = middle.more, last.more
    early_s = (middle.job_cpu_s - first.job_cpu_s) / (middle.at_s - first.at_s)
    late_s = (last.job_cpu_s - middle.job_cpu_s) / (last.at_s - middle.at_s)
    interval = f"{len(means)} minutes, 95 % interval {line.low:+.1%} to {line.high:+.1%}"
    return [
        _claim("pss", fmean(means) / _MIB, "MiB", "", f"mean of the second half; {said}"),
        _claim("pss_peak", max(m.pss_bytes for m in moments) / _MIB, "MiB", "", "of the whole run"),
        _claim("change", line.change, "share", "", f"of PSS over the second half; {interval}"),
        _claim("largest_change", line.largest, "share", f"<= {FLAT_SHARE:g}",
               "furthest end of that interval"),
        _claim("old_heap", now.old_heap_bytes / _MIB, "MiB", "",
               f"in use after a collection; {then.old_heap_bytes / _MIB:.0f} at half time"),
        _claim(
            "cached_rdds",
            now.cached_rdds,
            "count",
            "",
            f"micro-batches at work and states of Delta's logs; {then.cached_rdds} at half time",
        ),
        _claim("state_rows", now.state_rows, "count", "", f"{then.state_rows} at half time"),
        _claim("table_files", now.table_files, "count", "", f"{then.table_files} at half time"),
        _claim("checkpoint_files", now.checkpoint_files, "count", "",
               f"{then.checkpoint_files} at half time"),
        _claim("checkpoint_size", now.checkpoint_bytes / _MIB, "MiB", "",
               f"{then.checkpoint_bytes / _MIB:.1f} at half time"),
        _claim("cpu_growth", late_s / early_s, "×", "",
               f"CPU of the second half by that of the first, {late_s:.2f} cores now"),
        _claim("other_load", other_load(first, last), "cores", "",
               "used by processes that are not the benchmark's"),
    ]  # fmt: skip


def left(job: Job) -> Left:
    """What the job holds now."""
    progress = job.progress().get(CONVERSATION_QUERY, {})
    files, size = folder_size(Path(job.settings.transforms.checkpoint_dir))
    lake_dir = Path(job.settings.pipeline.lake)
    tables = (TURNS, CONVERSATIONS, EXAMPLES)
    return Left(
        state_rows=sum(int(o["numRowsTotal"]) for o in progress.get("stateOperators", ())),
        cached_rdds=int(job.spark.sparkContext._jsc.getPersistentRDDs().size()),  # noqa: SLF001
        old_heap_bytes=_old_heap_bytes(job),
        table_files=sum(1 for t in tables for _ in (lake_dir / t.name).glob("*.parquet")),
        checkpoint_files=files,
        checkpoint_bytes=size,
    )


def folder_size(folder: Path) -> tuple[int, int]:
    """Number and bytes of the files below a folder; one that goes meanwhile counts as none."""
    count = size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                size += (Path(parent) / name).stat().st_size
                count += 1
            except FileNotFoundError:
                continue
    return count, size


def _old_heap_bytes(job: Job) -> int:
    jvm: Any = job.spark.sparkContext._jvm  # noqa: SLF001
    for pool in jvm.java.lang.management.ManagementFactory.getMemoryPoolMXBeans():
        if pool.getName() in _OLD_GENERATION:
            return int(pool.getCollectionUsage().getUsed())
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transforms_memory", description=__doc__
    )
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of traffic; at least 10")
    parser.add_argument("--rate", type=float, default=RATE_PER_S, help="events a second")
    add_json_option(parser)
    chosen = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        claims = measure(Path(folder), rate_per_s=chosen.rate, minutes=chosen.minutes)
    return report(claims, chosen.json)


if __name__ == "__main__":
    raise SystemExit(main())
