"""Objects of a JSON file one by one with their lines: an array, or one object a line.

Reads files; touches no table or topic.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deskwheel.errors import SetupError

_DECODER = json.JSONDecoder()
_BETWEEN = " \t\r\n,"


def read_items(path: Path) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """`FILE:LINE` and the object that begins there; None for an item that is no object.

    Raises:
        SetupError: the file cannot be read, or is broken in the middle of an item.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: {error}; give a file that a labelling tool exported") from error
    place = _next(text, 0)
    is_array = text[place : place + 1] == "["
    place = _next(text, place + 1) if is_array else place
    line, counted = 1, 0
    while place < len(text) and not (is_array and text[place] == "]"):
        line += text.count("\n", counted, place)
        counted = place
        try:
            item, place = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            raise SetupError(f"{path}:{line}: not JSON ({error}); export it again") from error
        yield f"{path}:{line}", item if isinstance(item, dict) else None
        place = _next(text, place)
    if is_array and place >= len(text):
        raise SetupError(f"{path}:{line}: the array has no end; export it again")


def read_time(value: Any) -> datetime | None:
    """A time in ISO 8601 as UTC; None where there is none."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _next(text: str, place: int) -> int:
    while place < len(text) and text[place] in _BETWEEN:
        place += 1
    return place
