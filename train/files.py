"""The files of an adapter, and how they get out of a model checkpoint. Light: no model library."""

import shutil
from pathlib import Path

MANIFEST = "deskwheel.json"
"""Says which base, template and tokenizer an adapter was trained on."""

WEIGHTS = "adapter_model.safetensors"
ADAPTER_FILES = ("adapter_config.json", WEIGHTS, MANIFEST)


def export_adapter(checkpoint: Path, directory: Path) -> None:
    """Copy an adapter out of a model checkpoint, without optimizer and random state."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in ADAPTER_FILES:
        shutil.copyfile(checkpoint / name, directory / name)
