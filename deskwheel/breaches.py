"""What breaks a conservation law, in words for people: one sentence a partition, or one a table."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

SHOWN = 5
"""Rows that a sentence names; `deskwheel audit --json` has all."""

_GAP = ("first_missing", "last_missing")
_OF_OFFSETS = {
    "EVENT_LOST": "in no row",
    "EVENT_READ_TWICE": "read twice",
    "EVENT_WITH_TWO_VERDICTS": "with two verdicts",
    "EVENT_VERDICT_UNKNOWN": "with a verdict that no event has",
}
_OF_ROWS = {
    "VERSION_TWICE": ("conversation_id", "conversations: {n} versions stand twice"),
    "VERDICT_TWICE": ("example_id", "examples: {n} have more than one verdict"),
    "VERDICT_UNKNOWN": ("example_id", "examples: {n} have a verdict that no example has"),
    "VERDICT_LOST": ("example_id", "examples: {n} were judged and have no verdict any more"),
    "VERDICT_WITHOUT_EXAMPLE": ("example_id", "examples: {n} verdicts for unknown examples"),
    "CONTENT_VALID_TWICE": ("one", "examples: {n} contents are valid more than once"),
    "GROUP_VALID_TWICE": ("one", "examples: {n} groups of near-duplicates have two valid ones"),
    "CLUSTER_IN_TWO_SPLITS": ("one", "examples: {n} clusters are valid in more than one split"),
}


def sentences_on(law: str, rows: Sequence[Row]) -> Iterator[str]:
    """A law's breaches in words: one sentence a partition, or one a table."""
    if law == "PARTITION_UNKNOWN":
        for row in rows:
            yield f"{row['topic']}/{row['part']}: {row['events']} events in rows, unknown to Kafka"
    elif law in _OF_OFFSETS:
        places: dict[str, list[range]] = defaultdict(list)
        for row in rows:
            first, last = (row[n] for n in (_GAP if _GAP[0] in row else ("pos", "pos")))
            places[f"{row['topic']}/{row['part']}"].append(range(first, last + 1))
        for place, spans in places.items():
            count = sum(map(len, spans))
            shown = [_span(s) for s in spans[:SHOWN]]
            yield f"{place}: {count} offsets ({listed(shown, len(spans))}) {_OF_OFFSETS[law]}"
    else:
        column, sentence = _OF_ROWS[law]
        shown = [str(row[column]) for row in rows[:SHOWN]]
        yield f"{sentence.format(n=len(rows))} ({listed(shown, len(rows))})"


def _span(span: range) -> str:
    return str(span[0]) if len(span) == 1 else f"{span[0]}-{span[-1]}"


def listed(shown: Sequence[str], total: int) -> str:
    """What is shown, and how many more there are."""
    more = f" and {total - len(shown)} more" if total > len(shown) else ""
    return ", ".join(shown) + more
