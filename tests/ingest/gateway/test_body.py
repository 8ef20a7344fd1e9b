import gzip
import os
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
import zstandard

from ingest.gateway.body import UNPACK, Allowance, gunzip, unzstd
from ingest.gateway.refusal import Refusal

MIB = 1024 * 1024
PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstandard.compress}
each = pytest.mark.parametrize("name", sorted(PACK))


def bomb_of_zstd(size: int) -> bytes:
    """A frame of zeros without its size in the header, compressed piece by piece."""
    packer = zstandard.ZstdCompressor(level=19).compressobj()
    pieces = [packer.compress(bytes(MIB)) for _ in range(size // MIB)]
    return b"".join(pieces) + packer.flush()


@each
def test_several_members_are_one_body(name: str) -> None:
    data = os.urandom(300_000)
    packed = PACK[name](data[:100]) + PACK[name](data[100:])
    assert UNPACK[name](packed, len(data)) == data


@each
def test_a_body_of_countless_empty_parts_is_refused_and_not_worked_through(name: str) -> None:
    with pytest.raises(Refusal) as refused:
        UNPACK[name](PACK[name](b"") * 10_000, MIB)
    assert (refused.value.status, refused.value.reason) == (422, "UNDECODABLE")


@each
def test_a_body_at_the_limit_passes_and_one_byte_more_does_not(name: str) -> None:
    packed = PACK[name](bytes(1000))
    assert UNPACK[name](packed, 1000) == bytes(1000)
    with pytest.raises(Refusal) as refused:
        UNPACK[name](packed, 999)
    assert (refused.value.status, refused.value.reason) == (413, "DECOMPRESSION_BOMB")


@each
def test_half_a_body_and_none_at_all_are_undecodable(name: str) -> None:
    packed = PACK[name](os.urandom(1000))
    for broken in (packed[:-20], b"no such thing", packed + b"rest"):
        with pytest.raises(Refusal) as refused:
            UNPACK[name](broken, 10_000)
        assert (refused.value.status, refused.value.reason) == (422, "UNDECODABLE")


@pytest.mark.parametrize(
    ("unpack", "bomb"),
    [
        (unzstd, bomb_of_zstd(512 * MIB)),
        (unzstd, zstandard.ZstdCompressor(level=19).compress(bytes(64 * MIB))),
        (gunzip, gzip.compress(zlib.compress(b"") + bytes(64 * MIB))),
    ],
    ids=["zstd of 512 MB", "zstd that says its size", "gzip"],
)
def test_a_bomb_is_never_unpacked(unpack: Callable[[bytes, int], bytes], bomb: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Refusal) as refused:
            unpack(bomb, MIB)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused.value.reason == "DECOMPRESSION_BOMB"
    assert peak_bytes < 4 * MIB


def test_the_bomb_of_512_mb_fits_in_a_small_body() -> None:
    assert len(bomb_of_zstd(512 * MIB)) < 64 * 1024


def test_a_frame_that_asks_for_a_huge_window_is_refused() -> None:
    wide = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    packed = packer.compress(b"a" * 100) + packer.flush()
    with pytest.raises(Refusal):
        unzstd(packed, MIB)


def test_bodies_under_way_are_counted_together() -> None:
    allowance = Allowance(100)
    allowance.take(60)
    with pytest.raises(Refusal) as refused:
        allowance.take(60)
    assert (refused.value.status, refused.value.reason) == (503, "OVERLOADED")
    allowance.give_back(60)
    allowance.take(100)
