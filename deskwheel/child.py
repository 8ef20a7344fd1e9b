"""One supervised service: its declaration, and its process from start to end.

Logs to `logs/NAME.log` under the state folder. Reads and writes no table or topic.
"""

import contextlib
import json
import logging
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal

from deskwheel.process import (
    HOME_VARIABLE,
    SERVICE_VARIABLE,
    Identity,
    identity_of,
    kill_group,
    sweep,
    write_pid_file,
)
from deskwheel.service import READY_FILE

Phase = Literal["waiting", "starting", "ready", "backoff", "stopped", "failed"]

LOG_LIMIT_BYTES = 8 * 1024 * 1024
_PROBE_TIMEOUT_S = 5.0
_HTTP_OK = 200
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReadyFile:
    """Ready when the process has called `deskwheel.service.announce_ready`."""


@dataclass(frozen=True)
class OpenPort:
    """Ready when 127.0.0.1 accepts connections on a port."""

    port: int


@dataclass(frozen=True)
class HttpAnswer:
    """Ready when an address answers 200, with a bearer token where one is needed."""

    url: str
    token_file: Path | None = None


@dataclass(frozen=True)
class Exited:
    """A job of one shot: ready when it has ended with status 0."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """One process to keep running."""

    name: str
    command: Sequence[str]
    ready: ReadyFile | OpenPort | HttpAnswer | Exited = field(default_factory=ReadyFile)
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the supervisor's own environment."""
    after: tuple[str, ...] = ()
    """Services that must be ready before this one starts; those not supervised do not count."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Shown in `stack.json` beside what the process announces, for example its address."""
    start_timeout_s: float = 300.0
    stop_timeout_s: float = 20.0
    """Time between SIGTERM and SIGKILL."""
    restart: bool = True


@dataclass(frozen=True)
class RestartPolicy:
    """How a service that ends by itself is started again."""

    first_s: float = 0.5
    longest_s: float = 30.0
    limit: int = 8
    """Failures in a row after which the service counts as failed."""
    stable_s: float = 30.0
    """A service that was ready for this long starts to count from zero again."""

    def delay_s(self, failures: int) -> float:
        """Back-off before the next start after so many failures in a row (from 1).

        >>> [RestartPolicy().delay_s(n) for n in (1, 2, 3, 9)]
        [0.5, 1.0, 2.0, 30.0]
        """
        return min(self.longest_s, self.first_s * 2 ** (failures - 1))


@dataclass(frozen=True, kw_only=True)
class ServiceStatus:
    """What is known of a service at one moment."""

    name: str
    phase: Phase
    pid: int | None = None
    created: float | None = None
    """Start of that process in seconds since the epoch, which tells it from a later namesake."""
    restarts: int = 0
    since: str
    """When the phase began, ISO 8601 in UTC."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None


class Child:
    """One service and, while it runs, its process; driven by the supervisor's thread only."""

    def __init__(self, service: Service, home: Path, policy: RestartPolicy) -> None:
        self.service = service
        self.status = ServiceStatus(name=service.name, phase="waiting", since=_now())
        self._home = home
        self._policy = policy
        self._process: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._moment = 0.0
        """Monotonic time of the last phase change."""
        self._probe: Future[Mapping[str, Any] | None] | None = None
        self._ready_file = home / "run" / f"{service.name}.ready"
        self._pid_file = home / "run" / f"{service.name}.pid"

    def step(self, ready: set[str], supervised: set[str], probes: ThreadPoolExecutor) -> None:
        """Move to the next phase if it is time."""
        phase = self.status.phase
        if phase == "waiting" and not (set(self.service.after) & supervised) - ready:
            self._launch()
        elif phase == "backoff" and self._age_s() >= self._policy.delay_s(self._failures):
            self._launch()
        elif phase in ("starting", "ready") and self._process is not None:
            status = self._process.poll()
            if status is not None:
                self._ended(status)
            elif phase == "starting":
                self._look(probes)

    def terminate(self) -> None:
        """Ask the process to end; its children are its own to end first."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def finish(self, deadline: float) -> None:
        """Wait until a monotonic time, then end whatever of the service is left."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(max(0.0, deadline - time.monotonic()))
            self._clear()
        if self.status.phase != "failed":
            self._enter("stopped", pid=None, created=None)

    def _launch(self) -> None:
        self._probe = None
        try:
            self._ready_file.unlink(missing_ok=True)
            opened = open_log(self._home / "logs" / f"{self.service.name}.log")
        except OSError as error:
            self._postpone(f"{error.filename}: {error.strerror}")
            return
        with opened as log:
            try:
                self._process = subprocess.Popen(
                    list(self.service.command),
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                self._enter("failed", problem=f"{self.service.command[0]}: {error.strerror}")
                return
        identity = identity_of(self._process.pid) or Identity(self._process.pid, time.time())
        restarts = self.status.restarts + (self.status.phase == "backoff")
        self._enter("starting", pid=identity.pid, created=identity.created, restarts=restarts)
        try:
            write_pid_file(self._pid_file, identity)
        except OSError:  # the process runs: to raise now would start a second one
            _LOG.exception("the pid of %s could not be written", self.service.name)

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            # Keeps Ray's renamed workers from overwriting the environment we find them by.
            "SPT_NOENV": "1",
            **self.service.env,
            HOME_VARIABLE: str(self._home),
            SERVICE_VARIABLE: self.service.name,
            READY_FILE: str(self._ready_file),
        }

    def _look(self, probes: ThreadPoolExecutor) -> None:
        if self._age_s() > self.service.start_timeout_s:
            problem = f"not ready after {self.service.start_timeout_s:.0f} s"
            kill_group(self.status.pid or 0)
            self._fail(problem)
        elif self._probe is None:
            self._probe = probes.submit(_probe, self.service.ready, self._ready_file)
        elif self._probe.done():
            facts, self._probe = self._probe.result(), None
            if facts is not None:
                self._enter("ready", facts={**self.service.facts, **facts}, problem=None)

    def _ended(self, status: int) -> None:
        if isinstance(self.service.ready, Exited) and status == 0:
            self._clear()
            self._enter("ready", pid=None, created=None, facts=dict(self.service.facts))
            return
        if self.status.phase == "ready" and self._age_s() >= self._policy.stable_s:
            self._failures = 0
        if status == 0 and not self.service.restart:
            self._clear()
            self._enter("stopped", pid=None, created=None)
            return
        self._fail(f"ended with signal {-status}" if status < 0 else f"ended with status {status}")

    def _fail(self, problem: str) -> None:
        # What the dead process left behind would write to the same files as its successor.
        self._clear()
        self._postpone(problem)

    def _postpone(self, problem: str) -> None:
        self._failures += 1
        is_over = not self.service.restart or self._failures >= self._policy.limit
        phase: Phase = "failed" if is_over else "backoff"
        self._enter(phase, pid=None, created=None, problem=problem)

    def _clear(self) -> None:
        assert self._process is not None
        kill_group(self._process.pid)
        self._process.wait()
        sweep(self._home, self.service.name)
        self._process = None
        # One that stays does no harm: it holds the start time, too.
        with contextlib.suppress(OSError):
            self._pid_file.unlink(missing_ok=True)

    def _enter(self, phase: Phase, **changes: Any) -> None:
        self.status = replace(self.status, phase=phase, since=_now(), **changes)
        self._moment = time.monotonic()

    def _age_s(self) -> float:
        return time.monotonic() - self._moment


def open_log(path: Path) -> IO[bytes]:
    """A log opened for appending; a long one is first put aside as `NAME.log.1`."""
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    return path.open("ab")


def last_lines(path: Path, count: int = 20) -> str:
    """The last lines of a text file, decoded as well as possible; empty when it is missing."""
    try:
        with path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - 500 * count))
            lines = log.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-count:])


def _probe(
    ready: ReadyFile | OpenPort | HttpAnswer | Exited, file: Path
) -> Mapping[str, Any] | None:
    """What a ready service says of itself, or None while it is not ready."""
    if isinstance(ready, ReadyFile):
        try:
            return {k: v for k, v in json.loads(file.read_text("utf-8")).items() if k != "pid"}
        except (OSError, ValueError):
            return None
    if isinstance(ready, OpenPort):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", ready.port), _PROBE_TIMEOUT_S).close()
            return {}
        return None
    if isinstance(ready, HttpAnswer):
        return {} if _answers(ready) else None
    return None


def _answers(ready: HttpAnswer) -> bool:
    request = urllib.request.Request(ready.url)  # noqa: S310 - our own http address
    # A proxy of the user's environment must not stand between two processes of one machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        if ready.token_file is not None:
            token = ready.token_file.read_text("utf-8").strip()
            request.add_header("Authorization", f"Bearer {token}")
        with opener.open(request, timeout=_PROBE_TIMEOUT_S) as answer:
            return bool(answer.status == _HTTP_OK)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
