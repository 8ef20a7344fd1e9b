"""Where each source goes on after a restart: one small file a source, and a lock beside it.

Reads and writes no topic. A position is kept only when everything before it is acknowledged, so
a crash repeats what was under way and skips nothing.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deskwheel.errors import ConfigError, StateError

FOLDER = "positions"


class PositionFile:
    """The position of one source; only `locked` hands it out, so one run a time writes it."""

    def __init__(self, path: Path, kind: str) -> None:
        """Name the file; nothing is read yet."""
        self._path = path
        self._kind = kind

    def read(self) -> str | None:
        """The position kept last; None where there is none.

        Raises:
            ConfigError: the file belongs to a source of another kind.
            StateError: the file is not what `keep` writes.
        """
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            kind, position = kept["kind"], kept["position"]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StateError(
                f"{self._path}: not a position ({error}); remove it to start from the beginning"
            ) from error
        if kind != self._kind:
            raise ConfigError(
                f"{self._path}: the position is of a source of kind {kind}, not {self._kind};"
                " give the source another name, or remove the file to start from the beginning"
            )
        return str(position)

    def keep(self, position: str) -> None:
        """Write the position so that a power cut leaves the old one or the new one."""
        text = json.dumps({"kind": self._kind, "position": position}, ensure_ascii=False)
        temporary = self._path.with_suffix(".new")
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        _sync_folder(self._path.parent)


def position_of(state_dir: Path, name: str, kind: str) -> str | None:
    """The position of a source, for those who only look."""
    return PositionFile(_file(state_dir, name), kind).read()


@contextmanager
def locked(state_dir: Path, name: str, kind: str) -> Iterator[PositionFile]:
    """Yield the position of a source, which nobody else runs until the block ends.

    The lock is the kernel's: it goes with the process, however that ends.

    Raises:
        StateError: the source is being run already.
    """
    path = _file(state_dir, name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.with_suffix(".lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise StateError(
                f"source {name} is being run by process {file.read().strip() or '?'}; stop that"
                " one, or give this source another name"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield PositionFile(path, kind)


def _file(state_dir: Path, name: str) -> Path:
    # A name may hold a dot, which `with_suffix` would take for the start of a suffix.
    return state_dir / FOLDER / f"{name}.json"


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
