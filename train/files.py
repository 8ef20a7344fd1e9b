"""The files of an adapter, and how they get out of a model checkpoint. Light: no model library."""

import shutil
from pathlib import Path

MANIFEST = "deskwheel.json"
"""Says which base, template and tokenizer an adapter was trained on."""

WEIGHTS = "adapter_model.safetensors"
ADAPTER_FILES = ("adapter_config.json", WEIGHTS, MANIFEST)

BEST = "best/adapter"
"""Folder in a model checkpoint with the adapter that was best on dev, where dev was looked at.

One level deeper than need be: transformers loads what lies in a folder of a model checkpoint as
one more adapter when it goes on from there.
"""


def export_adapter(checkpoint: Path, directory: Path) -> None:
    """Copy the adapter to be served out of a model checkpoint, without optimizer and random state.

    It is the one that was best on dev, else the newest.
    """
    best = checkpoint / BEST
    source = best if (best / WEIGHTS).is_file() else checkpoint
    directory.mkdir(parents=True, exist_ok=True)
    for name in ADAPTER_FILES:
        shutil.copyfile(source / name, directory / name)
