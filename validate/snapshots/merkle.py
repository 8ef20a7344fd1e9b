"""A Merkle tree over a training set: one hash that stands for all, and short proofs of one member.

Whoever holds the root can be shown that an example is a member with about log2(n) hashes, without
being shown any other. Pure functions; reads and writes no table.

Source: RFC 6962, section 2.1 (tree hash and audit path; the bytes 0 and 1 before leaves and nodes
keep a node from being passed off as a leaf); RFC 9162, section 2.1.3.2 (verification).
"""

import hashlib
import json
from collections.abc import Sequence

_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(*fields: str) -> bytes:
    """SHA-256 of a leaf: a zero byte and the fields as a JSON list, so that no two lists agree."""
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(_LEAF + text.encode("utf-8", "surrogatepass")).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The tree hash of leaf hashes in their order; of none, the hash of nothing."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    cut = _split_point(len(leaves))
    return _node(merkle_root(leaves[:cut]), merkle_root(leaves[cut:]))


def audit_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes beside the way from a leaf to the root, the leaf's neighbour first."""
    if len(leaves) == 1:
        return []
    cut = _split_point(len(leaves))
    if index < cut:
        return [*audit_path(leaves[:cut], index), merkle_root(leaves[cut:])]
    return [*audit_path(leaves[cut:], index - cut), merkle_root(leaves[:cut])]


def is_member(leaf: bytes, index: int, *, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether a path leads from the leaf at an index of a tree of some size to its root."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for beside in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = _node(beside, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = _node(found, beside)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()


def _split_point(size: int) -> int:
    """The largest power of two below a size of at least two."""
    return 1 << (size - 1).bit_length() - 1
