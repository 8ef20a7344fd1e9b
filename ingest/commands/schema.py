"""The verb for schemas: list, show, diff, check. Reads files only."""

import json
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deskwheel.errors import ConfigError, SetupError
from deskwheel.settings import Settings
from ingest.commands.output import print_json
from ingest.contract.difference import differences
from ingest.contract.model import Problem
from ingest.contract.payload import check_payload
from ingest.contract.schemas import find_schema, kind_of, load_schemas, versions_of

_HOW = {
    "list": "`python -m ingest schema list`",
    "show": "`python -m ingest schema show NAME`",
    "diff": "`python -m ingest schema diff OLD NEW` or `python -m ingest schema diff NEW --all`",
    "check": "`python -m ingest schema check FILE [--as NAME]`",
}
_SHOWN = 20


def schema_verb(_settings: Settings, arguments: Namespace) -> int:
    """Run one action; `diff` and `check` return 1 for a breaking change and a broken payload."""
    actions = {"list": _list, "show": _show, "diff": _diff, "check": _check}
    return actions[arguments.action](arguments)


def _list(arguments: Namespace) -> int:
    _names(arguments, 0)
    known = load_schemas()
    if arguments.json:
        print_json([{"name": n, "title": s["title"]} for n, s in known.items()])
        return 0
    table = Table("schema", "title", "fields")
    for name, schema in known.items():
        table.add_row(name, schema["title"], ", ".join(_fields(schema)))
    Console().print(table)
    return 0


def _fields(schema: Any) -> list[str]:
    """Names of a payload's fields, those of its cases included, each once."""
    cases = [schema, schema.get("then", {}), schema.get("else", {})]
    return list(dict.fromkeys(name for case in cases for name in case.get("properties", {})))


def _show(arguments: Namespace) -> int:
    (name,) = _names(arguments, 1)
    schema = find_schema(name)
    print(json.dumps(schema, indent=None if arguments.json else 2, ensure_ascii=False))
    return 0


def _diff(arguments: Namespace) -> int:
    if arguments.all:
        (new,) = _names(arguments, 1)
        older = versions_of(kind_of(new))
        find_schema(new)
        pairs = [(old, new) for old in older[: older.index(new)]]
    else:
        old, new = _names(arguments, 2)
        pairs = [(old, new)]
    found = [(o, n, differences(find_schema(o), find_schema(n))) for o, n in pairs]
    is_breaking = any(change.is_breaking for _, _, changes in found for change in changes)
    if arguments.json:
        shown = [
            {
                "old": o,
                "new": n,
                "is_backward": not any(c.is_breaking for c in changes),
                "changes": [asdict(c) for c in changes],
            }
            for o, n, changes in found
        ]
        print_json({"is_backward": not is_breaking, "compared": shown})
        return int(is_breaking)
    for o, n, changes in found:
        for change in changes:
            effect = "BREAKING  " if change.is_breaking else "compatible"
            print(f"{effect}  {change.place or '(payload)'}: {change.said}")
        verdict = "breaking" if any(c.is_breaking for c in changes) else "backward compatible"
        print(f"{o} → {n}: {verdict}, {len(changes)} changes")
    if not found:
        print(f"{new}: there is no older version")
    return int(is_breaking)


def _check(arguments: Namespace) -> int:
    (file,) = _names(arguments, 1)
    schema = arguments.schema
    if schema is not None:
        find_schema(schema)
    found, checked = [], 0
    for origin, name, payload in _payloads(Path(file), schema):
        checked += 1
        found += [(origin, name, problem) for problem in check_payload(name, payload).problems]
    broken = len({origin for origin, _, _ in found})
    if arguments.json:
        problems = [{"origin": o, "schema": n, **asdict(p)} for o, n, p in found]
        print_json({"checked": checked, "broken": broken, "problems": problems})
        return int(bool(found))
    if found:
        Console().print(_problems(found[:_SHOWN]))
    print(f"{checked} payloads checked, {broken} broken")
    return int(bool(found))


def _problems(found: list[tuple[str, str, Problem]]) -> Table:
    table = Table("where", "schema", "reason", "field", "what is wrong")
    for origin, name, problem in found:
        table.add_row(origin, name, problem.reason, escape(problem.field), escape(problem.detail))
    return table


def _payloads(file: Path, schema: str | None) -> Iterator[tuple[str, str, bytes]]:
    """(where, schema, bytes) of each line of a `.jsonl` file, else of the whole file.

    Raises:
        SetupError: the file cannot be read.
        ConfigError: no schema is named, and the file's name begins with none.
    """
    name = schema or next((n for n in load_schemas() if file.name.startswith(f"{n}.")), None)
    if name is None:
        raise ConfigError(f"{file}: name the schema with --as, one of {', '.join(load_schemas())}")
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SetupError(f"{file}: {error.strerror}; give a file with payloads") from error
    if file.suffix != ".jsonl":
        yield file.name, name, data
        return
    for number, line in enumerate(data.splitlines(), start=1):
        if line.strip():
            yield f"{file.name}:{number}", name, line


def _names(arguments: Namespace, wanted: int) -> list[str]:
    names: list[str] = arguments.names
    if len(names) != wanted:
        raise ConfigError(
            f"{arguments.action}: names wanted {wanted}, given {len(names)}; write"
            f" {_HOW[arguments.action]}"
        )
    return names
