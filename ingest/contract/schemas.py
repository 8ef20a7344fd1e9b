"""The schema files of `ingest/schemas` by type and version: `chat.v2` is type `chat`, version 2."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from deskwheel.errors import ConfigError
from ingest.contract.checker import Check, compile_schema

ENVELOPE = "envelope.v1"
"""Schema of the headers; every other one describes a payload."""


@cache
def load_schemas() -> Mapping[str, Mapping[str, Any]]:
    """Every schema by name, types in order of the alphabet and versions in theirs."""
    folder = Path(str(files("ingest"))) / "schemas"
    found = {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in folder.glob("*.json")}
    return {name: found[name] for name in sorted(found, key=_order)}


def find_schema(name: str) -> Mapping[str, Any]:
    """The schema of a name such as `chat.v1`.

    Raises:
        ConfigError: there is none.
    """
    known = load_schemas()
    if name not in known:
        raise ConfigError(f"schema {name!r} is not known; there are {', '.join(known)}")
    return known[name]


@cache
def versions_of(kind: str) -> tuple[str, ...]:
    """Names of a type's schemas, oldest first; none for an unknown type."""
    return tuple(name for name in load_schemas() if _order(name)[0] == kind)


@cache
def compiled(name: str) -> Check:
    """The function of a schema, compiled once a process."""
    return compile_schema(find_schema(name))


def kind_of(name: str) -> str:
    """Type of a schema's name: `chat` of `chat.v2`."""
    return _order(name)[0]


def _order(name: str) -> tuple[str, int]:
    kind, _, version = name.rpartition(".v")
    return kind, int(version) if version.isdecimal() else 0
