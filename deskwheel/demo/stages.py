"""A bar a stage on a terminal, a line a change elsewhere: how far the demo's loop has come."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

STAGES = (
    "stack", "ingest", "transforms", "validate", "trigger", "train", "deploy", "a/b test", "audit",
)  # fmt: skip


class Stages:
    """The stages of the sentence in order; use as a context manager."""

    def __init__(self, console: Console) -> None:
        """Show on a console; bars if it is a terminal, else plain lines."""
        self._console = console
        self._started = time.monotonic()
        self._said: dict[str, str] = {}
        self._done: set[str] = set()
        self._progress = Progress(
            TextColumn("{task.description:<11}"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        """Show the stages, all waiting."""
        self._progress.start()
        for name in STAGES:
            self._tasks[name] = self._progress.add_task(name, total=1, start=False, note="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the bars as they are."""
        self._progress.stop()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self._started

    def update(self, name: str, done: float, total: float, note: str) -> None:
        """Set a stage's bar and the words beside it; a full bar stops its clock."""
        task = self._tasks[name]
        self._progress.start_task(task)
        self._progress.update(task, completed=done, total=max(total, 1e-9), note=note)
        if done >= total > 0:
            self._progress.stop_task(task)
        if not self._console.is_terminal:
            self._line(name, note, is_done=done >= total > 0)

    def _line(self, name: str, note: str, *, is_done: bool) -> None:
        """One line when a stage begins, and one when it is done."""
        if name in self._done or (name in self._said and not is_done):
            return
        self._said[name] = note
        if is_done:
            self._done.add(name)
        mark = "done" if is_done else "begins"
        text = f"{self.elapsed_s:6.1f} s  {name:<11} {mark:<7} {note}"
        self._console.print(text, soft_wrap=True)
