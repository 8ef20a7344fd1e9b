"""Where model checkpoints are kept: a folder, or any address that fsspec has a driver for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]
from pyarrow.fs import FSSpecHandler, PyFileSystem

from deskwheel.errors import ConfigError
from deskwheel.settings import TrainSettings


@dataclass(frozen=True, kw_only=True)
class Storage:
    """A place as Ray's `RunConfig` takes it."""

    path: str
    filesystem: Any
    """pyarrow's; None stands for the local disk."""


def checkpoint_storage(settings: TrainSettings) -> Storage:
    """The place of `train.checkpoints`, of `train.runs_dir` where it is empty.

    A folder must be one that all workers see.

    Raises:
        ConfigError: fsspec has no driver for such an address here.
    """
    address = settings.checkpoints or settings.runs_dir
    if "://" not in address or address.startswith("file://"):
        return Storage(path=str(Path(address.removeprefix("file://")).resolve()), filesystem=None)
    try:
        filesystem, path = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise ConfigError(
            f"train.checkpoints={address!r}: {error}; install fsspec's driver beside deskwheel"
            " on every worker, or name a folder that all of them see"
        ) from error
    return Storage(path=path, filesystem=PyFileSystem(FSSpecHandler(filesystem)))
