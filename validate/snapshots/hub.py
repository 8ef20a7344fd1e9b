"""Hugging Face datasets on disk: the only file of the stage that imports `datasets`.

Writes folders that `datasets.load_from_disk` reads; asks no hub for anything.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets


def save_to_disk(folder: Path, splits: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Write one dataset with its splits."""
    was_shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        datasets.DatasetDict(
            {split: datasets.Dataset.from_list(list(rows)) for split, rows in splits.items()}
        ).save_to_disk(str(folder))
    finally:
        if was_shown:
            datasets.enable_progress_bars()
