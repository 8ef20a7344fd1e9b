"""Which examples a golden set is drawn from when nobody names them: a share of every kind of them.

Pure functions; reads and writes no table.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deskwheel.ids import unit_interval

Cell = tuple[str, str]
"""Category and channel."""


def draw_examples(
    rows: Iterable[Mapping[str, Any]], size: int, *, taken: Sequence[str] = ()
) -> list[str]:
    """Ids of about `size` examples, stratified by category and channel, one a conversation.

    The same rows give the same draw: who is drawn follows from a hash of the id. Cells get their
    share by the largest remainder, each at least one while the size allows it, so that a rare
    category can be seen at all.

    Args:
        rows: valid, ideal examples; only those of the test split are drawn from.
        size: examples wanted; fewer where the test split has fewer conversations.
        taken: ids that are golden already and are not drawn again.
    """
    done = set(taken)
    cells: dict[Cell, list[str]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    in_order = sorted(rows, key=lambda row: unit_interval("golden", row["example_id"]))
    seen.update(_conversation(row) for row in in_order if row["example_id"] in done)
    for row in in_order:
        if row["split"] == "test" and _conversation(row) not in seen:
            seen.add(_conversation(row))
            cells[row["category"], row["channel"]].append(row["example_id"])
    quota = allot({cell: len(ids) for cell, ids in cells.items()}, size)
    return sorted(i for cell, ids in cells.items() for i in ids[: quota[cell]])


def allot(available: Mapping[Cell, int], size: int) -> dict[Cell, int]:
    """How many of each cell, proportional to what is there, at least one where the size allows it.

    Source: Hare quota with largest remainders, as in stratified sampling with proportional
    allocation (Cochran 1977, "Sampling Techniques", chapter 5).
    """
    total = sum(available.values())
    wanted = min(size, total)
    floor = 1 if wanted >= len(available) else 0
    rest, spare = wanted - floor * len(available), total - floor * len(available)
    shares = {c: rest * (n - floor) / spare if spare else 0.0 for c, n in available.items()}
    quota = {cell: floor + int(share) for cell, share in shares.items()}
    missing = wanted - sum(quota.values())
    by_remainder = sorted(shares, key=lambda c: (int(shares[c]) - shares[c], c))
    for cell in by_remainder[:missing]:
        quota[cell] += 1
    return quota


def _conversation(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["tenant"], row["conversation_id"]
