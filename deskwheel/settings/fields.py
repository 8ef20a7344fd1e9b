"""How a setting is declared: default, range or allowed values, and a sentence for the docs."""

from dataclasses import field
from typing import Any


def bounded(default: Any, low: float, high: float, doc: str) -> Any:
    """A field with a default, an inclusive range and a sentence for the docs."""
    return field(default=default, metadata={"low": low, "high": high, "doc": doc})


def described(
    default: Any, doc: str, choices: tuple[str, ...] = (), *, pattern: str | None = None
) -> Any:
    """A field with a default and a sentence for the docs.

    Its allowed values follow, where they are few, or the pattern that the whole value matches.
    """
    metadata = {"doc": doc, "choices": choices, "pattern": pattern}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


REFERENCE = r"|env:[A-Za-z_][A-Za-z0-9_]*|file:.+"
"""A place where a secret is, never the secret itself; see `deskwheel.secret`."""
