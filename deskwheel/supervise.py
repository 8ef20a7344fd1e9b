"""A supervisor of child processes: starts in order, restarts with back-off, stops to the last one.

Each service has a process group, a log and a line in `stack.json`, all under one state folder
that only one supervisor at a time may hold. Reads and writes no table or topic.
"""

import contextlib
import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import IO

from deskwheel.child import Child, RestartPolicy, Service, ServiceStatus, last_lines
from deskwheel.errors import ServiceError
from deskwheel.process import (
    Identity,
    end,
    identity_of,
    is_alive,
    read_pid_file,
    sweep,
    write_whole,
)

STATE_FILE = "stack.json"
_LOG = logging.getLogger(__name__)
_TICK_S = 0.05


class Supervisor:
    """Services of one state folder, kept running by a thread of this process."""

    def __init__(
        self,
        home: Path,
        *,
        policy: RestartPolicy | None = None,
        on_change: Callable[[ServiceStatus], None] | None = None,
    ) -> None:
        """Describe a supervisor; nothing runs before `start`.

        Args:
            home: state folder; created when missing.
            policy: back-off and crash-loop limit.
            on_change: called from the supervisor's thread with each new status.
        """
        self._home = home.resolve()
        self._policy = policy or RestartPolicy()
        self._on_change = on_change
        self._children: dict[str, Child] = {}
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock_file: IO[str] | None = None
        self._shown: dict[str, ServiceStatus] = {}
        self._stumbles: dict[str, str] = {}
        """Where → the last error there, so that one that lasts is logged once."""
        self._probes = ThreadPoolExecutor(max_workers=4, thread_name_prefix="probe")

    def start(self, services: Iterable[Service] = ()) -> None:
        """Hold the state folder, end what an earlier supervisor left, and run the services.

        Raises:
            ServiceError: another supervisor holds the folder.
        """
        for folder in ("run", "logs"):
            (self._home / folder).mkdir(parents=True, exist_ok=True)
        self._lock_file = hold(self._home)
        end_leftovers(self._home)
        self.add(services)
        self._show(supervisor=identity_of(os.getpid()))
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._thread.start()

    def add(self, services: Iterable[Service]) -> None:
        """Run further services; one that is supervised already is left as it is.

        Raises:
            ServiceError: services wait for each other in a circle.
        """
        services = list(services)
        stop_order(services)
        with self._changed:
            for service in services:
                if service.name not in self._children:
                    self._children[service.name] = Child(service, self._home, self._policy)

    def statuses(self) -> list[ServiceStatus]:
        """The status of every service, in the order in which they were added."""
        with self._changed:
            return [child.status for child in self._children.values()]

    def wait_ready(self, names: Iterable[str], timeout_s: float) -> None:
        """Return when the named services are ready.

        Raises:
            ServiceError: one has failed for good or is not ready in time; the message ends with
                the last lines of its log.
        """
        wanted = list(names)
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                late = [s for n in wanted if (s := self._children[n].status).phase != "ready"]
                failed = [s for s in late if s.phase in ("failed", "stopped")]
                left_s = deadline - time.monotonic()
                if not late:
                    return
                if failed or left_s <= 0:
                    raise not_ready((failed or late)[0], self._home, timeout_s)
                self._changed.wait(min(left_s, 0.5))

    def stop(self) -> None:
        """End every service, dependents first, and release the folder; idempotent."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._lock_file is None:
            return
        for level in stop_order([child.service for child in self._children.values()]):
            self._stop_level([self._children[name] for name in level])
        sweep(self._home, grace_s=1.0)
        self._probes.shutdown(wait=False, cancel_futures=True)
        with self._going_on(STATE_FILE):
            self._show(supervisor=None)
        self._lock_file.close()
        self._lock_file = None

    def _stop_level(self, children: list[Child]) -> None:
        began = time.monotonic()
        for child in children:
            child.terminate()
        for child in children:
            with self._going_on(child.service.name):
                child.finish(began + child.service.stop_timeout_s)
        with self._going_on(STATE_FILE):
            self._show(supervisor=identity_of(os.getpid()))

    def _run(self) -> None:
        me = identity_of(os.getpid())
        while not self._stopping.is_set():
            with self._changed:
                self._step()
            with self._going_on(STATE_FILE):
                self._show(supervisor=me)
            self._stopping.wait(_TICK_S)

    @contextlib.contextmanager
    def _going_on(self, where: str) -> Iterator[None]:
        """Log an error and go on: a full disk must not end the one who restarts everybody."""
        try:
            yield
        except Exception as error:
            if self._stumbles.get(where) != repr(error):
                _LOG.exception("supervision of %s stumbled over %s", self._home, where)
            self._stumbles[where] = repr(error)
        else:
            self._stumbles.pop(where, None)

    def _step(self) -> None:
        supervised = set(self._children)
        for child in self._children.values():
            ready = {n for n, c in self._children.items() if c.status.phase == "ready"}
            before = child.status
            with self._going_on(child.service.name):
                child.step(ready, supervised, self._probes)
            if child.status is not before:
                self._changed.notify_all()

    def _show(self, *, supervisor: Identity | None) -> None:
        """Write `stack.json` and call back, if anything changed."""
        statuses = {s.name: s for s in self.statuses()}
        changed = [s for n, s in statuses.items() if self._shown.get(n) != s]
        if changed or supervisor is None or not self._shown:
            body = {
                "supervisor": None if supervisor is None else asdict(supervisor),
                "services": {name: asdict(s) for name, s in statuses.items()},
            }
            write_whole(self._home / STATE_FILE, json.dumps(body, indent=1, default=str))
        self._shown = statuses
        for status in changed:
            if self._on_change is not None:
                self._on_change(status)


def hold(home: Path) -> IO[str]:
    """The locked file that makes its owner the only supervisor of a state folder.

    The kernel releases the lock when the owner ends, however it ends.

    Raises:
        ServiceError: another process holds it.
    """
    file = (home / "stack.lock").open("w", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        owner = read_stack(home)[0]
        pid = "another process" if owner is None else f"process {owner.pid}"
        raise ServiceError(
            f"{home} is in use by {pid}; run `deskwheel down --home {home}` first"
        ) from error
    return file


def read_stack(home: Path) -> tuple[Identity | None, list[ServiceStatus]]:
    """The supervisor (None unless it still runs) and the services of a state folder.

    After a supervisor was killed, a service whose process is gone is shown as stopped.
    """
    try:
        body = json.loads((home / STATE_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return None, []
    owner = Identity(**body["supervisor"]) if body["supervisor"] else None
    statuses = [ServiceStatus(**fields) for fields in body["services"].values()]
    if is_alive(owner):
        return owner, statuses
    return None, [_unsupervised(status) for status in statuses]


def end_stack(home: Path, *, grace_s: float = 60.0) -> int:
    """End the supervisor of a state folder and all that it started; 0 when nothing ran.

    Works after the supervisor was killed, too: what carries the folder's name is found and ended.
    """
    home = home.resolve()
    owner, _ = read_stack(home)
    count = int(end(owner, grace_s=grace_s)) if owner is not None else 0
    count += end_leftovers(home)
    statuses = {status.name: asdict(status) for status in read_stack(home)[1]}
    if count:
        body = {"supervisor": None, "services": statuses}
        write_whole(home / STATE_FILE, json.dumps(body, indent=1))
    return count


def end_leftovers(home: Path) -> int:
    """End what a supervisor that was killed left running; return how many processes that were."""
    return sweep(home, grace_s=5.0, known=_pid_files(home))


def stop_order(services: Sequence[Service]) -> list[list[str]]:
    """Names in the order of stopping: each level holds what no later level depends on.

    Raises:
        ServiceError: services wait for each other in a circle.
    """
    left = {service.name: set(service.after) for service in services}
    levels = []
    while left:
        needed = set().union(*left.values())
        level = [name for name in left if name not in needed]
        if not level:
            raise ServiceError(f"these services wait for each other: {', '.join(left)}; mend after")
        levels.append(level)
        left = {name: after for name, after in left.items() if name not in level}
    return levels


def not_ready(status: ServiceStatus, home: Path, timeout_s: float) -> ServiceError:
    """The error that explains, with the end of its log, why a service is not ready."""
    log = home / "logs" / f"{status.name}.log"
    why = f": {status.problem}" if status.problem else f" after {timeout_s:.0f} s"
    lines = last_lines(log) or "(empty)"
    return ServiceError(f"{status.name} is {status.phase}{why}; the end of {log}:\n{lines}")


def _unsupervised(status: ServiceStatus) -> ServiceStatus:
    is_left = status.pid is not None and is_alive(Identity(status.pid, status.created or 0.0))
    if is_left or status.phase == "failed":
        return status
    return ServiceStatus(
        name=status.name, phase="stopped", restarts=status.restarts, since=status.since
    )


def _pid_files(home: Path) -> list[Identity]:
    found = [read_pid_file(path) for path in (home / "run").glob("*.pid")]
    return [identity for identity in found if identity is not None]


__all__ = ["RestartPolicy", "Service", "ServiceStatus", "Supervisor"]
