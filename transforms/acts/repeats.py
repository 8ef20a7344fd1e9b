"""Results kept for short texts that come again: agents and customers say the same in many talks.

Pure functions only: what is kept is what would be computed. Reads and writes no table.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

MAX_CHARS = 240
"""Longer texts seldom come again."""

KEPT_TEXTS = 4_096
"""With texts of this length about a megabyte a function."""

Found = TypeVar("Found")


def kept_for_short(function: Callable[[str], Found]) -> Callable[[str], Found]:
    """The function, which computes a short text's result once as long as it is kept.

    The result must be one that no caller changes.
    """
    kept = lru_cache(maxsize=KEPT_TEXTS)(function)

    @wraps(function)
    def found(text: str) -> Found:
        return kept(text) if len(text) <= MAX_CHARS else function(text)

    return found
