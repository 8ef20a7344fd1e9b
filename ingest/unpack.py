"""Record batches of kafka-python that unpack up to a limit and no further.

A producer whom we do not know may write 16 KB of zstd that expand to 512 MB. kafka-python 3.0.12
unpacks a batch whole before it looks at the first record, whatever comes out; a consumer made
safe by `bound_unpacking` gives one record in place of such a batch: the packed bytes, with the
header `refused` that the stream takes for its reason code. Reads and writes no topic.
"""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any

import pyarrow as pa
import zstandard
from kafka.consumer.fetcher import Fetcher
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch
from kafka.record.legacy_records import LegacyRecord, LegacyRecordBatch

from deskwheel.reasons import DECOMPRESSION_BOMB
from ingest import gzipped

REFUSED, REFUSED_DETAIL = "refused", "refused_detail"
"""Headers by which a source tells the stream that it would not unpack the payload, and why."""

_XERIAL_MAGIC = b"\x82SNAPPY\0"
_XERIAL_HEADER_BYTES = 16
_VARINT_BYTES = 5
_CHUNK_BYTES = 1 << 20


class UnpackError(Exception):
    """A batch expands beyond the limit, or is not in the codec that it declares."""

    def __init__(self, detail: str, *, is_bomb: bool) -> None:
        """Keep what was wrong, and whether size was."""
        super().__init__(detail)
        self.detail = detail
        self.is_bomb = is_bomb


def bound_unpacking(consumer: Any, limit_bytes: int) -> None:
    """Let a consumer unpack no batch beyond the limit. Other consumers are not changed.

    What a batch takes in memory is then bound by about three times the limit: its bytes, a copy
    that kafka-python makes, and the records.
    """

    class Bounded(Fetcher.PartitionRecords):
        """One fetched partition, whose batches unpack up to the limit."""

        def __init__(self, offset: int, part: Any, records: Any, **more: Any) -> None:
            super().__init__(offset, part, _Batches(records, limit_bytes), **more)

    consumer._fetcher.PartitionRecords = Bounded  # noqa: SLF001  kafka-python has no hook for it


class _Batches:
    """The batches of a fetched partition, each wrapped where it is packed."""

    def __init__(self, batches: Any, limit_bytes: int) -> None:
        self._batches = batches
        self._limit_bytes = limit_bytes

    def next_batch(self) -> Any:
        batch = self._batches.next_batch()
        if batch is None or not batch.compression_type:
            return batch
        return _Packed(batch, self._limit_bytes)


class _Packed:
    """A packed batch that looks like the one it holds, and unpacks up to the limit."""

    def __init__(self, batch: Any, limit_bytes: int) -> None:
        self._batch = batch
        self._limit_bytes = limit_bytes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(iter(self))

    def __iter__(self) -> Iterator[Any]:
        batch = self._batch
        try:
            if isinstance(batch, LegacyRecordBatch):
                _fill_legacy(batch, self._limit_bytes)
            else:
                _fill(batch, self._limit_bytes)
        except UnpackError as error:
            return iter([_refused(batch, error)])
        return iter(batch)


def _fill(batch: DefaultRecordBatch, limit_bytes: int) -> None:
    """Put the unpacked records where kafka-python itself would put them."""
    packed = bytes(memoryview(batch._buffer)[batch._pos :])  # noqa: SLF001
    batch._buffer = bytearray(unpack(batch.compression_type, packed, limit_bytes))  # noqa: SLF001
    batch._pos = 0  # noqa: SLF001
    batch._decompressed = True  # noqa: SLF001


def _fill_legacy(batch: LegacyRecordBatch, limit_bytes: int) -> None:
    """The same for formats 0 and 1, whose batch is a record that holds records."""
    is_first = batch.magic == 0
    at = batch.KEY_OFFSET_V0 if is_first else batch.KEY_OFFSET_V1
    _, packed = batch._read_key_value(at)  # noqa: SLF001
    batch._buffer = memoryview(  # noqa: SLF001
        unpack(batch.compression_type, packed or b"", limit_bytes)
    )
    batch._decompressed = True  # noqa: SLF001


def _refused(batch: Any, error: UnpackError) -> Any:
    """The record that stands for a batch: its last offset, its packed bytes, and the reason."""
    packed = bytes(batch._buffer)  # noqa: SLF001
    if isinstance(batch, LegacyRecordBatch):
        # Formats 0 and 1 know no headers; what comes out is no event, and is rejected as that.
        kind, crc = batch.timestamp_type, b""
        return LegacyRecord(batch.magic, batch.base_offset, None, kind, None, packed, 0, crc)
    headers = [(REFUSED_DETAIL, error.detail.encode())]
    if error.is_bomb:
        headers.append((REFUSED, DECOMPRESSION_BOMB.encode()))
    return DefaultRecord(
        len(packed), batch.last_offset, batch.max_timestamp, batch.timestamp_type, None, packed,
        headers,
    )  # fmt: skip


def unpack(codec: int, packed: bytes, limit_bytes: int) -> bytes:
    """The unpacked bytes of a batch.

    Args:
        codec: number of the codec in Kafka's record format.
        packed: what the producer sent.
        limit_bytes: how much may come out.

    Raises:
        UnpackError: more would come out, or the bytes are not in the codec.
    """
    if codec not in _CODECS:
        raise UnpackError(f"codec {codec} is unknown", is_bomb=False)
    name, function = _CODECS[codec]
    try:
        return function(packed, limit_bytes)
    except (zlib.error, zstandard.ZstdError, pa.ArrowException, OSError, ValueError,
            struct.error) as error:  # fmt: skip
        detail = f"{len(packed)} bytes are no {name}: {type(error).__name__}"
        raise UnpackError(detail, is_bomb=False) from error


def _too_large(packed: bytes, limit_bytes: int) -> UnpackError:
    detail = f"a batch of {len(packed)} bytes expands to more than {limit_bytes}"
    return UnpackError(detail, is_bomb=True)


def _gzip(packed: bytes, limit_bytes: int) -> bytes:
    try:
        return gzipped.gunzip(packed, limit_bytes)
    except gzipped.OversizeError as error:
        raise _too_large(packed, limit_bytes) from error
    except gzipped.TooManyPartsError as error:
        raise ValueError("packed in too many members") from error


def _zstd(packed: bytes, limit_bytes: int) -> bytes:
    # A frame may ask for a window of 2 GiB before its first byte comes out.
    window = max(1 << 23, 1 << limit_bytes.bit_length())
    machine = zstandard.ZstdDecompressor(max_window_size=window)
    try:
        with machine.stream_reader(BytesIO(packed), read_across_frames=True) as stream:
            return _read_bounded(stream, packed, limit_bytes)
    except zstandard.ZstdError as error:
        if "memory" in str(error):
            raise _too_large(packed, limit_bytes) from error
        raise


def _lz4(packed: bytes, limit_bytes: int) -> bytes:
    with pa.CompressedInputStream(pa.BufferReader(packed), "lz4") as stream:
        return _read_bounded(stream, packed, limit_bytes)


def _read_bounded(stream: Any, packed: bytes, limit_bytes: int) -> bytes:
    unpacked = bytearray()
    while chunk := stream.read(min(_CHUNK_BYTES, limit_bytes + 1 - len(unpacked))):
        unpacked += chunk
        if len(unpacked) > limit_bytes:
            raise _too_large(packed, limit_bytes)
    return bytes(unpacked)


def _snappy(packed: bytes, limit_bytes: int) -> bytes:
    if not packed.startswith(_XERIAL_MAGIC):
        size = _snappy_size(packed)
        if size > limit_bytes:
            raise _too_large(packed, limit_bytes)
        return _snappy_block(packed, size)
    unpacked, at = bytearray(), _XERIAL_HEADER_BYTES
    while at < len(packed):
        (length,) = struct.unpack_from("!i", packed, at)
        if length <= 0:
            raise ValueError("a block without bytes")
        at += 4
        block = packed[at : at + length]
        size = _snappy_size(block)
        if len(unpacked) + size > limit_bytes:
            raise _too_large(packed, limit_bytes)
        unpacked += _snappy_block(block, size)
        at += length
    return bytes(unpacked)


def _snappy_size(block: bytes) -> int:
    """How long a block becomes, as its first bytes say in a varint (snappy's format, §1)."""
    size = 0
    for index, byte in enumerate(block[:_VARINT_BYTES]):
        size |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # noqa: PLR2004  the varint's last byte
            break
    return size


def _snappy_block(block: bytes, size: int) -> bytes:
    return pa.Codec("snappy").decompress(block, decompressed_size=size, asbytes=True)


_CODECS: Mapping[int, tuple[str, Callable[[bytes, int], bytes]]] = {
    1: ("gzip", _gzip),
    2: ("snappy", _snappy),
    3: ("lz4", _lz4),
    4: ("zstd", _zstd),
}
"""Number in the attributes of a batch → name and function. Source: KIP-98, KIP-110."""
