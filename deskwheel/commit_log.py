"""What writing jobs put on their commits, read file by file from the Delta log.

`deskwheel.lake` asks Delta for the newest commits and counts their versions backwards, which is off
by one when somebody commits meanwhile. Here each version is read by its own name, so that what
concerns one version stays the same whatever goes on. Reads no row.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from deskwheel import lake
from deskwheel.tables import Table

Commit = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """What a commit changed in the rows of its table."""

    added: tuple[str, ...]
    """Paths of the files whose rows are new; a merge of files adds none."""
    has_deleted: bool
    """Whether rows went: a file with rows was removed, and not merged into another."""
    digest: str
    """Of the commit's whole file, which no other commit has: its data files have unique names."""


def commits_until(lake_path: str | Path, table: Table, version: int | None) -> Iterator[Commit]:
    """Commits of a table from a version back to the first whose log file is kept.

    Each has `version`, `operation` (Delta's name of it) and what the job put on it.
    """
    while version is not None and version >= 0:
        found = commit_of(lake_path, table, version)
        if found is None:
            return
        yield found
        version -= 1


def commit_of(lake_path: str | Path, table: Table, version: int) -> Commit | None:
    """One commit, or None where its file is cleaned away or not written yet.

    Source: Delta protocol, "Commit Provenance Information" and "Delta Log Entries".
    """
    try:
        with _file_of(lake_path, table, version).open(encoding="utf-8") as lines:
            infos = (json.loads(line) for line in lines if '"commitInfo"' in line)
            info: Commit = next((i["commitInfo"] for i in infos if "commitInfo" in i), {})
    except FileNotFoundError:
        return None
    told = json.loads(info.get("userMetadata") or "{}")
    return {**told, "version": version, "operation": info.get("operation", "")}


def change_of(lake_path: str | Path, table: Table, version: int) -> Change | None:
    """What one commit changed, or None where its file is cleaned away or not written yet.

    Costs the same however long the log is: nothing is listed.
    Source: Delta protocol, "Add File and Remove File", `dataChange`.
    """
    try:
        told = _file_of(lake_path, table, version).read_bytes()
    except FileNotFoundError:
        return None
    folder = lake.table_path(lake_path, table)
    actions = [json.loads(line) for line in told.splitlines() if line]
    added = [a["add"] for a in actions if "add" in a]
    removed = [a["remove"] for a in actions if "remove" in a]
    return Change(
        added=tuple(str(folder / unquote(a["path"])) for a in added if a["dataChange"]),
        has_deleted=any(r["dataChange"] for r in removed),
        digest=blake2b(told, digest_size=16).hexdigest(),
    )


def has_commits(lake_path: str | Path, table: Table) -> bool:
    """Whether the table has a log; a table without one does not exist yet."""
    return (lake.table_path(lake_path, table) / "_delta_log").is_dir()


def _file_of(lake_path: str | Path, table: Table, version: int) -> Path:
    return lake.table_path(lake_path, table) / "_delta_log" / f"{version:020}.json"
