"""Processes that take turns: each is a thread that waits at every gate until it is let through."""

import threading
from collections.abc import Callable
from typing import Any

from deskwheel.errors import DeskwheelError


class Killed(BaseException):
    """What SIGKILL is to a simulated process: no code of its own runs any more."""


class Process:
    """One simulated process."""

    def __init__(self, name: str, work: Callable[[], Any], turns: "Turns") -> None:
        self.name = name
        self.sleeps_until_s = 0.0
        self.is_paused = False
        """It sleeps because somebody stopped it, not because it wanted to."""
        self.is_alive = True
        self.is_good = False
        """Whether it came to its end by itself and without an error."""
        self.go = _closed()
        self.is_killed = False
        self._work = work
        self._turns = turns
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Give the turn back, and wait for the next one."""
        if not self.is_killed:
            self._turns.back.release()
            self.go.acquire()
        if self.is_killed:
            raise Killed

    def kill(self) -> None:
        """End it between two gates; nothing it would do at its end reaches the world."""
        self.is_killed = True
        self._turns.let(self)
        assert not self.is_alive

    def _run(self) -> None:
        self.go.acquire()
        self._turns.here.process = self
        try:
            if not self.is_killed:
                self._work()
                self.is_good = True
        except (Killed, DeskwheelError):
            pass
        except BaseException as error:  # noqa: BLE001
            self._turns.broken = error
        self.is_alive = False
        self._turns.back.release()


class Turns:
    """Lets one process go on at a time, so that the order is the caller's."""

    def __init__(self) -> None:
        self.back = _closed()
        self.here = threading.local()
        self.broken: BaseException | None = None

    def gate(self) -> None:
        """Where a process may be interrupted; nothing in a thread that is none."""
        process = getattr(self.here, "process", None)
        if process is not None:
            process.wait()

    def current(self) -> Process:
        """The process that calls."""
        process: Process = self.here.process
        return process

    def let(self, process: Process) -> None:
        """Let a process go on to its next gate or its end.

        Raises:
            BaseException: what no process may end with.
        """
        process.go.release()
        self.back.acquire()
        if self.broken is not None:
            raise self.broken


def _closed() -> threading.Lock:
    """A lock that one thread waits at until another opens it: cheaper than a semaphore."""
    lock = threading.Lock()
    lock.acquire()
    return lock
