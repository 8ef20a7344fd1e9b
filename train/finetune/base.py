"""Whether the base model is the one that was meant, before anything is trained on it.

Reads the base model's folder, or the hub's copy on this disk.
"""

import hashlib
from pathlib import Path

from huggingface_hub import snapshot_download

from deskwheel.errors import BaseModelError
from deskwheel.settings import TrainSettings
from train.files import base_location
from train.finetune.packed import file_digest

_DECIDING = ("*.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "*.jinja")
"""Files that decide what a base model says."""


def check_base(settings: TrainSettings) -> None:
    """Return if the base model has the digest of `train.base_sha256`, where one is set.

    Reads all weights then; some seconds for each ten gigabytes.

    Raises:
        BaseModelError: it is missing, or is another one.
    """
    if not settings.base_sha256:
        return
    found = base_sha256(_folder(settings))
    if found != settings.base_sha256:
        raise BaseModelError(
            f"base model {settings.base_model!r} is {found}, and train.base_sha256 names"
            f" {settings.base_sha256}: nothing was trained; restore that base, or set the"
            " new digest if the change was meant"
        )


def base_sha256(folder: Path) -> str:
    """Hex SHA-256 over name and digest of the files that decide what a base model says."""
    files = sorted({f for pattern in _DECIDING for f in folder.glob(pattern)})
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{file.name}\0{file_digest(file)}\n".encode())
    return whole.hexdigest()


def _folder(settings: TrainSettings) -> Path:
    location = base_location(settings.base_model)
    if Path(location).is_dir():
        return Path(location)
    try:
        return Path(
            snapshot_download(
                location, revision=settings.base_revision, allow_patterns=list(_DECIDING)
            )
        )
    except (OSError, ValueError) as error:
        raise BaseModelError(
            f"base model {settings.base_model!r} is no folder here and cannot be fetched"
            f" ({type(error).__name__}); see docs/train.md#a-real-base-model"
        ) from error
