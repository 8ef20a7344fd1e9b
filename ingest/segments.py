"""The files of a spool: segments of records, each with its sums, and what stands beside them.

A record: magic, length, CRC-32 of the length, CRC-32 of the payload, payload. Both sums start
from the salt in the segment's name, so that a record inside an event's text is none.
"""

import fcntl
import mmap
import os
import re
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deskwheel.errors import ServiceError

MAX_RECORD_BYTES = 64 * 1024 * 1024
Bytes = bytes | mmap.mmap

_HEADER = struct.Struct(">4sIII")
HEADER_BYTES = _HEADER.size
_MAGIC = b"\xd7dsR"
_NAME = re.compile(r"([0-9]{12})-([0-9a-f]{8})\.spool")
_POSITION = struct.Struct(">QQI")


@dataclass(frozen=True, order=True)
class Place:
    """A point between two records."""

    segment: int
    offset: int


@dataclass(frozen=True)
class Segment:
    """One file of a spool."""

    number: int
    salt: int
    path: Path

    def record(self, payload: bytes) -> bytes:
        """A payload as it stands in this file."""
        length = len(payload)
        return _HEADER.pack(_MAGIC, length, self._sum(length), self._crc(payload)) + payload

    def length_at(self, data: Bytes, offset: int, end: int) -> int | None:
        """Length of the payload that a sound header announces; None for any other bytes."""
        if end - offset < _HEADER.size:
            return None
        magic, length, length_sum, _ = _HEADER.unpack_from(data, offset)
        is_sound = magic == _MAGIC and length_sum == self._sum(length)
        return length if is_sound and length <= MAX_RECORD_BYTES else None

    def payload_at(self, data: Bytes, offset: int, end: int) -> bytes | None:
        """The payload of a sound record that begins there; None for any other bytes."""
        length = self.length_at(data, offset, end)
        begin = offset + _HEADER.size
        if length is None or begin + length > end:
            return None
        payload = data[begin : begin + length]
        return payload if _HEADER.unpack_from(data, offset)[3] == self._crc(payload) else None

    def is_torn(self, data: Bytes, offset: int, end: int) -> bool:
        """Whether a record begins there of which the end is missing."""
        if end - offset < HEADER_BYTES:
            return _MAGIC.startswith(data[offset : min(end, offset + len(_MAGIC))])
        length = self.length_at(data, offset, end)
        return length is not None and offset + HEADER_BYTES + length > end

    def next_sound(self, data: Bytes, offset: int, end: int) -> int:
        """Where the next sound record begins at or after the offset; the end if there is none."""
        while (offset := data.find(_MAGIC, offset, end)) >= 0:
            if self.payload_at(data, offset, end) is not None:
                return offset
            offset += 1
        return end

    def _crc(self, payload: bytes) -> int:
        return zlib.crc32(payload, self.salt)

    def _sum(self, length: int) -> int:
        return zlib.crc32(length.to_bytes(4, "big"), self.salt)


def claim(folder: Path) -> int:
    """The descriptor that makes this process the spool's only user, as long as it is open."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise ServiceError(
            f"spool {folder} is used by another process; stop it, or give this source another name"
        ) from error
    return descriptor


def find_segments(folder: Path) -> list[Segment]:
    """The segments of a folder in their order."""
    found = [(path, _NAME.fullmatch(path.name)) for path in folder.iterdir()]
    return sorted(
        (Segment(int(m[1]), int(m[2], 16), path) for path, m in found if m),
        key=lambda segment: segment.number,
    )


def remembered(folder: Path) -> Place:
    """The place up to which all has arrived; the beginning where nobody knows."""
    try:
        segment, offset, checksum = _POSITION.unpack((folder / "position").read_bytes())
    except (OSError, struct.error):
        return Place(0, 0)
    is_sound = checksum == zlib.crc32(_POSITION.pack(segment, offset, 0))
    return Place(segment, offset) if is_sound else Place(0, 0)


def remember(folder: Path, place: Place) -> None:
    """Write down up to where all has arrived."""
    checksum = zlib.crc32(_POSITION.pack(place.segment, place.offset, 0))
    temporary = folder / "position.new"
    # On a full disk the old position stays, and a little is delivered again.
    with suppress(OSError):
        temporary.write_bytes(_POSITION.pack(place.segment, place.offset, checksum))
        temporary.replace(folder / "position")


def keep(folder: Path, name: str, data: bytes) -> bool:
    """Write a file durably, unless it is there; return whether it was not."""
    folder.mkdir(exist_ok=True, mode=0o700)
    path, temporary = folder / f"{name}.bin", folder / f"{name}.new"
    if path.exists():
        return False
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(folder)
    return True


def sync_folder(folder: Path) -> None:
    """Make new names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
