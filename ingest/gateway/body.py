"""The body of a request as bytes: never more than its limit in memory, packed or unpacked.

Reads HTTP, writes nothing.
"""

import asyncio
import io
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import zstandard
from starlette.requests import ClientDisconnect, Request

from deskwheel import reasons
from ingest import gzipped
from ingest.gateway.refusal import Refusal, overloaded, too_large, unacceptable, unknown_media

READ_S = 30.0
"""A body that takes longer is dripped on purpose or will never end."""

_PIECE_BYTES = 65_536
_MAX_WINDOW_BYTES = 8 * 1024 * 1024
"""What every zstd decoder should support, and as much as ours spends.

Source: RFC 8878 §3.1.1.1.2.
"""


class Allowance:
    """Bytes of all bodies that requests under way hold together, with an upper limit."""

    def __init__(self, limit_bytes: int) -> None:
        """Start with nothing held."""
        self._limit_bytes = limit_bytes
        self.held_bytes = 0

    def take(self, size: int) -> None:
        """Hold some bytes more.

        Raises:
            Refusal: 503, the limit is reached.
        """
        if self.held_bytes + size > self._limit_bytes:
            raise overloaded("the requests under way hold as many bytes as they may")
        self.held_bytes += size

    def give_back(self, size: int) -> None:
        """Hold some bytes less."""
        self.held_bytes -= size


@asynccontextmanager
async def body_of(request: Request, limit_bytes: int, allowance: Allowance) -> AsyncIterator[bytes]:
    """Yield the unpacked body; its bytes count against the allowance until the block ends.

    Raises:
        Refusal: 413, 415, 422, 408 or 503.
    """
    unpack = _unpacker(request)
    taken = 0
    try:
        packed = bytearray()
        async with _in_time():
            async for piece in _pieces(request, limit_bytes):
                allowance.take(len(piece))
                taken += len(piece)
                packed += piece
        if unpack is None:
            yield bytes(packed)
            return
        body = unpack(bytes(packed), limit_bytes)
        allowance.take(len(body))
        taken += len(body)
        yield body
    finally:
        allowance.give_back(taken)


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(READ_S):
            yield
    except TimeoutError:
        message = f"the body did not arrive within {READ_S:g} s; send it faster or in parts"
        raise Refusal(HTTPStatus.REQUEST_TIMEOUT, reasons.REQUEST_BROKEN, message) from None
    except ClientDisconnect:
        # Nobody is left to read it.
        raise Refusal(
            HTTPStatus.BAD_REQUEST, reasons.REQUEST_BROKEN, "the client went away"
        ) from None


async def _pieces(request: Request, limit_bytes: int) -> AsyncIterator[bytes]:
    declared = request.headers.get("content-length", "")
    limit = f"the limit is {limit_bytes} bytes"
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > limit_bytes:
        raise too_large(f"the body has {declared[:20]} bytes, {limit}; send it in parts")
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit_bytes:
            raise too_large(f"the body is larger than allowed, {limit}; send it in parts")
        yield piece


def _unpacker(request: Request) -> Callable[[bytes, int], bytes] | None:
    """How the body is packed; None where it is not."""
    named = request.headers.get("content-encoding", "identity").strip().lower()
    if named in {"", "identity"}:
        return None
    if named not in UNPACK:
        known = ", ".join(("identity", *UNPACK))
        raise unknown_media(f"the Content-Encoding is none of {known}", "content-encoding")
    return UNPACK[named]


def gunzip(packed: bytes, limit_bytes: int) -> bytes:
    """Unpack gzip members, at most to the limit.

    Raises:
        Refusal: 413 beyond the limit, 422 for what is not gzip or ends early.
    """
    try:
        return gzipped.gunzip(packed, limit_bytes)
    except (zlib.error, ValueError):
        raise _undecodable("gzip") from None
    except gzipped.OversizeError:
        raise _bomb(limit_bytes) from None
    except gzipped.TooManyPartsError:
        raise _too_many_parts() from None


def unzstd(packed: bytes, limit_bytes: int) -> bytes:
    """Unpack zstd frames, at most to the limit; the first pass only counts.

    Raises:
        Refusal: 413 beyond the limit, 422 for what is not zstd or ends early.
    """
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
    body = bytearray()
    try:
        _count(decompressor, packed, limit_bytes)
        for _ in range(gzipped.MOST_PARTS):
            frame = decompressor.decompressobj()
            body += frame.decompress(packed)
            if not frame.eof:
                raise _undecodable("zstd")
            packed = frame.unused_data
            if not packed:
                return bytes(body)
    except zstandard.ZstdError:
        raise _undecodable("zstd") from None
    raise _too_many_parts()


def _count(decompressor: zstandard.ZstdDecompressor, packed: bytes, limit_bytes: int) -> None:
    size = 0
    with decompressor.stream_reader(io.BytesIO(packed), read_across_frames=True) as reader:
        while piece := reader.read(_PIECE_BYTES):
            size += len(piece)
            if size > limit_bytes:
                raise _bomb(limit_bytes)


def _bomb(limit_bytes: int) -> Refusal:
    message = f"the body unpacks to more than the limit of {limit_bytes} bytes; send it in parts"
    return too_large(message, reason=reasons.DECOMPRESSION_BOMB)


def _too_many_parts() -> Refusal:
    message = f"the body was packed in more than {gzipped.MOST_PARTS} parts; pack it in one"
    return unacceptable(reasons.UNDECODABLE, message, field="content-encoding")


def _undecodable(encoding: str) -> Refusal:
    message = f"the body is not whole {encoding}, as its Content-Encoding says; pack it again"
    return unacceptable(reasons.UNDECODABLE, message, field="content-encoding")


UNPACK: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": gunzip,
    "x-gzip": gunzip,
    "zstd": unzstd,
}
"""Content-Encoding → how it is unpacked."""
