"""The Merkle tree proves members and nothing else; a manifest is the same bytes each time."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel.records import SnapshotMember
from validate.snapshots.manifest import build_manifest, manifest_id, members_root
from validate.snapshots.merkle import audit_path, is_member, leaf_hash, merkle_root

RFC_INPUTS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
              "606162636465666768696a6b6c6d6e6f")  # fmt: skip
RFC_ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""Tree heads of 1 to 8 of the inputs: the public test vectors of Certificate Transparency."""

MEMBERS = [
    SnapshotMember(
        example_id=f"ex-{i}", split="train", kind="ideal", content_hash=f"c{i}", text_digest=f"t{i}"
    )
    for i in range(5)
]


def rfc_leaf(text: str) -> bytes:
    return hashlib.sha256(b"\x00" + bytes.fromhex(text)).digest()


def manifest(members: list[SnapshotMember], *, version: int = 3) -> str:
    return build_manifest(
        members,
        pipeline="support",
        table_version=version,
        suites={"suite-1": len(members)},
        max_contaminated_share=0.0,
        golden_id=None,
        left_out={},
    )


@pytest.mark.parametrize("size", range(1, 9))
def test_root_is_that_of_certificate_transparency(size: int) -> None:
    leaves = [rfc_leaf(text) for text in RFC_INPUTS[:size]]
    assert merkle_root(leaves).hex() == RFC_ROOTS[size - 1]


def test_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert merkle_root([]) == hashlib.sha256(b"").digest()


@given(size=st.integers(1, 70), data=st.data())
def test_every_member_has_a_short_proof(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(str(i)) for i in range(size)]
    index = data.draw(st.integers(0, size - 1))
    path = audit_path(leaves, index)
    root = merkle_root(leaves)
    assert len(path) <= (size - 1).bit_length()
    assert is_member(leaves[index], index, size=size, path=path, root=root)


@given(size=st.integers(2, 70), data=st.data())
def test_no_other_leaf_place_size_or_path_is_proven(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(str(i)) for i in range(size)]
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda i: i != index))
    path, root = audit_path(leaves, index), merkle_root(leaves)
    assert not is_member(leaf_hash("x"), index, size=size, path=path, root=root)
    assert not is_member(leaves[other], index, size=size, path=path, root=root)
    assert not is_member(leaves[index], other, size=size, path=path, root=root)
    assert not is_member(leaves[index], index, size=size, path=path[:-1], root=root)
    assert not is_member(leaves[index], index, size=size, path=[*path, root], root=root)


def test_leaves_and_nodes_are_hashed_apart() -> None:
    """Else a node could be passed off as a leaf."""
    left, right = leaf_hash("a"), leaf_hash("b")
    assert left == hashlib.sha256(b'\x00["a"]').digest()
    assert merkle_root([left, right]) == hashlib.sha256(b"\x01" + left + right).digest()


def test_fields_of_a_leaf_do_not_run_into_each_other() -> None:
    assert leaf_hash("ab", "c") != leaf_hash("a", "bc") != leaf_hash("abc")


@pytest.mark.parametrize(
    "change",
    [{"split": "dev"}, {"kind": "negative"}, {"content_hash": "x"}, {"text_digest": "x"}],
)
def test_root_depends_on_every_field_of_a_member(change: dict[str, str]) -> None:
    changed = [replace(MEMBERS[0], **change), *MEMBERS[1:]]
    assert members_root(changed) != members_root(MEMBERS)


def test_manifest_is_the_same_bytes_for_the_same_inputs() -> None:
    first, again = manifest(list(MEMBERS)), manifest([replace(m) for m in MEMBERS])
    assert first == again
    assert manifest_id("snap", first) == manifest_id("snap", again)
    assert manifest(list(MEMBERS), version=4) != first
