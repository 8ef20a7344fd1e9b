"""Pages out of the templates of a folder."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def templates(folder: Path, functions: Mapping[str, Callable[..., Any]]) -> Environment:
    """The templates of a folder: every value is escaped, and an unknown name is an error.

    Args:
        folder: where the templates are.
        functions: what they may call, by name.
    """
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(functions)
    return environment
