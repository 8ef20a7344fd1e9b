from dataclasses import replace
from pathlib import Path

import pytest

from deskwheel.errors import ConfigError
from deskwheel.settings import TrainSettings
from train.finetune.storage import checkpoint_storage

PLAIN = TrainSettings()


def test_a_folder_needs_no_filesystem(tmp_path: Path) -> None:
    for address in (str(tmp_path), f"file://{tmp_path}"):
        storage = checkpoint_storage(replace(PLAIN, checkpoints=address))
        assert (storage.path, storage.filesystem) == (str(tmp_path.resolve()), None)


def test_without_an_address_checkpoints_lie_with_the_runs(tmp_path: Path) -> None:
    storage = checkpoint_storage(replace(PLAIN, runs_dir=str(tmp_path)))
    assert storage.path == str(tmp_path.resolve())


def test_any_address_of_fsspec_can_be_written_and_read() -> None:
    storage = checkpoint_storage(replace(PLAIN, checkpoints="memory://runs/a"))
    file = f"{storage.path}/checkpoint_1/weights"
    storage.filesystem.create_dir(f"{storage.path}/checkpoint_1", recursive=True)
    with storage.filesystem.open_output_stream(file) as stream:
        stream.write(b"weights")
    with storage.filesystem.open_input_stream(file) as stream:
        assert stream.read() == b"weights"


def test_a_driver_that_is_not_installed_is_named() -> None:
    with pytest.raises(ConfigError, match="'nothing://bucket'.*install fsspec's driver"):
        checkpoint_storage(replace(PLAIN, checkpoints="nothing://bucket"))
