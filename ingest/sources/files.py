"""The files under a path, one record each, for the sources that read whole files.

Reads and writes no topic. Files are read in the order in which they came: by the time of their
last change as the file system tells it (ctime), which no copy can set back, then by name. The
position is that time with the names already read at it, so a file that is created, renamed or
written anew after the last one read is new, whatever it is called.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deskwheel.errors import SetupError
from deskwheel.ids import record_id
from deskwheel.settings import bounded, described
from ingest.sources.model import Context

MAX_RECORD_BYTES = 16 * 1024 * 1024 + 1
"""Of a larger record only so much travels: more than any `transforms.max_event_bytes`, so that
the stream rejects it as TOO_LARGE."""


@dataclass(frozen=True)
class PathOptions:
    """Options of a source that reads files."""

    path: str = described(
        "", "File or folder; a relative one is meant from the source file.", pattern=r".+"
    )
    poll_s: float = bounded(1.0, 0.01, 3600, "Time between two looks for more, when following.")


@dataclass(frozen=True)
class FileRecord:
    """A file with its bytes, and where to go on after it."""

    path: Path
    name: str
    """Relative to the folder that is read."""
    data: bytes
    position: str


def files_under(path: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Yield a file itself, or the files of a folder with one of the suffixes, by name.

    Raises:
        SetupError: the path does not exist, or the folder holds no such file.
    """
    found = listed(path, suffixes)
    if not found:
        raise SetupError(f"{path}: no file that ends in {', '.join(suffixes)}")
    yield from found


def listed(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """A file itself, or the files of a folder with one of the suffixes, by name.

    Raises:
        SetupError: the path does not exist.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise SetupError(f"{path}: no such file or folder; give the path of the raw material")
    return [p for p in sorted(path.rglob("*")) if p.suffix.lower() in suffixes and p.is_file()]


def read_files(
    options: PathOptions, context: Context, suffixes: tuple[str, ...]
) -> Iterator[FileRecord]:
    """Yield each new file once it is written completely.

    When following, a file is taken if it is the same in two looks; otherwise as it stands, so
    write files under another name and rename them.

    Raises:
        SetupError: the path does not exist, a file cannot be read, or there is nothing to read
            and there never was.
    """
    root = context.folder / Path(options.path).expanduser()
    if context.position is None and not context.is_following:
        next(files_under(root, suffixes))

    def look() -> Iterator[Look]:
        for path in listed(root, suffixes):
            name = path.name if path == root else path.relative_to(root).as_posix()
            yield from seen_at(path, name)

    yield from read_changed(look, context, poll_s=options.poll_s)


@dataclass(frozen=True)
class Look:
    """A file as it is at the moment."""

    path: Path
    name: str
    """By which it is known again."""
    changed_ns: int
    size: int


def seen_at(path: Path, name: str) -> Iterator[Look]:
    """Yield a look at a file, nothing where it is gone by now."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    yield Look(path, name, found.st_ctime_ns, found.st_size)


def read_changed(
    look: Callable[[], Iterable[Look]],
    context: Context,
    *,
    poll_s: float,
    is_atomic: bool = False,
    remembered: int = 0,
) -> Iterator[FileRecord]:
    """Yield the files that changed after the position, in the order of their changes.

    Args:
        look: all files there are.
        context: position, and whether to wait for more.
        poll_s: time between two looks when following.
        is_atomic: files appear completely written; else they must be the same in two looks.
        remembered: how many of the last names read are not read again when they change once
            more, as a mail's file does by its flags.
    """
    progress = _Progress.parsed(context.position, remembered)
    before: dict[Path, Look] = {}
    while not context.stop.is_set():
        looks, until_ns = _complete(look, progress)
        for one in looks:
            if one.changed_ns > until_ns or progress.has(one):
                continue
            if context.is_following and not is_atomic and before.get(one.path) != one:
                break
            data = _content(one.path)
            if data is not None:
                progress.add(one)
                yield FileRecord(one.path, one.name, data, str(progress))
        if not context.is_following:
            return
        before = {one.path: one for one in looks}
        context.stop.wait(poll_s)


def _complete(look: Callable[[], Iterable[Look]], progress: "_Progress") -> tuple[list[Look], int]:
    """All files in the order of their changes, and the time up to which none of them is missing.

    A file that appears while folders are listed may be missed although a later one is seen. What
    the first look has seen was there before the second one began, and so was all before it.
    """
    until_ns = max((one.changed_ns for one in look() if not progress.has(one)), default=-1)
    if until_ns < 0:
        return [], until_ns
    return sorted(look(), key=lambda k: (k.changed_ns, k.name)), until_ns


def _content(path: Path) -> bytes | None:
    """The first bytes of a file, up to the largest record; None where it is gone."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_RECORD_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SetupError(f"{path}: {error.strerror}; make it readable or move it away") from error


class _Progress:
    """What is read: all that changed before a time, some of what changed right then, and names."""

    def __init__(self, changed_ns: int, tied: Iterable[str], names: Iterable[str], cap: int):
        self._changed_ns = changed_ns
        self._tied = set(tied)
        self._names = dict.fromkeys(names)
        self._cap = cap

    @staticmethod
    def parsed(position: str | None, cap: int) -> "_Progress":
        if position is None:
            return _Progress(-1, (), (), cap)
        try:
            changed_ns, tied, names = json.loads(position)
            return _Progress(int(changed_ns), tied, names, cap)
        except (ValueError, TypeError) as error:
            raise SetupError(
                f"position {position[:80]!r} is not one of files; remove the position's file"
            ) from error

    def __str__(self) -> str:
        kept = [self._changed_ns, sorted(self._tied), list(self._names)]
        return json.dumps(kept, separators=(",", ":"))

    def has(self, look: Look) -> bool:
        digest = _digest(look)
        is_tied = look.changed_ns == self._changed_ns and digest in self._tied
        return look.changed_ns < self._changed_ns or is_tied or digest in self._names

    def add(self, look: Look) -> None:
        if look.changed_ns != self._changed_ns:
            self._tied.clear()
        self._changed_ns = look.changed_ns
        self._tied.add(_digest(look))
        if self._cap:
            self._names[_digest(look)] = None
            while len(self._names) > self._cap:
                del self._names[next(iter(self._names))]


def _digest(look: Look) -> str:
    """A short stand-in for a name, which may be personal."""
    return record_id("f", look.name)[2:14]
