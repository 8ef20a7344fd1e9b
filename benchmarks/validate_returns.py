"""Labelled returns of customers that are found, and queries of other matters taken for one.

`python -m benchmarks.validate_returns FOLDER` reads `gold/conversations.jsonl` there, where
`followup_of` names the conversation that one repeats. A return is found when the query of the
later one has a relevance of 0.5 or more to what was asked before, as `validate.returns` compares.
Other matters: random pairs of one category and two intents, as if of one customer.
"""

import argparse
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.claims import Claim, add_json_option, claims_of, report
from benchmarks.labelled import read_lines
from validate.returns import SAME_MATTER_FROM, asked_pieces, common_pieces

_claim = claims_of("validate_returns")

DRAWN = 50_000
"""Pairs drawn, most of which are of two categories and pass."""


def measure(folder: Path, *, seed: int = 1) -> list[Claim]:
    """Returns found, and pairs of other matters that would count as one."""
    rows = [r for r in read_lines(folder / "gold" / "conversations.jsonl") if r["kind"] == "dialog"]
    told = {r["conversation_id"]: r for r in rows}
    returns = [(told[r["followup_of"]], r) for r in rows if r.get("followup_of")]
    found = sum(_is_same(_needed(one), _asked(other)) for one, other in returns)
    rng, asked = random.Random(seed), [r for r in rows if _asked(r)]
    pairs = [rng.sample(asked, 2) for _ in range(DRAWN)]
    others = [
        _is_same(_asked(one), _asked(other))
        for one, other in pairs
        if one["category"] == other["category"] and one["intent"] != other["intent"]
    ]
    return [
        _claim("found", found, "returns", f">= {len(returns)}", f"of {len(returns)} labelled ones"),
        _claim(
            "false", sum(others) / len(others), "", "<= 0.05",
            f"of {len(others)} pairs of one category and two intents",
        ),
    ]  # fmt: skip


def _is_same(one: str, other: str) -> bool:
    return common_pieces(asked_pieces(one), asked_pieces(other)) >= SAME_MATTER_FROM


def _needed(row: Mapping[str, Any]) -> str:
    """What the customer wanted, also where nobody answered it."""
    return " ".join(t["text"] for t in row["turns"] if t["role"] == "need")


def _asked(row: Mapping[str, Any]) -> str:
    return str(row["pairs"][0]["query_masked"]) if row["pairs"] else ""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="labelled stream")
    add_json_option(parser)
    arguments = parser.parse_args(argv)
    return report(measure(arguments.folder), arguments.json)


if __name__ == "__main__":
    raise SystemExit(main())
