from collections.abc import Callable
from pathlib import Path

import pyarrow.fs
import pytest
import ray.train

from deskwheel.settings import TrainSettings
from train.finetune.checkpoints import seal
from train.finetune.storage import checkpoint_storage
from train.workers import worker

newest_checkpoint = worker._newest_checkpoint  # noqa: SLF001  what a started worker asks first


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Stores a sealed model checkpoint of a run, which is Ray's newest one from then on."""

    def store(name: str) -> Path:
        folder = tmp_path / "run" / name
        folder.mkdir(parents=True)
        (folder / "weights").write_text(name)
        seal(folder)
        newest = ray.train.Checkpoint.from_directory(str(folder))
        monkeypatch.setattr(ray.train, "get_checkpoint", lambda: newest)
        return folder

    return store


def weights() -> str | None:
    with newest_checkpoint() as folder:
        return None if folder is None else (folder / "weights").read_text()


def test_a_first_start_has_no_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray.train, "get_checkpoint", lambda: None)
    assert weights() is None


def test_a_run_goes_on_from_its_newest_whole_checkpoint(
    stored: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = stored("checkpoint_2026-01-01_1"), stored("checkpoint_2026-01-01_2")
    (first.parent / "checkpoint_manager_snapshot.json").write_text("{}")
    assert weights() == second.name
    (second / "weights").write_text("")
    assert weights() == first.name
    assert f"{second}: weights is missing or has other bytes" in capsys.readouterr().err
    (first / "weights").unlink()
    assert weights() is None


def test_a_checkpoint_that_ray_has_not_registered_is_not_taken(
    stored: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = stored("checkpoint_2026-01-01_1")
    registered = ray.train.get_checkpoint()
    stored("checkpoint_2026-01-01_2")
    monkeypatch.setattr(ray.train, "get_checkpoint", lambda: registered)
    assert weights() == first.name


def test_a_checkpoint_in_any_storage_of_fsspec_is_fetched_and_proven(
    stored: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = stored("checkpoint_2026-01-01_1")
    storage = checkpoint_storage(TrainSettings(checkpoints="memory://bucket/run"))
    for name in ("checkpoint_1", "checkpoint_2"):
        pyarrow.fs.copy_files(
            str(here), f"{storage.path}/{name}", destination_filesystem=storage.filesystem
        )
    with storage.filesystem.open_output_stream(f"{storage.path}/checkpoint_2/weights") as stream:
        stream.write(b"cut")
    newest = ray.train.Checkpoint(f"{storage.path}/checkpoint_2", storage.filesystem)
    monkeypatch.setattr(ray.train, "get_checkpoint", lambda: newest)
    assert weights() == here.name
