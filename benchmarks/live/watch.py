"""What the processes of a running job use, seen once a few seconds from a thread beside it."""

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psutil


@dataclass(frozen=True)
class Moment:
    """Totals since the start of the watch, at one time."""

    at_s: float
    job_cpu_s: float
    """User and system, of the job's every process that was seen alive."""
    beside_cpu_s: float
    """The same of broker and traffic."""
    machine_cpu_s: float
    """Of all processes of the machine."""
    pss_bytes: int
    """Memory of the job's processes, shared pages once; 0 where it was not asked for."""
    more: Any = None
    """What the caller's own look found."""
    parts_cpu_s: Mapping[str, float] = field(default_factory=dict)
    """The job's by kind of process: `driver` (this one), `jvm`, and `workers` (Python)."""


@dataclass
class Watch:
    """Looks at the tree of this process, leaving out the processes that are not the job."""

    beside: Sequence[int]
    """Ids of the processes under this one that are not the job, such as its broker."""
    period_s: float
    has_memory: bool = False
    look: Callable[[], Any] = lambda: None
    """Called with each look, from the watching thread."""
    moments: list[Moment] = field(default_factory=list)
    problem: str = ""
    """Why the watching ended before its time."""
    _last: dict[tuple[int, float], tuple[str, float]] = field(default_factory=dict)
    """Process → its kind, "" where it is not the job's, and what it has spent."""

    def see(self, at_s: float) -> Moment:
        """The totals now."""
        others = {pid for root in self.beside for pid in _tree(root)}
        pss = 0
        for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
            with suppress(psutil.Error):
                is_job = process.pid not in others
                times = process.cpu_times()
                spent_s = times.user + times.system
                kind = _kind_of(process) if is_job else ""
                self._last[process.pid, process.create_time()] = (kind, spent_s)
                if self.has_memory and is_job:
                    pss += process.memory_full_info().pss
        parts: dict[str, float] = defaultdict(float)
        for kind, spent_s in self._last.values():
            parts[kind] += spent_s
        beside = parts.pop("", 0.0)
        machine = psutil.cpu_times()
        busy = machine.user + machine.system + machine.nice + machine.irq + machine.softirq
        return Moment(at_s, sum(parts.values()), beside, busy, pss, self.look(), parts)

    def watch(self, is_over: threading.Event) -> None:
        """Look again and again until it is over."""
        began = time.monotonic()
        while not is_over.wait(self.period_s):
            try:
                self.moments.append(self.see(time.monotonic() - began))
            except Exception as error:
                self.problem = str(error) or repr(error)
                return


@contextmanager
def watched(watch: Watch) -> Iterator[Watch]:
    """Watch as long as the block lasts.

    Raises:
        RuntimeError: the job failed meanwhile.
    """
    is_over = threading.Event()
    thread = threading.Thread(target=watch.watch, args=[is_over])
    thread.start()
    try:
        yield watch
    finally:
        is_over.set()
        thread.join()
    if watch.problem:
        raise RuntimeError(watch.problem)


def other_load(first: Moment, last: Moment) -> float:
    """Cores that other processes of the machine kept busy between two moments."""
    ours = (last.job_cpu_s - first.job_cpu_s) + (last.beside_cpu_s - first.beside_cpu_s)
    wall_s = max(last.at_s - first.at_s, 1e-9)
    return max(0.0, (last.machine_cpu_s - first.machine_cpu_s) - ours) / wall_s


def _kind_of(process: psutil.Process) -> str:
    if process.pid == os.getpid():
        return "driver"
    return "jvm" if process.name() == "java" else "workers"


def _tree(root: int) -> list[int]:
    try:
        process = psutil.Process(root)
        return [root, *(child.pid for child in process.children(recursive=True))]
    except psutil.Error:
        return [root]
