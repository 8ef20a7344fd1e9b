"""What a stream checkpoint says that a batch reads, and whether the commit of the batch agrees.

The commit carries it, so that the audit knows which rows of `examples` had been read, and so that a
checkpoint whose offsets say something else now is refused. Reads the Delta log of
`validated_examples` and the checkpoint; writes nothing.
"""

import json
from itertools import islice
from pathlib import Path
from typing import Any

from deskwheel import lake
from deskwheel.commit_log import commits_until
from deskwheel.errors import LineageError
from deskwheel.tables import VALIDATED

Read = dict[str, list[Any]]
"""Delta's id of a table → [version, index in it, whether it is the stream's first look]. The batch
ends there: versions below were read to their end, but for those of a first look."""

_LOOKED_BACK = 256


def planned_reading(checkpoint: Path, batch_id: int) -> Read:
    """Up to where a batch reads each table, as Spark wrote it down before the batch began.

    Empty where there is no such file. Source: Spark's `OffsetSeqLog`, Delta's `DeltaSourceOffset`.
    """
    try:
        _, _, *offsets = (checkpoint / "offsets" / str(batch_id)).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    found = [json.loads(line) for line in offsets if line.startswith("{")]
    return {
        o["reservoirId"]: [o["reservoirVersion"], o["index"], o.get("isStartingVersion", True)]
        for o in found
        if "reservoirId" in o
    }


def check_reading(lake_dir: Path, checkpoint: Path, app_id: str) -> None:
    """Refuse offsets that are not those by which a batch was committed.

    Raises:
        LineageError: a batch's offsets were changed after its commit; rows would be skipped.
    """
    newest = lake.current_version(lake_dir, VALIDATED)
    for commit in islice(commits_until(lake_dir, VALIDATED, newest), _LOOKED_BACK):
        if commit.get("app") != app_id or not commit.get("read"):
            continue
        found = planned_reading(checkpoint, commit["batch"])
        if found and found != commit["read"]:
            raise LineageError(
                f"stream {checkpoint.name}: {checkpoint / 'offsets' / str(commit['batch'])} says"
                f" {found}, the batch was committed with {commit['read']}: the file was edited."
                " Restore the checkpoint together with the lake"
            )
