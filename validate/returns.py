"""Customers who came back with the same matter: their first answer was no resolution.

A return is a later conversation of one customer of one tenant, within `validate.came_back_days`,
whose query has at least half of the pieces of words of the earlier one, or the other way round: the
relevance of `transforms`, both being queries, without masks (every order has one). It speaks
against the earlier example where both have the same category, or are near-duplicates;
`validate.verdicts` says what follows. What came of the later example does not matter: that the
customer asked again is what counts.

Pieces are compared as hashes, so that the gate's index needs no text. Pure; reads and writes no
table.
Source: overlap coefficient, Szymkiewicz 1934 and Simpson 1960. Seven days: "First Call (Contact)
Resolution" in the glossary of Call Centre Helper, 2022; a convention, no measurement of ours.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from deskwheel.pieces import pieces
from validate.candidates import Candidate

CUSTOMER_CAME_BACK = "CUSTOMER_CAME_BACK"

SAME_MATTER_FROM = 0.5
"""Least relevance of one query to the other."""

MOST_VISITS = 64
"""How many later examples of a customer an earlier one is compared with, the next ones: somebody
who asks a thousand times a week does not cost a million comparisons."""

_KEPT = 64
"""Hashes kept of a query. Up to so many pieces the overlap is exact, else an estimate."""


class Return(NamedTuple):
    """A customer's later example that asks what an earlier one asked."""

    earlier: str
    later: str
    is_same_category: bool


def asked_pieces(query: str | None) -> bytes:
    """The number of pieces of a query and the smallest 64 hashes of them; empty for none."""
    hashes = sorted({_hash(piece) for piece in pieces(query or "")})
    return np.array([len(hashes), *hashes[:_KEPT]], "<u4").tobytes() if hashes else b""


def common_pieces(left: bytes | None, right: bytes | None) -> float:
    """The overlap of two queries' pieces in [0, 1]; 0 where one has none.

    Exact up to 64 pieces; beyond, the Jaccard index is estimated from the smallest hashes of the
    union, standard error 0.06. Source: Broder 1997, section 4.

    >>> one, other = map(asked_pieces, ("Where is my parcel?", "My parcel, where is it now?"))
    >>> common_pieces(one, other)
    1.0
    """
    if not left or not right:
        return 0.0
    (one, *first), (other, *second) = _read(left), _read(right)
    both = set(first) & set(second)
    shorter = min(one, other)
    if max(one, other) <= _KEPT:
        return len(both) / shorter
    smallest = set(sorted({*first, *second})[:_KEPT])
    jaccard = len(both & smallest) / len(smallest)
    return min(1.0, jaccard / (1 + jaccard) * (one + other) / shorter)


def find_returns(candidates: Iterable[Candidate], within: timedelta) -> list[Return]:
    """The returns among some examples, for each earlier one that they may speak against.

    Args:
        candidates: new and stored rows of customers; whose customer is unknown has no pieces.
        within: longest time between both; zero finds none.
    """
    visits: dict[str, list[Candidate]] = defaultdict(list)
    for c in {c.example_id: c for c in candidates}.values():
        if c.asked and c.verdict != "erased":
            visits[c.subject].append(c)
    return [found for of in visits.values() for found in _returns(of, within)]


def _returns(visits: list[Candidate], within: timedelta) -> Iterator[Return]:
    in_order = sorted(visits, key=lambda c: (c.sent_at, c.example_id))
    for place, earlier in enumerate(in_order):
        if not (earlier.is_answer and earlier.is_member):
            continue
        for later in in_order[place + 1 : place + 1 + MOST_VISITS]:
            if later.sent_at - earlier.sent_at > within:
                break
            is_another = later.conversation_id != earlier.conversation_id
            if is_another and later.sent_at > earlier.sent_at and _is_same_matter(earlier, later):
                yield Return(
                    earlier.example_id, later.example_id, earlier.category == later.category
                )


def _is_same_matter(earlier: Candidate, later: Candidate) -> bool:
    return common_pieces(earlier.asked, later.asked) >= SAME_MATTER_FROM


def _hash(piece: str) -> int:
    raw = hashlib.blake2b(piece.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(raw, "little")


def _read(asked: bytes) -> list[int]:
    return list(np.frombuffer(asked, "<u4").tolist())
