"""The verb `golden`: fill, freeze, list and check the golden set."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deskwheel.errors import ConfigError, SnapshotError
from deskwheel.golden import GoldenSet
from deskwheel.settings import Settings
from validate.golden.check import Check, check_set
from validate.golden.plan import draw_examples
from validate.golden.sets import (
    add_examples,
    candidates,
    cells_of,
    freeze_set,
    remove_examples,
)
from validate.snapshots.golden import all_sets, frozen_set, newest_set


def golden_verb(settings: Settings, arguments: argparse.Namespace) -> int:
    """Run one action; `check` returns 1 when models cannot be measured fairly by the set."""
    actions: dict[str, Callable[[Settings, argparse.Namespace], int]] = {
        "list": _list,
        "add": _add,
        "remove": _remove,
        "freeze": _freeze,
        "check": _check,
    }
    return actions[arguments.action](settings, arguments)


def _list(settings: Settings, arguments: argparse.Namespace) -> int:
    states = [_facts(s) for s in all_sets(settings.pipeline.lake, settings.pipeline.name)]
    if arguments.json:
        print(json.dumps(states))
        return 0
    table = Table("golden set", "state", "examples", "since", "categories and channels")
    for state in states:
        cells = ", ".join(f"{cell} {n}" for cell, n in state["cells"].items())
        table.add_row(
            state["golden_id"], state["state"], str(state["examples"]), state["since"], cells
        )
    Console().print(table)
    return 0


def _add(settings: Settings, arguments: argparse.Namespace) -> int:
    lake_dir, pipeline = settings.pipeline.lake, settings.pipeline.name
    if (arguments.file is None) == (arguments.plan is None):
        raise ConfigError(
            "`golden add` takes either --from FILE, one example id a line, or --plan N, which draws"
            " N of the test split"
        )
    if arguments.file is not None:
        ids = _ids(arguments.file)
    else:
        newest = newest_set(lake_dir, pipeline)
        taken = [m.example_id for m in newest.members] if newest else []
        ids = draw_examples(candidates(lake_dir).values(), arguments.plan, taken=taken)
    origin: Any = "plan" if arguments.file is None else "file"
    return _say(add_examples(lake_dir, pipeline, ids, origin=origin, now=_now()), arguments)


def _remove(settings: Settings, arguments: argparse.Namespace) -> int:
    if arguments.file is None:
        raise ConfigError("`golden remove` takes --from FILE, one example id a line")
    lake_dir, pipeline = settings.pipeline.lake, settings.pipeline.name
    return _say(remove_examples(lake_dir, pipeline, _ids(arguments.file), now=_now()), arguments)


def _freeze(settings: Settings, arguments: argparse.Namespace) -> int:
    return _say(freeze_set(settings.pipeline.lake, settings.pipeline.name, now=_now()), arguments)


def _check(settings: Settings, arguments: argparse.Namespace) -> int:
    lake_dir, pipeline = settings.pipeline.lake, settings.pipeline.name
    golden = frozen_set(lake_dir, pipeline) or newest_set(lake_dir, pipeline)
    if golden is None:
        raise SnapshotError(
            f"pipeline {pipeline} has no golden set; start one with `python -m validate golden add`"
        )
    found = check_set(lake_dir, golden)
    if arguments.json:
        print(json.dumps({**asdict(found), "holds": found.holds}))
    else:
        print("\n".join(_lines(found)))
    return int(not found.holds)


def _lines(found: Check) -> list[str]:
    lines = [
        f"{found.golden_id}: {found.members} examples,"
        f" {'intact' if found.is_intact else 'NOT what its id says: restore the table `golden`'}"
    ]
    lines += [f"{i} is {verdict} now" for i, verdict in found.gone.items()]
    lines += [f"{i} reads otherwise than when it was added" for i in found.changed]
    lines += [
        f"{snapshot}, older than the set, learns from {n} golden examples or their customers"
        for snapshot, n in found.learnt_before.items()
    ]
    lines += [
        f"{snapshot} LEARNS FROM {n} golden examples or their customers"
        for snapshot, n in found.learnt_since.items()
    ]
    return [*lines, "may be measured by" if found.holds else "must not be measured by"]


def _ids(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read ({error}); name a file of example ids") from error
    return [line.strip() for line in lines if line.strip()]


def _say(golden: GoldenSet, arguments: argparse.Namespace) -> int:
    facts = _facts(golden)
    if arguments.json:
        print(json.dumps(facts))
    else:
        print(f"{facts['golden_id']}: {facts['state']}, {facts['examples']} examples")
    return 0


def _facts(golden: GoldenSet) -> dict[str, Any]:
    return {
        "golden_id": golden.golden_id,
        "state": "frozen" if golden.is_frozen else "draft",
        "examples": len(golden.members),
        "since": golden.created_at.isoformat(timespec="seconds"),
        "cells": cells_of(golden.members),
        "merkle_root": json.loads(golden.manifest)["merkle_root"] if golden.manifest else None,
    }


def _now() -> datetime:
    return datetime.now(UTC)
