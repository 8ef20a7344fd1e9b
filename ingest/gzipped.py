"""Gzip out of bytes that a stranger sent, bounded: for bodies of requests and foreign batches.

Reads and writes no topic.
"""

import zlib

MOST_PARTS = 100
"""Members of gzip (or frames of zstd) in one piece; honest senders make one. Behind each the rest
is copied, and an empty one costs 20 bytes: a few MiB of them keep a process busy for minutes."""

_WINDOW = 31
"""Largest window, and a gzip header is expected (zlib's manual, inflateInit2)."""


class OversizeError(Exception):
    """More would come out than may."""


class TooManyPartsError(Exception):
    """The bytes were packed in more parts than are worked through."""


def gunzip(packed: bytes, limit_bytes: int) -> bytes:
    """The unpacked bytes of gzip members, at most to the limit.

    Raises:
        OversizeError: more would come out.
        TooManyPartsError: there are more than `MOST_PARTS` members.
        ValueError: the last member ends early, or there is none.
        zlib.error: the bytes are not gzip.
    """
    unpacked = bytearray()
    for _ in range(MOST_PARTS):
        member = zlib.decompressobj(_WINDOW)
        unpacked += member.decompress(packed, limit_bytes + 1 - len(unpacked))
        if len(unpacked) > limit_bytes:
            raise OversizeError
        if not member.eof:
            raise ValueError("cut short")
        packed = member.unused_data
        if not packed:
            return bytes(unpacked)
    raise TooManyPartsError
