import errno
from pathlib import Path

import pytest

from deskwheel.errors import CheckpointError, NoRoomError
from train.finetune.checkpoints import SEAL, RunState, check_seal, newest_whole, seal, storing
from train.finetune.stopping import Stopping


def checkpoint(folder: Path) -> Path:
    (folder / "best").mkdir(parents=True)
    (folder / "weights").write_bytes(b"weights")
    (folder / "best" / "weights").write_bytes(b"best")
    seal(folder)
    return folder


def test_a_sealed_checkpoint_is_whole(tmp_path: Path) -> None:
    check_seal(checkpoint(tmp_path / "c"))


@pytest.mark.parametrize("name", ["weights", "best/weights"])
def test_a_cut_file_breaks_the_seal(tmp_path: Path, name: str) -> None:
    folder = checkpoint(tmp_path / "c")
    file = folder / name
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=f"{name} is missing or has other bytes"):
        check_seal(folder)


def test_a_checkpoint_without_a_seal_was_cut_short(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "c")
    (folder / SEAL).unlink()
    with pytest.raises(CheckpointError, match="it was cut short"):
        check_seal(folder)


def test_the_one_before_a_broken_checkpoint_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newest, before = checkpoint(tmp_path / "2"), checkpoint(tmp_path / "1")
    assert newest_whole([newest, before]) == newest
    (newest / "weights").unlink()
    assert newest_whole([newest, before]) == before
    assert "weights is missing" in capsys.readouterr().err
    (before / SEAL).unlink()
    assert newest_whole([newest, before]) is None


def test_a_full_disk_has_an_error_of_its_own_that_waits_for_a_person() -> None:
    with pytest.raises(NoRoomError, match="no room left") as full, storing("checkpoint 3"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not full.value.retriable
    with (
        pytest.raises(CheckpointError, match="checkpoint 3 cannot") as other,
        storing("checkpoint 3"),
    ):
        raise TimeoutError("the bucket does not answer")
    assert other.value.retriable


def test_a_run_state_is_read_back(tmp_path: Path) -> None:
    state = RunState(
        step=3,
        precision="bf16",
        history=({"step": 1.0, "loss": 2.0},),
        stopping=Stopping(best_loss=2.0, best_step=1),
    )
    state.write(tmp_path)
    assert RunState.read(tmp_path) == state
