"""The verb `snapshot`: list, show, verify, compare, export, describe and prove training sets."""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deskwheel.errors import ConfigError
from deskwheel.records import Snapshot
from deskwheel.settings import Settings
from validate.snapshots.card import card_facts, render_card
from validate.snapshots.difference import Difference, compare_snapshots
from validate.snapshots.export import export_snapshot
from validate.snapshots.freeze import facts_of, manifest_of
from validate.snapshots.store import all_snapshots, find_snapshot, load_frozen
from validate.snapshots.verify import prove_member, verify_snapshot

_HOW = {
    "list": "`python -m validate snapshot list`",
    "show": "`python -m validate snapshot show ID`",
    "verify": "`python -m validate snapshot verify ID`",
    "diff": "`python -m validate snapshot diff OLDER NEWER`",
    "export": "`python -m validate snapshot export ID --to DIR`",
    "card": "`python -m validate snapshot card ID`",
    "prove": "`python -m validate snapshot prove ID EXAMPLE`",
}
_SHOWN = 20


def snapshot_verb(settings: Settings, arguments: argparse.Namespace) -> int:
    """Run one action.

    `verify` returns 1 for a snapshot that reads otherwise than it was frozen, `diff` for members
    whose split or text changed.
    """
    actions: dict[str, Callable[[Settings, argparse.Namespace], int]] = {
        "list": _list,
        "show": _show,
        "verify": _verify,
        "diff": _diff,
        "export": _export,
        "card": _card,
        "prove": _prove,
    }
    return actions[arguments.action](settings, arguments)


def _list(settings: Settings, arguments: argparse.Namespace) -> int:
    _names(arguments, 0)
    found = [_summary(s) for s in all_snapshots(settings.pipeline.lake)]
    if arguments.json:
        print(json.dumps(found))
        return 0
    table = Table("snapshot", "pipeline", "version", "train", "dev", "test", "frozen")
    for row in found:
        counts = [str(row["counts"][split]) for split in ("train", "dev", "test")]
        cells = (row["snapshot_id"], row["pipeline"], str(row["table_version"]), *counts)
        table.add_row(*cells, row["created_at"])
    Console().print(table)
    return 0


def _show(settings: Settings, arguments: argparse.Namespace) -> int:
    (snapshot,) = _snapshots(settings, _names(arguments, 1))
    facts = {**_summary(snapshot), "manifest": manifest_of(snapshot)}
    print(json.dumps(facts, indent=None if arguments.json else 2, ensure_ascii=False))
    return 0


def _verify(settings: Settings, arguments: argparse.Namespace) -> int:
    (snapshot,) = _snapshots(settings, _names(arguments, 1))
    found = verify_snapshot(settings.pipeline.lake, snapshot)
    if arguments.json:
        print(json.dumps({**asdict(found), "holds": found.holds}))
        return int(not found.holds)
    print(f"{found.snapshot_id}: {found.members} members, {len(found.missing)} missing")
    for check in ("content_digest", "merkle_root", "manifest"):
        said = {True: "as frozen", False: "DIFFERS", None: "none stored"}[getattr(found, check)]
        print(f"{check.replace('_', ' ')}: {said}")
    return int(not found.holds)


def _diff(settings: Settings, arguments: argparse.Namespace) -> int:
    older, newer = _snapshots(settings, _names(arguments, 2))
    found = compare_snapshots(settings.pipeline.lake, older, newer)
    if arguments.json:
        print(json.dumps({**asdict(found), "is_sound": found.is_sound}, ensure_ascii=False))
    else:
        _print_difference(found)
    return int(not found.is_sound)


def _export(settings: Settings, arguments: argparse.Namespace) -> int:
    (snapshot,) = _snapshots(settings, _names(arguments, 1))
    if arguments.to is None:
        raise ConfigError(f"export needs a folder: {_HOW['export']}")
    counts = export_snapshot(
        settings.pipeline.lake, snapshot, Path(arguments.to), format=arguments.format
    )
    if arguments.json:
        print(json.dumps({"folder": str(arguments.to), "rows": counts}))
        return 0
    for form, splits in counts.items():
        print(f"{form}: " + ", ".join(f"{split} {n}" for split, n in splits.items()))
    print(arguments.to)
    return 0


def _card(settings: Settings, arguments: argparse.Namespace) -> int:
    (snapshot,) = _snapshots(settings, _names(arguments, 1))
    facts = card_facts(settings.pipeline.lake, load_frozen(settings.pipeline.lake, snapshot))
    print(json.dumps(facts, ensure_ascii=False) if arguments.json else render_card(facts))
    return 0


def _prove(settings: Settings, arguments: argparse.Namespace) -> int:
    name, example_id = _names(arguments, 2)
    (snapshot,) = _snapshots(settings, [name])
    proof = prove_member(snapshot, example_id)
    is_frozen_root = proof.holds() and proof.root == manifest_of(snapshot)["merkle_root"]
    print(json.dumps({**asdict(proof), "holds": is_frozen_root}, indent=_indent(arguments)))
    return int(not is_frozen_root)


def _indent(arguments: argparse.Namespace) -> int | None:
    return None if arguments.json else 2


def _names(arguments: argparse.Namespace, count: int) -> list[str]:
    names: list[str] = arguments.names
    if len(names) != count:
        raise ConfigError(
            f"{arguments.action} takes {count} names, got {len(names)}: {_HOW[arguments.action]}"
        )
    return names


def _snapshots(settings: Settings, names: Sequence[str]) -> list[Snapshot]:
    return [find_snapshot(settings.pipeline.lake, name) for name in names]


def _summary(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "snapshot_id": snapshot.snapshot_id,
        "pipeline": snapshot.pipeline,
        "created_at": snapshot.created_at.isoformat(timespec="seconds"),
        "suite_version": snapshot.suite_version,
        **facts_of(snapshot),
    }


def _print_difference(found: Difference) -> None:
    console = Console()
    console.print(
        f"{found.older} → {found.newer}: {len(found.added)} added, {len(found.removed)} removed,"
        f" {len(found.moved)} moved, {len(found.changed)} changed"
    )
    for example_id, how in [*found.moved.items(), *((i, "changed") for i in found.changed)][
        :_SHOWN
    ]:
        console.print(f"{example_id}: {how}")
    reasons = Table("why removed", "examples")
    for reason, count in found.reasons.items():
        reasons.add_row(reason, str(count))
    console.print(reasons)
    mix = Table("column", "value", "older", "newer")
    for column, values in found.mix.items():
        for value, (before, after) in values.items():
            mix.add_row(column, value, str(before), str(after))
    console.print(mix)
