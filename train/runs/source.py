"""What a run by itself is to learn from, looked for before an engine is loaded.

Reads `snapshots`, or a file of chats; writes nothing. A name that was mistyped costs no Ray, and
leaves no run that is held.
"""

from pathlib import Path

from deskwheel.errors import ConfigError
from train.data.chat_file import load_chat_file, snapshot_id_of
from train.data.training_set import find_snapshot


def check_source(lake_dir: str, *, snapshot_id: str | None, data_file: Path | None) -> None:
    """Return if there is such a snapshot, or such a file whose lines are chats.

    Raises:
        ConfigError: no data is named, or both a snapshot and a file are.
        SnapshotError: there is none, or the file cannot be learnt from.
    """
    if data_file is None and snapshot_id is not None:
        find_snapshot(lake_dir, snapshot_id)
    elif data_file is not None and snapshot_id is None:
        snapshot_id_of(data_file)
        load_chat_file(data_file)
    else:
        raise ConfigError("name what to train on: --snapshot ID, or --data FILE.jsonl")
