"""How long a watcher takes to claim a window, alone and beside seven others that want the same.

`python -m benchmarks.train_claim [--windows N] [--postgres URL]`

All processes try to claim the same window at the same moment, then the next: one wins each, and
every try is timed, won or lost. A try is what a watcher does: it renews its lease (here each has
one of its own) and claims under the lease's fencing token. SQLite's file is in the temporary
folder. PostgreSQL is the server of URL, or one that is started here where its programs and the
driver are installed; commits wait for its disk. The limit is that of the trigger: 50 ms.
"""

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np

from benchmarks.claims import Claim, add_json_option, report
from deskwheel.state import Fence, State
from tests.postgres import empty_schema, postgres_server, why_missing

LIMIT_MS = 50
CONTENDERS = (1, 8)
SHARES = (50, 95, 99)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_claim", description=__doc__)
    parser.add_argument("--windows", type=int, default=400, help="windows a process tries to claim")
    parser.add_argument("--postgres", metavar="URL", help="a database that may get new schemas")
    add_json_option(parser)
    options = parser.parse_args(argv)
    claims = []
    with tempfile.TemporaryDirectory() as folder:
        for processes in CONTENDERS:
            url = f"sqlite:///{Path(folder) / f'{processes}.db'}"
            claims += measure("sqlite", url, processes=processes, windows=options.windows)
    if not options.postgres and (why := why_missing()):
        print(f"PostgreSQL is not measured: {why}")
        return report(claims, options.json)
    with server(options.postgres) as url:
        for processes in CONTENDERS:
            schema = empty_schema(url)
            claims += measure("postgresql", schema, processes=processes, windows=options.windows)
    return report(claims, options.json)


@contextmanager
def server(url: str | None) -> Iterator[str]:
    """The address of the server that is measured."""
    with nullcontext(url) if url else postgres_server(is_durable=True) as address:
        yield address


def measure(kind: str, url: str, *, processes: int, windows: int) -> list[Claim]:
    """Percentiles of the time of a try, in milliseconds."""
    State(url).close()
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(processes), context.SimpleQueue()
    workers = [
        context.Process(target=claim_windows, args=(url, windows, barrier, results))
        for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    found = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    times_ms = [time_ms for one, _ in found for time_ms in one]
    won = sum(count for _, count in found)
    if won != windows:
        raise SystemExit(f"{won} claims were granted for {windows} windows")
    return [
        Claim(
            id=f"train_claim.{kind}_{processes}_p{share}",
            value=float(np.percentile(times_ms, share)),
            unit="ms",
            target=f"<= {LIMIT_MS}",
            peer=f"{len(times_ms)} tries of {processes} process(es), {windows} won",
        )
        for share in SHARES
    ]


def claim_windows(url: str, windows: int, barrier: Barrier, results: object) -> None:
    """Try to claim every window; put the time of each try, and how many were won."""
    state, times_ms, won = State(url), [], 0
    name = multiprocessing.current_process().name
    state.acquire_lease(name, name, 600.0)
    for start in range(windows):
        barrier.wait()
        began = time.perf_counter()
        token = state.acquire_lease(name, name, 600.0)
        assert token is not None
        won += state.claim_window(
            "support", start, to_version=start, owner=name, detail={}, fence=Fence(name, token)
        )
        times_ms.append((time.perf_counter() - began) * 1000)
    state.close()
    results.put((times_ms, won))  # type: ignore[attr-defined]


if __name__ == "__main__":
    raise SystemExit(main())
