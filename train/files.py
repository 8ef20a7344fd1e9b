"""Where base models and adapters lie, and how an adapter leaves a model checkpoint.

Light: no model library.
"""

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


DEMO_BASE = "demo"
"""The base model that deskwheel ships."""


def base_location(name: str) -> str:
    """Where a base model is loaded from: the shipped folder, an absolute folder, or a hub id."""
    if name == DEMO_BASE:
        return str(Path(__file__).with_name("demo_base"))
    return str(Path(name).resolve()) if Path(name).is_dir() else name


def base_folder(name: str) -> Path | None:
    """The folder of a base model; None where it is an id of the hub."""
    location = Path(base_location(name))
    return location if location.is_dir() else None


def export_adapter(checkpoint: Path, directory: Path) -> None:
    """Copy the adapter to be served out of a model checkpoint, without optimizer and random state.

    It is the one that was best on dev, else the newest.
    """
    best = checkpoint / BEST
    source = best if (best / WEIGHTS).is_file() else checkpoint
    directory.mkdir(parents=True, exist_ok=True)
    for name in ADAPTER_FILES:
        shutil.copyfile(source / name, directory / name)
