"""Records on disk in the order they were given: what a source hands over while brokers are away.

A spool is a folder of segment files. `append` writes, `sync` makes durable, `read` gives records
back in order, `forget` drops what has arrived elsewhere. A record is durable only after `sync`;
one that a crash has torn was never durable and is cut. A record that was damaged later is put
aside with its bytes, in `damaged/`, and counted. One process has a spool at a time.
"""

import mmap
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deskwheel.errors import PublishError
from ingest.segments import (
    HEADER_BYTES,
    MAX_RECORD_BYTES,
    Place,
    Segment,
    claim,
    find_segments,
    keep,
    remember,
    remembered,
    sync_folder,
)


class SpoolFullError(PublishError):
    """The spool or its disk has no room; the event was refused and nothing of it was kept."""


@dataclass(frozen=True)
class Kept:
    """A record that was read back."""

    payload: bytes
    end: Place
    """Where the next record begins; what `forget` is told when this one has arrived."""
    salt: int
    """Of its segment: tells it from one of the same number, made when the position was lost."""


class Spool:
    """Records of one folder, first in, first out. Thread-safe; one process at a time."""

    def __init__(self, folder: Path, *, max_bytes: int, segment_bytes: int) -> None:
        """Open the spool and make whole what a crash left.

        Args:
            folder: made if it is missing.
            max_bytes: of all segments together.
            segment_bytes: a segment is closed at this size.

        Raises:
            ServiceError: another process has the spool.
        """
        self._folder = folder
        self._max_bytes = max_bytes
        self._segment_bytes = segment_bytes
        # Where both are taken, `_syncing` comes first. It is held through an fsync, `_lock` is not.
        self._syncing = threading.Lock()
        self._lock = threading.RLock()
        self.damaged = 0
        """How many stretches of unreadable bytes were put aside since the spool was opened."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._claim = claim(folder)
        self._segments = find_segments(folder)
        self._sizes = {s.number: s.path.stat().st_size for s in self._segments}
        first = Place(self._segments[0].number, 0) if self._segments else Place(0, 0)
        self._done = max(first, remembered(folder))
        self._descriptor = -1
        self._recover()
        self._written = self._done
        if self._segments:
            last = self._segments[-1].number
            self._written = max(self._done, Place(last, self._sizes[last]))
        self._synced = self._written
        self._lost: list[tuple[Place, Place]] = []

    @property
    def is_empty(self) -> bool:
        """Whether every record has been forgotten."""
        with self._lock:
            return self._done >= self._written

    @property
    def size_bytes(self) -> int:
        """Bytes of the segments on disk."""
        return sum(self._sizes.copy().values())

    @property
    def done(self) -> Place:
        """Where the first record begins that was not forgotten."""
        return self._done

    def append(self, payload: bytes) -> Place:
        """Write a record behind all others and return its end; durable only after `sync`.

        Raises:
            SpoolFullError: there is no room for it; nothing of it is kept.
        """
        while True:
            with self._lock:
                if self._has_segment():
                    return self._write(payload)
            with self._syncing, self._lock:
                if not self._has_segment():
                    self._next_segment()

    def sync(self, upto: Place) -> None:
        """Return when the records that end at or before the place are on the disk.

        Callers that come at once share one fsync.

        Raises:
            SpoolFullError: the disk did not take them; nothing of them is kept.
        """
        with self._syncing:
            if any(low < upto <= high for low, high in self._lost):
                raise SpoolFullError(f"spool {self._folder}: the disk did not take the event")
            if upto > self._synced:
                with self._lock:
                    target = self._written
                self._flush(target)

    def read(self, start: Place) -> Iterator[Kept]:
        """Yield the durable records from a place on, as far as there are any now.

        Raises:
            SpoolFullError: there is no room to put damaged bytes aside.
        """
        with self._lock:
            stop = self._synced
            segments = [(segment, self._sizes[segment.number]) for segment in self._segments]
        for segment, size in segments:
            if start.segment <= segment.number <= stop.segment:
                begin = start.offset if segment.number == start.segment else 0
                end = stop.offset if segment.number == stop.segment else size
                yield from self._read(segment, begin, end)

    def forget(self, upto: Place) -> None:
        """Drop the records that end at or before the place; their files go as they are used up.

        After a crash a little of what was forgotten may come back.
        """
        with self._syncing, self._lock:
            self._done = max(self._done, upto)
            if self._done >= self._written:
                self._close_segment()
            remember(self._folder, self._done)
            in_use = self._descriptor >= 0
            for segment in tuple(self._segments):
                is_open = in_use and segment is self._segments[-1]
                if segment.number <= self._done.segment and not is_open and (
                    segment.number < self._done.segment
                    or self._done.offset >= self._sizes[segment.number]
                ):  # fmt: skip
                    segment.path.unlink(missing_ok=True)
                    self._segments.remove(segment)
                    del self._sizes[segment.number]

    def put_aside(self, kept: Kept) -> bool:
        """Keep a record that nobody takes in `refused/`; return whether it was not there yet.

        Raises:
            SpoolFullError: there is no room for it.
        """
        name = f"{kept.end.segment:012}-{kept.salt:08x}-{kept.end.offset}"
        try:
            return keep(self._folder / "refused", name, kept.payload)
        except OSError as error:
            raise self._refusal(error) from error

    def close(self) -> None:
        """Sync, and let the next process in."""
        try:
            self.sync(self._written)
        finally:
            with self._syncing, self._lock:
                self._close_segment()
                if self._claim >= 0:
                    os.close(self._claim)
                    self._claim = -1

    def _has_segment(self) -> bool:
        return self._descriptor >= 0 and self._sizes[self._segments[-1].number] < (
            self._segment_bytes
        )

    def _next_segment(self) -> None:
        """Close the segment, durably, and open another. Both locks are held."""
        if self._descriptor >= 0:
            self._flush(self._written)
            self._close_segment()
        last = self._segments[-1].number if self._segments else 0
        number = max(last, self._written.segment, self._done.segment) + 1
        salt = secrets.randbits(32)
        path = self._folder / f"{number:012}-{salt:08x}.spool"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
            self._descriptor = os.open(path, flags, 0o600)
            sync_folder(self._folder)
        except OSError as error:
            self._close_segment()
            path.unlink(missing_ok=True)
            raise self._refusal(error) from error
        self._segments.append(Segment(number, salt, path))
        self._sizes[number] = 0

    def _write(self, payload: bytes) -> Place:
        segment = self._segments[-1]
        record, size = segment.record(payload), self._sizes[segment.number]
        if len(payload) > MAX_RECORD_BYTES or self.size_bytes + len(record) > self._max_bytes:
            raise SpoolFullError(
                f"spool {self._folder}: no room for {len(record)} bytes, {self.size_bytes} of"
                f" ingest.spool_max_bytes = {self._max_bytes} are used; bring the brokers back or"
                " raise the limit"
            )
        rest = memoryview(record)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            self._sizes[segment.number] = self._cut(size)
            raise self._refusal(error) from error
        self._sizes[segment.number] = size + len(record)
        self._written = Place(segment.number, size + len(record))
        return self._written

    def _flush(self, target: Place) -> None:
        """Make everything up to the target durable. `_syncing` is held."""
        if target <= self._synced:
            return
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            with self._lock:
                self._lose()
            raise self._refusal(error) from error
        self._synced = target

    def _lose(self) -> None:
        """Forget what an fsync has failed for. Both locks are held.

        It may be on the disk or not, and no other fsync will tell.
        """
        self._lost.append((self._synced, self._written))
        segment = self._segments[-1].number
        kept = self._synced.offset if self._synced.segment == segment else 0
        self._cut(kept)
        self._sizes[segment] = kept
        self._close_segment()
        self._written = self._synced

    def _cut(self, size: int) -> int:
        """Cut the open segment to a size and return what it has: a sick disk takes no cut either.

        What stays there is put aside when it is read, or comes once more and is recognised by
        its id.
        """
        with suppress(OSError):
            os.ftruncate(self._descriptor, size)
        return os.fstat(self._descriptor).st_size

    def _close_segment(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _read(self, segment: Segment, offset: int, end: int) -> Iterator[Kept]:
        if offset >= end:
            return
        with segment.path.open("rb") as file, mmap.mmap(
            file.fileno(), 0, access=mmap.ACCESS_READ
        ) as data:  # fmt: skip
            while offset < end:
                payload = segment.payload_at(data, offset, end)
                if payload is None:
                    sound = segment.next_sound(data, offset + 1, end)
                    self._damage(segment, offset, data[offset:sound])
                    offset = sound
                else:
                    offset += HEADER_BYTES + len(payload)
                    yield Kept(payload, Place(segment.number, offset), segment.salt)

    def _recover(self) -> None:
        """Cut what a crash left of a record at the end of the last segment."""
        if not self._segments or not self._sizes[self._segments[-1].number]:
            return
        segment = self._segments[-1]
        size = self._sizes[segment.number]
        begin = self._done.offset if self._done.segment == segment.number else 0
        with segment.path.open("r+b") as file:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                end = begin
                while end < size:
                    payload = segment.payload_at(data, end, size)
                    if payload is not None:
                        end += HEADER_BYTES + len(payload)
                    elif (sound := segment.next_sound(data, end + 1, size)) < size:
                        end = sound  # damage between records is put aside when it is read
                    else:
                        break
                if end < size and not segment.is_torn(data, end, size):
                    self._damage(segment, end, data[end:size])
            file.truncate(end)
            os.fsync(file.fileno())
        self._sizes[segment.number] = end

    def _damage(self, segment: Segment, offset: int, data: bytes) -> None:
        try:
            is_new = keep(self._folder / "damaged", f"{segment.path.stem}-{offset}", data)
        except OSError as error:
            raise self._refusal(error) from error
        self.damaged += is_new

    def _refusal(self, error: OSError) -> SpoolFullError:
        return SpoolFullError(
            f"spool {self._folder}: the disk takes no event ({error.strerror}); the event was"
            " refused and may be sent again"
        )
