"""What writing jobs put on their commits, read file by file from the Delta log.

`deskwheel.lake` asks Delta for the newest commits and counts their versions backwards, which is off
by one when somebody commits meanwhile. Here each version is read by its own name, so that what
concerns one version stays the same whatever goes on. Reads no row.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deskwheel import lake
from deskwheel.tables import Table

Commit = dict[str, Any]


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
    file = lake.table_path(lake_path, table) / "_delta_log" / f"{version:020}.json"
    try:
        with file.open(encoding="utf-8") as lines:
            infos = (json.loads(line) for line in lines if '"commitInfo"' in line)
            info: Commit = next((i["commitInfo"] for i in infos if "commitInfo" in i), {})
    except FileNotFoundError:
        return None
    told = json.loads(info.get("userMetadata") or "{}")
    return {**told, "version": version, "operation": info.get("operation", "")}
