"""How far the jobs had read at a version of their table, by what they put on their commits.

Without it a row that is gone looks like one that nobody has come to yet. Reads the Delta logs of
`turns`, `feedback`, `validated_examples` and `examples`; no rows.
"""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from deskwheel import lake
from deskwheel.commit_log import commit_of, commits_until
from deskwheel.tables import EXAMPLES, FEEDBACK, TURNS, VALIDATED

Ends = Mapping[str, Mapping[int, int]]
"""Topic → partition → offset after the last one that a commit says it has rows of."""

LOOKED_BACK = 256
"""Commits that are looked at; where they name no offset, nothing is said about it."""

EXAMPLES_READ = "examples_read"
"""Name of `examples` at the version up to which the gate had judged every row."""

_ADDS_NO_ROW = frozenset(
    {"OPTIMIZE", "DELETE", "VACUUM START", "VACUUM END", "ADD COLUMN", "SET TBLPROPERTIES"}
)


def read_ends(lake_path: str | Path, versions: Mapping[str, int | None]) -> Ends:
    """How far the newest commits of `turns` and `feedback` go, in the partitions they name.

    Only those of the stream's present life count: an earlier one read topics that may have been
    others.
    """
    ends: dict[str, dict[int, int]] = {}
    for table in (TURNS, FEEDBACK):
        commits = commits_until(lake_path, table, versions.get(table.name))
        app = ""
        for commit in islice(commits, LOOKED_BACK):
            app = app or str(commit.get("app", ""))
            if commit.get("app", app) != app:
                break
            for place, (_, end) in commit.get("ranges", {}).items():
                topic, _, partition = place.rpartition("/")
                known = ends.setdefault(topic, {})
                known[int(partition)] = max(end, known.get(int(partition), 0))
    return ends


def examples_read(lake_path: str | Path, versions: Mapping[str, int | None]) -> int | None:
    """The version of `examples` all of whose rows the gate had judged; None if it is not known.

    The newest commit of the gate says which version its stream had come to: those below it were
    read to their end. Of the commits that follow, those that add no row are taken along.
    """
    pinned = versions.get(EXAMPLES.name)
    table = lake.open_table(lake_path, EXAMPLES, version=pinned) if pinned is not None else None
    if table is None or pinned is None:
        return None
    name = str(table.metadata().id)
    commits = commits_until(lake_path, VALIDATED, versions.get(VALIDATED.name))
    marks = (c["read"][name] for c in islice(commits, LOOKED_BACK) if name in c.get("read", {}))
    reached, _, is_first_look = next(marks, (0, 0, True))
    # A stream's first look is at a whole version, in parts: how many of them is not known here.
    if is_first_look or reached < 1:
        return None
    version = min(reached - 1, pinned)
    while version < pinned:
        following = commit_of(lake_path, EXAMPLES, version + 1)
        if following is None or following["operation"] not in _ADDS_NO_ROW:
            break
        version += 1
    return version if lake.has_files(lake_path, EXAMPLES, version) else None
