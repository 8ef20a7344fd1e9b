"""What a place where trainings run can do, whichever it is."""

from collections.abc import Sequence
from typing import Literal, Protocol

JobStatus = Literal["missing", "running", "succeeded", "failed"]


class Jobs(Protocol):
    """Where trainings run. A job's name is ours, and is given to one job only.

    Every call raises ServiceError when the place cannot be reached now.
    """

    def submit(self, name: str, command: Sequence[str]) -> None:
        """Start a command under a name; does nothing when the name was ever started."""

    def status(self, name: str) -> JobStatus:
        """How a job fares; `missing` when it was never started or the place has forgotten it."""

    def stop(self, name: str) -> None:
        """End a job with every process of it; does nothing when none runs."""

    def log_tail(self, name: str, *, lines: int) -> str:
        """The last lines that a job has printed; empty when they cannot be had."""


def last_lines(text: str, lines: int) -> str:
    """The last lines of a text, without empty ones at its end."""
    return "\n".join(text.rstrip().splitlines()[-lines:])
