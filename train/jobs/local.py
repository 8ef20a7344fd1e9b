"""Training jobs as processes of this machine that outlive the watcher; their state is in files.

Reads and writes no table. A job carries its name in the environment, which its children inherit:
Ray gives them sessions of their own, and they would outlive a job that was killed.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from train.jobs.place import JobStatus, last_lines

JOB_VARIABLE = "DESKWHEEL_JOB"

_KEEP_STATUS = '"$@"; echo $? > "$0.part"; mv "$0.part" "$0"'
"""Shell that runs its arguments and leaves their exit status in a file, whoever still watches."""

_STOP_GRACE_S = 10.0
_SWEEP_S = 10.0
_POLL_S = 0.05


class LocalJobs:
    """Jobs of this machine; see `train.jobs.place.Jobs`."""

    def __init__(self, folder: Path) -> None:
        """Keep the state of jobs in a folder."""
        self._folder = folder.resolve()
        self._children: list[subprocess.Popen[bytes]] = []
        self._swept: set[str] = set()

    def submit(self, name: str, command: Sequence[str]) -> None:
        """See `Jobs.submit`; the file `NAME.pid`, created exclusively, is the claim."""
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            claim = os.open(self._file(name, "pid"), os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return
        with (
            open(claim, "w", encoding="utf-8") as pid_file,
            self._file(name, "log").open("wb") as log,
        ):
            child = subprocess.Popen(
                ["/bin/sh", "-c", _KEEP_STATUS, str(self._file(name, "status")), *command],
                # SPT_NOENV keeps Ray's renamed workers from overwriting their environment.
                env={**os.environ, JOB_VARIABLE: self._mark(name), "SPT_NOENV": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            pid_file.write(f"{child.pid} {psutil.Process(child.pid).create_time()}")
        self._children.append(child)

    def status(self, name: str) -> JobStatus:
        """See `Jobs.status`; a process that ended without leaving a status has failed.

        What an ended job has left running is ended first, so that the next attempt is alone.
        """
        for child in self._children:
            child.poll()
        if not self._file(name, "pid").exists():
            return "missing"
        if not self._file(name, "status").exists() and self._is_alive(name):
            return "running"
        if name not in self._swept:
            self._sweep(name)
            self._swept.add(name)
        ended = self._file(name, "status")
        is_good = ended.exists() and ended.read_text(encoding="utf-8").strip() == "0"
        return "succeeded" if is_good else "failed"

    def stop(self, name: str) -> None:
        """See `Jobs.stop`; asks first, so that Ray can clear up."""
        if self.status(name) == "running":
            self._signal(name, signal.SIGTERM)
            deadline = time.monotonic() + _STOP_GRACE_S
            while self._processes(name) and time.monotonic() < deadline:
                time.sleep(_POLL_S)
            self._sweep(name)

    def log_tail(self, name: str, *, lines: int) -> str:
        """See `Jobs.log_tail`."""
        log = self._file(name, "log")
        return last_lines(log.read_text(errors="replace") if log.exists() else "", lines)

    def _is_alive(self, name: str) -> bool:
        """Whether the job's shell runs; a process id that was given away again does not count."""
        pid, _, created = self._file(name, "pid").read_text(encoding="utf-8").partition(" ")
        try:
            return psutil.Process(int(pid)).create_time() == float(created)
        except (ValueError, psutil.Error):
            return False

    def _sweep(self, name: str) -> None:
        deadline = time.monotonic() + _SWEEP_S
        # A process may fork while it is being ended, so look again.
        while self._processes(name) and time.monotonic() < deadline:
            self._signal(name, signal.SIGKILL)
            time.sleep(_POLL_S)

    def _signal(self, name: str, number: signal.Signals) -> None:
        for process in self._processes(name):
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)

    def _processes(self, name: str) -> list[psutil.Process]:
        """Every process that carries the job's mark, but the caller's own and those above it.

        One that has ended and waits for its parent has no environment any more.
        """
        spared = {os.getpid(), *(p.pid for p in psutil.Process().parents())}
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                is_ours = process.environ().get(JOB_VARIABLE) == self._mark(name)
                if is_ours and process.pid not in spared:
                    found.append(process)
        return found

    def _mark(self, name: str) -> str:
        return str(self._folder / name)

    def _file(self, name: str, suffix: str) -> Path:
        return self._folder / f"{name}.{suffix}"
