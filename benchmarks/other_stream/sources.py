"""Public dialogs that a stream may use, and the lists of phrases around them.

Reads Bitext's customer support pairs, Taskmaster-4's orders, and the labels of a labelled stream,
whose dialogs are left out.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.labelled import read_lines

Row = Mapping[str, Any]

PHONE, MAIL = "1-800-555-0199", "support@acme.example"
"""The company's own."""

_SLOT = re.compile(r"\{\{([^}]*)\}\}")


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Public dialogs that this stream may use, shuffled."""

    questions: Sequence[Row]
    orders: Mapping[str, Sequence[Row]]


def read_words(name: str) -> Row:
    """The list of phrases of that name."""
    file = Path(__file__).parent / f"{name}.json"
    words: Row = json.loads(file.read_text(encoding="utf-8"))
    return words


def read_sources(data: Path, half: int, rng: Random, *, is_from_end: bool = False) -> Sources:
    """Dialogs under `data` that `data/stream_sample` does not use; half 0 or 1 of them.

    Two streams can share a half and no dialog: same seed, one of them from its end.
    """
    gold = read_lines(data / "stream_sample" / "gold" / "conversations.jsonl")
    used = {part for row in gold for part in str(row.get("source_id")).split("+")}
    asked = {r["query"].casefold() for r in read_lines(data / "bitext" / "pairs.jsonl")
             if r["id"] in used}  # fmt: skip
    rows = [
        r for r in read_lines(data / "bitext" / "pairs.jsonl")
        if r["id"] not in used and r["query"].casefold() not in asked
    ]  # fmt: skip
    orders: dict[str, list[Row]] = {}
    for row in read_lines(data / "taskmaster4" / "dialogs.jsonl"):
        if row["conversation_id"] not in used and row["turns"][0]["speaker"] == "customer":
            orders.setdefault(row["outcome"], []).append(row)
    questions = rows[half::2]
    rng.shuffle(questions)
    chosen = {outcome: found[half::2] for outcome, found in orders.items()}
    for found in chosen.values():
        rng.shuffle(found)
    if is_from_end:
        questions.reverse()
        for found in chosen.values():
            found.reverse()
    return Sources(questions=questions, orders=chosen)


def filled(response: str, entity: str) -> str:
    """An answer whose slots say something, the entity of its question where they ask for it."""
    return _SLOT.sub(lambda m: _fill(m.group(1), entity), response)


def _fill(slot: str, entity: str) -> str:
    name = slot.lower()
    if "phone number" in name and "support" in name or "customer service phone" in name:
        return PHONE
    if "email" in name and "support" in name:
        return MAIL
    if (
        entity
        and re.search(r"order|purchase|bill|invoice", name)
        and re.search(r"number|id\b", name)
    ):
        return entity
    return "Acme web shop" if "website" in name else re.sub(r" ?anonymized", "", slot, flags=re.I)
