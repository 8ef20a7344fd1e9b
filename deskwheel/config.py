"""Settings out of a TOML file and `--set section.key=value` overrides.

Other TOML files of ours, as those of sources, are read and checked by the same functions.
An unknown key or a bad value is an error that names file, line and column and, for a key, the
keys that exist. The resolved settings can be written back (`dump`) and are saved with each run.
"""

import json
import re
import tomllib
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from deskwheel.errors import ConfigError
from deskwheel.settings import REFERENCE, Settings

_HEADER = re.compile(r"\s*\[\s*([A-Za-z0-9_.-]+)\s*\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_.\"-]+)\s*=")


def load(path: Path | None = None, overrides: Sequence[str] = ()) -> Settings:
    """The settings of a file (defaults where it is silent) with the overrides applied last.

    Args:
        path: TOML file; None means defaults only.
        overrides: `section.key=value` each; the value is read as TOML, else as a string.

    Raises:
        ConfigError: the file is missing or not TOML, a section or key is unknown, or a value
            has the wrong type or lies outside its range.
    """
    settings = Settings()
    if path is not None:
        settings = _apply(settings, read_toml(path), _Source(path))
    for override in overrides:
        settings = _apply(settings, _parse_override(override), _Source(None, override))
    return settings


def dump(settings: Settings) -> str:
    """The settings as TOML text that `load` reads back to an equal value."""
    lines = []
    for section, values in asdict(settings).items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {_toml(value)}" for key, value in values.items()]
        lines.append("")
    return "\n".join(lines)


class _Source:
    """Where a value came from, for the error message."""

    def __init__(self, path: Path | None, override: str = "") -> None:
        self.path = path
        self.override = override

    def place(self, section: str, key: str | None) -> str:
        if self.path is None:
            return f"--set {self.override}"
        return place_in(self.path, section, key)


def place_in(path: Path, section: str, key: str | None) -> str:
    """`file:line:column` of a section's header, or of a key of it."""
    line, column = _locate(path.read_text(encoding="utf-8"), section, key)
    return f"{path}:{line}:{column}"


def read_toml(path: Path, *, cure: str = "give --config FILE or leave it out") -> dict[str, Any]:
    """The tables of a TOML file.

    Args:
        path: the file.
        cure: what to do where there is none, for the error message.

    Raises:
        ConfigError: there is no such file, or it is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise ConfigError(f"{path}: {reason}; {cure}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        place = f"{path}:{found[1]}:{found[2]}" if found else f"{path}"
        raise ConfigError(f"{place}: not TOML: {error}") from error


def _parse_override(override: str) -> dict[str, Any]:
    found = re.fullmatch(r"([a-z_]+)\.([a-z0-9_]+)=(.*)", override, re.DOTALL)
    if not found:
        raise ConfigError(f"--set {override}: write section.key=value, as in train.lr=2e-4")
    section, key, text = found.groups()
    try:
        value = tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        value = text
    return {section: {key: value}}


def _apply(settings: Settings, data: dict[str, Any], source: _Source) -> Settings:
    for section, values in data.items():
        known = [f.name for f in fields(settings)]
        if section not in known:
            raise ConfigError(unknown(source.place(section, None), "section", section, known))
        checked = checked_section(getattr(settings, section), section, values, source.place)
        settings = replace(settings, **{section: checked})
    return settings


def checked_section(
    section: Any, name: str, values: Any, place: Callable[[str, str | None], str]
) -> Any:
    """The section with the values of a TOML table in place of its own.

    Args:
        section: a frozen dataclass whose fields are made by `deskwheel.settings`.
        name: its name in the file.
        values: what the file says under that name.
        place: where a section (key None) or a key of it stands, for the error message.

    Raises:
        ConfigError: the value is no table, or a key of it is unknown, has the wrong type, or a
            value that is not allowed.
    """
    if not isinstance(values, dict):
        raise ConfigError(f"{place(name, None)}: {name} is a section; write [{name}]")
    hints = typing.get_type_hints(type(section))
    metadata = {f.name: f.metadata for f in fields(section)}
    checked = {}
    for key, value in values.items():
        if key not in hints:
            raise ConfigError(unknown(place(name, key), "key", f"{name}.{key}", list(hints)))
        problem, checked[key] = check_value(value, hints[key], metadata[key])
        if problem:
            is_secret = metadata[key].get("pattern") == REFERENCE
            got = "something else; it is not shown" if is_secret else repr(value)
            raise ConfigError(f"{place(name, key)}: {name}.{key} must be {problem}, got {got}")
    return replace(section, **checked)


def check_value(value: Any, hint: Any, metadata: Any) -> tuple[str | None, Any]:
    """What is wrong with a value (None if nothing) and the value in its field's type."""
    if hint == Mapping[str, str]:
        is_fit = isinstance(value, Mapping) and all(isinstance(v, str) for v in value.values())
        return (None, dict(value)) if is_fit else ("a table of strings", value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if hint == tuple[str, ...]:
        is_fit = isinstance(value, list | tuple) and all(isinstance(v, str) for v in value)
        if not is_fit:
            return "a list of strings", value
        return None, tuple(value)
    if not isinstance(value, hint) or (hint is not bool and isinstance(value, bool)):
        return f"of type {hint.__name__}", value
    if "low" in metadata and not metadata["low"] <= value <= metadata["high"]:
        return f"from {metadata['low']} to {metadata['high']}", value
    return _check_text(value, metadata), value


def _check_text(value: Any, metadata: Any) -> str | None:
    if metadata.get("choices") and value not in metadata["choices"]:
        return f"one of {', '.join(metadata['choices'])}"
    pattern = metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        return f"text of the form {pattern}"
    return None


def unknown(place: str, what: str, name: str, known: Sequence[str]) -> str:
    """What to say of a name that is not known: the nearest one, and all."""
    near = get_close_matches(name.rpartition(".")[2], known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{place}: unknown {what} {name}.{hint} Known: {', '.join(sorted(known))}"


def _locate(text: str, section: str, key: str | None) -> tuple[int, int]:
    """Line and column, from 1, of a section's header or of a key in it; (1, 1) if not found."""
    current = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            current = header[1]
            if current == (section if key is None else f"{section}.{key}"):
                return number, header.start(1) + 1
        elif pair := _KEY.match(line):
            name = pair[1].replace('"', "")
            if (key is None and name.split(".")[0] == section) or (
                key is not None and f"{current}.{name}".lstrip(".") == f"{section}.{key}"
            ):
                return number, pair.start(1) + 1
    return 1, 1


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    if isinstance(value, str):
        # A JSON string is a TOML basic string, but for DEL, which only TOML forbids.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
