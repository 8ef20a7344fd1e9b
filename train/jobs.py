"""Training jobs by a name of ours: started at most once each, on a Ray cluster or on this machine.

Reads and writes no table. The deterministic name is what keeps a second watcher, or this one
after a restart, from starting a training twice.
"""

import importlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol, cast

import psutil

from deskwheel.settings import TrainSettings

JobStatus = Literal["missing", "running", "succeeded", "failed"]

_KEEP_STATUS = '"$@"; echo $? > "$0.part"; mv "$0.part" "$0"'
"""Shell that runs its arguments and leaves their exit status in a file, whoever still watches."""


class Jobs(Protocol):
    """Where trainings run."""

    def submit(self, name: str, command: Sequence[str]) -> None:
        """Start a command under a name; does nothing when the name was ever started.

        Raises:
            ServiceError: the place cannot be reached now.
        """

    def status(self, name: str) -> JobStatus:
        """How a job fares; `missing` when it was never started or the place has forgotten it.

        Raises:
            ServiceError: the place cannot be reached now.
        """

    def log_tail(self, name: str, *, lines: int) -> str:
        """The last lines that a job has printed."""


def open_jobs(settings: TrainSettings) -> Jobs:
    """The Ray cluster of `train.ray_jobs_url`, or processes of this machine when it is empty."""
    if not settings.ray_jobs_url:
        return LocalJobs(Path(settings.runs_dir) / "jobs")
    # Ray is imported only by the watcher that has something to submit: 0.2 GB and several seconds.
    ray_jobs = importlib.import_module("train.ray_jobs")
    return cast(Jobs, ray_jobs.RayJobs(settings.ray_jobs_url))


class LocalJobs:
    """Jobs as processes of this machine that outlive the watcher; their state is in files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._children: list[subprocess.Popen[bytes]] = []

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
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            pid_file.write(f"{child.pid} {psutil.Process(child.pid).create_time()}")
        self._children.append(child)

    def status(self, name: str) -> JobStatus:
        """See `Jobs.status`; a process that ended without leaving a status has failed."""
        for child in self._children:
            child.poll()
        if not self._file(name, "pid").exists():
            return "missing"
        if not self._file(name, "status").exists() and self._is_alive(name):
            return "running"
        ended = self._file(name, "status")
        is_good = ended.exists() and ended.read_text(encoding="utf-8").strip() == "0"
        return "succeeded" if is_good else "failed"

    def log_tail(self, name: str, *, lines: int) -> str:
        """See `Jobs.log_tail`."""
        log = self._file(name, "log")
        return _last_lines(log.read_text(errors="replace") if log.exists() else "", lines)

    def _is_alive(self, name: str) -> bool:
        """Whether the job's shell runs; a process id that was given away again does not count."""
        pid, _, created = self._file(name, "pid").read_text(encoding="utf-8").partition(" ")
        try:
            return psutil.Process(int(pid)).create_time() == float(created)
        except (ValueError, psutil.Error):
            return False

    def _file(self, name: str, suffix: str) -> Path:
        return self._folder / f"{name}.{suffix}"


def _last_lines(text: str, lines: int) -> str:
    return "\n".join(text.rstrip().splitlines()[-lines:])
