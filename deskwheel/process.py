"""Processes of an embedded stack, recognised for certain and ended to the last one.

A pid alone is no proof, because the kernel gives it out again: here a process is its pid and its
start time, or the DESKWHEEL_HOME it carries in its environment. Reads and writes no table or topic.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

HOME_VARIABLE = "DESKWHEEL_HOME"
SERVICE_VARIABLE = "DESKWHEEL_SERVICE"

_CLOCK_SLACK_S = 2.0
"""Start times come from the boot time, which moves when the clock is set."""
_SWEEP_ROUNDS = 5
"""A process may fork while it is being ended; each round looks again."""


@dataclass(frozen=True)
class Identity:
    """One process and no later one with the same pid."""

    pid: int
    created: float
    """Start in seconds since the epoch."""


def identity_of(pid: int) -> Identity | None:
    """The identity of a running process, or None when there is none (a zombie has ended)."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return Identity(pid, process.create_time())
    except psutil.Error:
        return None


def is_alive(identity: Identity | None) -> bool:
    """Whether that very process still runs; False when its pid now belongs to another."""
    if identity is None:
        return False
    found = identity_of(identity.pid)
    return found is not None and abs(found.created - identity.created) <= _CLOCK_SLACK_S


def write_pid_file(path: Path, identity: Identity) -> None:
    """Keep an identity in a file, whole or not at all."""
    write_whole(path, f"{identity.pid} {identity.created!r}\n")


def read_pid_file(path: Path) -> Identity | None:
    """The identity kept in a file, or None when the file is missing or unreadable."""
    try:
        pid, created = path.read_text(encoding="utf-8").split()
        return Identity(int(pid), float(created))
    except (OSError, ValueError):
        return None


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def carrying(home: Path, service: str | None = None) -> list[psutil.Process]:
    """Processes of this user that a stack (or one service of it) started, however they forked.

    Sessions and process groups do not matter: the environment is inherited, and Ray gives its
    children sessions of their own. The caller and its ancestors are never among them.
    """
    spared = {os.getpid(), *(p.pid for p in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        if process.pid in spared:
            continue
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue
        if environment.get(HOME_VARIABLE) != str(home):
            continue
        if service is None or environment.get(SERVICE_VARIABLE) == service:
            found.append(process)
    return found


def sweep(
    home: Path, service: str | None = None, *, grace_s: float = 0.0, known: Iterable[Identity] = ()
) -> int:
    """End every process of a stack (or of one service) and return how many there were.

    Args:
        home: absolute state folder.
        service: name of the one service meant; None means all.
        grace_s: time between SIGTERM and SIGKILL; 0 sends SIGKILL at once.
        known: further identities, for processes that overwrote their environment.
    """
    ended: set[int] = set()
    extra = [psutil.Process(i.pid) for i in known if i.pid != os.getpid() and is_alive(i)]
    for _ in range(_SWEEP_ROUNDS):
        processes = list({p.pid: p for p in (*carrying(home, service), *extra)}.values())
        extra = []
        if not processes:
            break
        ended.update(p.pid for p in processes)
        if grace_s > 0:
            _signal(processes, signal.SIGTERM)
            processes = psutil.wait_procs(processes, timeout=grace_s)[1]
            grace_s = 0.0
        _signal(processes, signal.SIGKILL)
        psutil.wait_procs(processes, timeout=2.0)
    return len(ended)


def kill_group(leader: int) -> None:
    """Send SIGKILL to a process group, which outlives its leader."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def end(identity: Identity, *, grace_s: float) -> bool:
    """End one process, politely first, and return whether it ran at all."""
    if not is_alive(identity):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(identity.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while is_alive(identity) and time.monotonic() < deadline:
        time.sleep(0.05)
    if is_alive(identity):
        with contextlib.suppress(ProcessLookupError):
            os.kill(identity.pid, signal.SIGKILL)
    return True


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)
