"""Model checkpoints that can be trusted: sealed with a digest a file, proven before a resume.

Writes `sealed.json` and `run.json` into a model checkpoint's folder, as the last of its files: one
that a crash or a full disk cut short has no seal.
"""

import errno
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deskwheel import failpoint
from deskwheel.errors import CheckpointError, NoRoomError
from train.finetune.packed import file_digest
from train.finetune.stopping import Stopping

SEAL = "sealed.json"
STATE = "run.json"
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, kw_only=True)
class RunState:
    """What a continued run must know beside weights and optimizer."""

    step: int
    precision: str
    """As chosen at the first start; a probe of another machine must not change it."""
    history: tuple[dict[str, float], ...] = ()
    """Only of the fast engine; TRL's trainer has its own."""
    stopping: Stopping = Stopping()
    is_over: bool = False
    """Training has ended; a continued run has nothing to do."""

    def write(self, folder: Path) -> None:
        """Into a model checkpoint, before it is sealed."""
        plain = {**vars(self), "stopping": vars(self.stopping)}
        (folder / STATE).write_text(json.dumps(plain), encoding="utf-8")

    def told(self) -> dict[str, float]:
        """What the report of a model checkpoint says; its losses may be of a step before."""
        return {"checkpoint_step": float(self.step), "is_over": float(self.is_over)}

    @classmethod
    def read(cls, folder: Path) -> "RunState":
        """Out of a model checkpoint that `check_seal` has proven."""
        plain = json.loads((folder / STATE).read_text(encoding="utf-8"))
        history = tuple(plain.pop("history"))
        return cls(**{**plain, "stopping": Stopping.of(plain["stopping"]), "history": history})


def seal(folder: Path) -> None:
    """Write the digests of a model checkpoint's files, whole or not at all."""
    digests = {str(f.relative_to(folder)): file_digest(f) for f in _files(folder)}
    draft = folder / f".{SEAL}"
    draft.write_text(json.dumps(digests, indent=1, sort_keys=True), encoding="utf-8")
    failpoint.reach(failpoint.BEFORE_SEAL)
    os.replace(draft, folder / SEAL)


def check_seal(folder: Path) -> None:
    """Return if a model checkpoint is what was written.

    Raises:
        CheckpointError: it has no seal, a file is missing or one has other bytes.
    """
    try:
        digests = json.loads((folder / SEAL).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"model checkpoint {folder} has no readable {SEAL} ({error}): it was cut short;"
            " the one before it is taken"
        ) from error
    for name, wanted in digests.items():
        file = folder / name
        if not file.is_file() or file_digest(file) != wanted:
            raise CheckpointError(
                f"model checkpoint {folder}: {name} is missing or has other bytes than were"
                " written; the one before it is taken"
            )


def newest_whole(folders: Iterable[Path]) -> Path | None:
    """The first model checkpoint that proves whole; says on standard error why others do not."""
    for folder in folders:
        try:
            check_seal(folder)
        except CheckpointError as error:
            print(error, file=sys.stderr)
        else:
            return folder
    return None


@contextmanager
def storing(what: str) -> Iterator[None]:
    """Turn a failure to write into an error that says so, and that the last checkpoint is good.

    Raises:
        NoRoomError: the disk is full.
        CheckpointError: the storage does not take what is written.
    """
    try:
        yield
    except OSError as error:
        is_full = error.errno in _NO_ROOM
        kind = NoRoomError if is_full else CheckpointError
        raise kind(
            f"{what} cannot be written ({'no room left' if is_full else error}); the one before it"
            " is whole, and the run can go on from there: free space in train.runs_dir,"
            " train.checkpoints and the temporary folder, then `python -m train retry WINDOW`, or"
            " for a run by itself the same command again"
        ) from error


def _files(folder: Path) -> list[Path]:
    return sorted(f for f in folder.rglob("*") if f.is_file() and f.name not in (SEAL, f".{SEAL}"))
