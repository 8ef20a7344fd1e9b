"""Links between new examples, and from them to stored ones, out of signatures.

What shares a band is compared by its whole signature; what is exactly alike needs no comparison.
The cost of an example does not depend on how many are stored, only on how many nearly resemble it,
and that up to `BUCKET` a band.
Reads the index; writes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from validate.candidates import Link
from validate.entries import Entry
from validate.index import BUCKET, Index
from validate.near import (
    ESTIMATED_FROM,
    SAME_QUESTION_FROM,
    Keys,
    band_keys,
    common_share,
    estimated_jaccard,
    minima,
    read_signature,
)

_CHUNK = 4096


def find_links(index: Index, fresh: Iterable[Entry]) -> list[Link]:
    """Links that join each new example with every cluster and group that it belongs to.

    Examples without a signature have none.

    Args:
        index: caught up with the table.
        fresh: new examples that break no rule.
    """
    alike: dict[int, list[Entry]] = defaultdict(list)
    for entry in fresh:
        if entry.shape is not None:
            alike[entry.shape].append(entry)
    links = [
        Link(found[0].candidate.example_id, e.candidate.example_id)
        for found in alike.values()
        for e in found[1:]
    ]
    stored = index.of_shapes(alike)
    links += [Link(alike[s][0].candidate.example_id, other) for s, other in stored.items()]
    # What a stored shape resembles was found when that one came.
    new = {s: found[0] for s, found in alike.items() if s not in stored}
    return links + _new_links(index, list(new.values()))


def _new_links(index: Index, fresh: Sequence[Entry]) -> list[Link]:
    """Links of new shapes, among each other and to stored ones."""
    if not fresh:
        return []
    signatures = {e.shape: e.signature for e in fresh if e.shape is not None and e.signature}
    shapes = list(signatures)
    ids = {e.shape: e.candidate.example_id for e in fresh if e.shape is not None}
    keys = band_keys(minima(list(signatures.values())), [e.scope for e in fresh])
    pairs = [(shapes[i], shapes[j]) for i, j in _meeting(keys)]
    for start in range(0, len(shapes), _CHUNK):
        met = index.meeting(keys[start : start + _CHUNK])
        pairs += [(shapes[start + number], shape) for number, shape in met]
    signatures |= index.signatures({other for _, other in pairs} - signatures.keys())
    near = _near(pairs, signatures)
    ids |= index.of_shapes({other for _, other in near} - ids.keys())
    asked = {shape: read_signature(signatures[shape]) for pair in near for shape in pair}
    return [
        Link(ids[a], ids[b], common_share(asked[a], asked[b]) >= SAME_QUESTION_FROM)
        for a, b in near
        if b in ids
    ]


def _meeting(keys: Keys) -> set[tuple[int, int]]:
    """Pairs of rows that have a key in common, as far as a bucket of the index would hold them."""
    flat = keys.ravel()
    order = np.argsort(flat, kind="stable")
    is_same = flat[order][1:] == flat[order][:-1]
    starts = np.flatnonzero(is_same & ~np.append(False, is_same[:-1]))
    ends = np.flatnonzero(is_same & ~np.append(is_same[1:], False)) + 2
    rows = order // keys.shape[1]
    return {
        (a, b)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        for n, a in enumerate(rows[start : min(end, start + BUCKET)].tolist())
        for b in rows[start + n + 1 : end].tolist()
        if a != b
    }


def _near(
    pairs: Sequence[tuple[int, int]], signatures: Mapping[int, bytes]
) -> list[tuple[int, int]]:
    known = [p for p in pairs if p[1] in signatures]
    if not known:
        return []
    place = {shape: n for n, shape in enumerate(signatures)}
    rows = minima(list(signatures.values()))
    left = rows[[place[a] for a, _ in known]]
    right = rows[[place[b] for _, b in known]]
    is_near = estimated_jaccard(left, right) >= ESTIMATED_FROM
    return [pair for pair, yes in zip(known, is_near.tolist(), strict=True) if yes]
