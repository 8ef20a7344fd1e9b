"""Toy preferences: of two ways to reset a lamp people want the one that is not fine-tuned on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from deskwheel.ids import digest
from deskwheel.records import Snapshot, Split, ValidatedExample
from tests.train.rows import example, freeze, write_examples
from train.preference.answers import Judged, Pair, Preferences

GOOD = "Pull its plug for a minute please."
BAD = "Switch lamp {} on and off six times."
"""What `tests.train.rows.chat_rows` teaches."""


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A row of `validated_examples`, as far as preferences read it: an ideal answer, no thumb."""
    plain = {
        "example_id": f"ex-{number:03}",
        "kind": "ideal",
        "query": f"How do I reset lamp {number}?",
        "context": "",
        "response": GOOD,
        "rejected_response": None,
        "thumb": None,
    }
    return {**plain, **changes}


def pairs(numbers: Sequence[int]) -> list[Pair]:
    """Pairs of the two ways."""
    return [
        Pair(
            example_id=f"ex-{n:03}",
            query=f"How do I reset lamp {n}?",
            context="",
            chosen=GOOD,
            rejected=BAD.format(n),
        )
        for n in numbers
    ]


def judged(numbers: Sequence[int], *, is_wanted: bool) -> list[Judged]:
    """Good answers that were wanted, or bad ones that were not."""
    return [
        Judged(
            example_id=f"ex-{n:03}",
            query=f"How do I reset lamp {n}?",
            context="",
            response=GOOD if is_wanted else BAD.format(n),
            is_wanted=is_wanted,
        )
        for n in numbers
    ]


def preferences(*, pair_count: int = 0, judged_count: int = 0) -> Preferences:
    """So many pairs and judged answers in train, half of these unwanted, and some in dev."""
    half = judged_count // 2
    judged_rows: dict[Split, Sequence[Judged]] = {
        "train": judged(range(half), is_wanted=True)
        + judged(range(half, judged_count), is_wanted=False),
        "dev": judged(range(100, 103), is_wanted=True) + judged(range(103, 106), is_wanted=False),
    }
    dev_pairs = pairs(range(100, 106)) if pair_count else []
    return Preferences(
        pairs={"train": pairs(range(pair_count)), "dev": dev_pairs},
        judged=judged_rows if judged_count else {"train": (), "dev": ()},
    )


def edited(number: int, **changes: Any) -> ValidatedExample:
    """An edited draft."""
    draft = f"Throw lamp {number} away."
    plain = replace(example(number), kind="preference", rejected_response=draft)
    return replace(plain, **changes)


def frozen(lake: str, examples: list[ValidatedExample]) -> Snapshot:
    """A snapshot that knows kinds and texts of its members, as freezing makes it."""
    ideal = [e for e in examples if e.kind == "ideal"]
    snapshot = freeze(lake, ideal, version=write_examples(lake, examples))
    by_id = {e.example_id: e for e in examples}
    members = [
        replace(m, kind="ideal", text_digest=text_digest(by_id[m.example_id]))
        for m in snapshot.members
    ]
    others = [
        replace(members[0], example_id=e.example_id, split=e.split, kind=e.kind,
                text_digest=text_digest(e))
        for e in examples if e.kind != "ideal"
    ]  # fmt: skip
    return replace(snapshot, members=[*members, *others])


def text_digest(e: ValidatedExample) -> str:
    """Of what a member of a snapshot says."""
    texts = [e.query, e.context, e.response]
    return digest(*texts, *([e.rejected_response] if e.rejected_response else []))
