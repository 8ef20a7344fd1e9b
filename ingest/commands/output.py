"""How verbs talk: one JSON value for scripts, a bar of progress for people."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def print_json(value: Any) -> None:
    """Print one JSON value on one line."""
    print(json.dumps(value, ensure_ascii=False))


@contextmanager
def progress(total: int | None, *, is_quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """Yield what moves a bar on standard error; None where nobody would see one.

    Args:
        total: where the bar ends; None where that is not known.
        is_quiet: show nothing.
    """
    console = Console(stderr=True)
    if is_quiet or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("events"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("events", total=total)
        yield lambda sent: bar.update(task, completed=sent)
