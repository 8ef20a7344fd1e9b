"""The golden sets of a pipeline, as stored: what a snapshot keeps out of training.

Reads `golden`; `validate.golden` writes it.
"""

from pathlib import Path

from deskwheel import lake
from deskwheel.golden import GoldenMember, GoldenSet
from deskwheel.tables import GOLDEN


def all_sets(lake_dir: str | Path, pipeline: str) -> list[GoldenSet]:
    """Every state of a pipeline's golden set, oldest first."""
    rows = [row for row in lake.read(lake_dir, GOLDEN).to_pylist() if row["pipeline"] == pipeline]
    ordered = sorted(rows, key=lambda r: (r["created_at"], r["is_frozen"], len(r["members"])))
    return [
        GoldenSet(**{**row, "members": [GoldenMember(**m) for m in row["members"]]})
        for row in ordered
    ]


def newest_set(lake_dir: str | Path, pipeline: str) -> GoldenSet | None:
    """The draft that is being filled, or the frozen set if nothing was added to it since."""
    return next(reversed(all_sets(lake_dir, pipeline)), None)


def frozen_set(lake_dir: str | Path, pipeline: str) -> GoldenSet | None:
    """The set that was frozen last, which snapshots keep out of training."""
    found = [s for s in all_sets(lake_dir, pipeline) if s.is_frozen]
    return found[-1] if found else None
