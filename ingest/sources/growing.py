"""Records of files that grow, followed like `tail -F`: through rotation, truncation, restarts.

Reads and writes no topic. A file is recognised by its inode and its first bytes, so that a
renamed one goes on where it was and a new one of the same name starts at its beginning; a copy
(`copytruncate`, a restored backup) goes on as well. The position holds a byte offset for each of
the files that changed last; of those before it is known that they were read to their end.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from deskwheel.errors import SetupError
from ingest.sources.files import PathOptions
from ingest.sources.model import Context

MAX_FILES = 256
"""Files whose offsets are kept; one that grows again after so many others is read anew."""

_HEAD_BYTES = 1024
_ROTATED = r"(?:[.-][0-9]{1,14})*"


@dataclass(frozen=True)
class Chunk:
    """A record as it stands in a file."""

    data: bytes
    end: int
    """Byte offset behind it."""
    is_ended: bool
    """Whether something behind it shows that it is complete."""


Split = Callable[[BinaryIO], Iterable[Chunk]]
"""Records of a file from where it stands; only the last may be without an end."""


@dataclass(frozen=True)
class Growing:
    """What a kind of growing file looks like."""

    suffix: str
    split: Split
    is_whole: Callable[[bytes], bool]
    """Whether a record without an end may be taken as it is, when not following."""
    quiet_s: float
    """A record without an end is taken anyway when its file has not changed for so long."""


@dataclass(frozen=True)
class GrowingRecord:
    """A record, where it was, and where to go on after it."""

    data: bytes
    origin: str
    position: str


@dataclass(frozen=True)
class _File:
    """One file: how it is recognised, and how far it is read."""

    inode: int
    offset: int
    head_bytes: int
    head: str
    changed_ns: int
    written_ns: int


@dataclass(frozen=True)
class _Seen:
    path: Path
    inode: int
    size: int
    changed_ns: int
    written_ns: int


def read_growing(options: PathOptions, context: Context, kind: Growing) -> Iterator[GrowingRecord]:
    """Yield the records behind the position, file by file in the order of their last change.

    Raises:
        SetupError: the path does not exist, holds no such file and is not followed, or a file
            cannot be read.
    """
    root = context.folder / Path(options.path).expanduser()
    progress = _Progress.parsed(context.position)
    while not context.stop.is_set():
        seen = _look(root, kind.suffix, progress)
        if not seen and not context.is_following and context.position is None:
            raise SetupError(f"{root}: no file that ends in {kind.suffix}")
        for file in progress.unread(seen):
            yield from _records(file, root, progress, context, kind)
        if not context.is_following:
            return
        context.stop.wait(options.poll_s)


def _look(root: Path, suffix: str, progress: "_Progress") -> list[_Seen]:
    """The files to read. Of a single file's rotated siblings, those that we are in or behind."""
    if root.is_dir():
        pattern = re.compile(rf".+{re.escape(suffix)}{_ROTATED}", re.IGNORECASE)
        return _stats(p for p in root.rglob("*") if pattern.fullmatch(p.name))
    if not root.parent.is_dir() or not (root.exists() or progress.files):
        raise SetupError(f"{root}: no such file or folder; give the path of the raw material")
    pattern = re.compile(re.escape(root.name) + _ROTATED)
    family = _stats(p for p in root.parent.iterdir() if pattern.fullmatch(p.name))
    known = {f.inode for f in progress.files}
    since_ns = max((f.written_ns for f in progress.files), default=0)
    return [
        s
        for s in family
        if s.path == root or s.inode in known or since_ns and s.written_ns >= since_ns
    ]


def _stats(paths: Iterable[Path]) -> list[_Seen]:
    found = []
    for path in paths:
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        if path.is_file() and stat.st_size:
            times = stat.st_ctime_ns, stat.st_mtime_ns
            found.append(_Seen(path, stat.st_ino, stat.st_size, *times))
    return sorted(found, key=lambda s: (s.changed_ns, s.written_ns, s.path.name))


def _records(
    seen: _Seen, root: Path, progress: "_Progress", context: Context, kind: Growing
) -> Iterator[GrowingRecord]:
    try:
        with seen.path.open("rb") as content:
            file = progress.recognised(seen, content)
            content.seek(file.offset)
            start = file.offset
            for chunk in kind.split(content):
                if context.stop.is_set() or not _is_due(chunk, seen, context, kind):
                    break
                file = _advanced(file, chunk.end, content)
                position = progress.after(file)
                if chunk.data:
                    name = seen.path.relative_to(root if root.is_dir() else root.parent)
                    origin = f"{name.as_posix()} at byte {start}"
                    yield GrowingRecord(chunk.data, origin, position)
                start = chunk.end
    except FileNotFoundError:
        return
    except OSError as error:
        raise SetupError(
            f"{seen.path}: {error.strerror}; make it readable or move it away"
        ) from error


def _is_due(chunk: Chunk, seen: _Seen, context: Context, kind: Growing) -> bool:
    """Whether a record may be taken: half-written ones wait."""
    if chunk.is_ended or not context.is_following and kind.is_whole(chunk.data):
        return True
    return context.now().timestamp() - seen.written_ns / 1e9 >= kind.quiet_s


def _advanced(file: _File, end: int, content: BinaryIO) -> _File:
    """The file read up to an end; while that is near its start, more of it is recognised."""
    if file.head_bytes >= _HEAD_BYTES:
        return replace(file, offset=end)
    size = min(end, _HEAD_BYTES)
    here = content.tell()
    head = _head(content, size)
    content.seek(here)
    return replace(file, offset=end, head_bytes=size, head=head)


def _head(content: BinaryIO, size: int) -> str:
    content.seek(0)
    return hashlib.blake2b(content.read(size), digest_size=8).hexdigest()


class _Progress:
    """How far each file is read."""

    def __init__(self, until_ns: int, files: list[_File]) -> None:
        self.until_ns = until_ns
        """Files that are not known and changed no later were read to their end."""
        self.files = files
        self._others = ""
        self._others_of: int | None = None

    @staticmethod
    def parsed(position: str | None) -> "_Progress":
        if position is None:
            return _Progress(-1, [])
        try:
            kept = json.loads(position)
            return _Progress(int(kept["until"]), [_File(*f) for f in kept["files"]])
        except (ValueError, TypeError, KeyError) as error:
            raise SetupError(f"position {position[:80]!r} is not one of growing files") from error

    def unread(self, seen: list[_Seen]) -> list[_Seen]:
        """Those of the files that may hold more than was read."""
        known = {f.inode: f for f in self.files}
        return [
            s
            for s in seen
            if (f := known.get(s.inode)) is None
            and s.changed_ns > self.until_ns
            or f is not None
            and (s.size != f.offset or s.changed_ns != f.changed_ns)
        ]

    def recognised(self, seen: _Seen, content: BinaryIO) -> _File:
        """How far a file is read, whatever it is called now; from its start if it is new."""
        for file in sorted(self.files, key=lambda f: f.inode != seen.inode):
            if not _fits(file, seen.size, content):
                continue
            if file.inode == seen.inode or not _still_there(file, seen.path.parent):
                self.files.remove(file)
                return self._noted(
                    replace(
                        file,
                        inode=seen.inode,
                        changed_ns=seen.changed_ns,
                        written_ns=seen.written_ns,
                    )
                )
        return self._noted(_File(seen.inode, 0, 0, "", seen.changed_ns, seen.written_ns))

    def _noted(self, file: _File) -> _File:
        """Put a file last; what had its inode before may go on in a copy that is met later."""
        self.files = [replace(f, inode=0) if f.inode == file.inode else f for f in self.files]
        self.files.append(file)
        self._others_of = None
        return file

    def after(self, file: _File) -> str:
        """Note how far a file is read; return the position behind that."""
        if self._others_of != file.inode:
            self._forget(file)
            self._others = "".join(f"{_written(f)}," for f in self.files[:-1])
            self._others_of = file.inode
        self.files[-1] = file
        return f'{{"until":{self.until_ns},"files":[{self._others}{_written(file)}]}}'

    def _forget(self, current: _File) -> None:
        """Forget the files that changed longest ago, where there are too many."""
        by_age = sorted(self.files[:-1], key=lambda f: f.changed_ns)
        for file in by_age[: max(0, len(by_age) - MAX_FILES)]:
            if file.changed_ns < current.changed_ns:
                self.until_ns = max(self.until_ns, file.changed_ns)
                self.files.remove(file)


def _fits(file: _File, size: int, content: BinaryIO) -> bool:
    """Whether a file of a size begins as one that was read so far."""
    is_long_enough = 0 < file.head_bytes and file.offset <= size
    return is_long_enough and _head(content, file.head_bytes) == file.head


def _still_there(file: _File, folder: Path) -> bool:
    """Whether the file that was read before is still beside the one that looks like it."""
    for seen in _stats(folder.iterdir()):
        if seen.inode == file.inode:
            with seen.path.open("rb") as content:
                return _fits(file, seen.size, content)
    return False


def _written(file: _File) -> str:
    return json.dumps(
        [*vars(file).values()],
        separators=(",", ":"),
    )
