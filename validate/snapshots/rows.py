"""Rows of `validated_examples` at a version, as snapshots and golden sets read them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake.exceptions import DeltaError

from deskwheel import lake
from deskwheel.errors import SnapshotError
from deskwheel.tables import VALIDATED

MEMBER_COLUMNS = (
    "example_id", "split", "kind", "content_hash", "verdict", "suite_version", "validated_at",
    "tenant", "subject_key", "conversation_id", "cluster_id", "channel", "category", "query",
    "context", "response", "rejected_response",
)  # fmt: skip
"""What freezing looks at; a column that the table does not have yet is left out."""


def newest_version(lake_dir: str | Path) -> int:
    """The newest version of `validated_examples`.

    Raises:
        SnapshotError: the table does not exist.
    """
    version = lake.current_version(lake_dir, VALIDATED)
    if version is None:
        raise SnapshotError(
            f"table {VALIDATED.name} does not exist in {lake_dir}; run"
            " `python -m validate watch --once` first"
        )
    return version


def read_rows(lake_dir: str | Path, version: int, columns: Iterable[str] | None = None) -> pa.Table:
    """All rows at a version; of the columns asked for those that the table has there.

    Raises:
        SnapshotError: there is no such version, or its files were cleaned away.
    """
    newest = lake.current_version(lake_dir, VALIDATED)
    if newest is None or not 0 <= version <= newest:
        raise SnapshotError(
            f"{VALIDATED.name} has no version {version} in {lake_dir}, its newest is {newest};"
            " choose a version from 0 to that"
        )
    try:
        found = lake.open_table(lake_dir, VALIDATED, version=version)
        present = {f.name for f in found.schema().fields} if found is not None else set()
        if not present:
            raise FileNotFoundError("its log was cleaned away")
        wanted = None if columns is None else [c for c in columns if c in present]
        return lake.read(lake_dir, VALIDATED, columns=wanted, version=version)
    except (DeltaError, OSError) as error:
        raise SnapshotError(
            f"version {version} of {VALIDATED.name} cannot be read ({error}); raise the table's"
            " retention, and freeze a newer version"
        ) from error


def valid_rows(lake_dir: str | Path, version: int) -> list[dict[str, Any]]:
    """The valid examples at a version in order of their id.

    Raises:
        SnapshotError: there is no such version, or no valid example in it.
    """
    rows = read_rows(lake_dir, version, MEMBER_COLUMNS)
    valid = rows.filter(pc.equal(rows["verdict"], "valid")).to_pylist()
    if not valid:
        raise SnapshotError(
            f"{VALIDATED.name} version {version} in {lake_dir} has no valid example;"
            " `python -m validate quarantine` tells why"
        )
    return sorted(valid, key=lambda row: str(row["example_id"]))
