"""What stands beside the text of an example: its language, its relevance, and what they cost.

`python -m benchmarks.pair_attributes [PAIRS.jsonl]` names the language of short messages that were
written for it (tests/transforms/short_messages.jsonl) and of the texts of needless_apology.jsonl,
and compares the relevance of pairs with that of the same queries beside other answers of their
language: the share of comparisons that the right answer wins (area under the ROC curve). PAIRS adds
pairs of your own, one a line with `query` and `response`, and `intent` where answers to one intent
are alike. The cost is CPU time beside that of mining the same pairs.
"""

import argparse
import random
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from benchmarks.claims import Claim, add_json_option, exit_status, report
from benchmarks.labelled import read_lines
from deskwheel.records import Conversation, Redaction, Utterance
from transforms.clean.language import language_of
from transforms.pairs.mine import mine_pairs
from transforms.pairs.relevance import relevance

_TESTS = Path(__file__).parent.parent / "tests" / "transforms"
MESSAGES = _TESTS / "short_messages.jsonl"
PAIRS = _TESTS / "needless_apology.jsonl"
ROUNDS = 5
_T = TypeVar("_T")
_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Pair:
    """A query, its answer, and what other answers of the same group have in common with it."""

    query: str
    response: str
    language: str
    intent: str


def read_pairs(file: Path) -> list[Pair]:
    """The pairs of a file of JSON lines; without an intent each pair is one of its own."""
    rows = read_lines(file, ("query", "response"))
    return [
        Pair(r["query"], r["response"], r.get("language", ""), r.get("intent") or str(n))
        for n, r in enumerate(rows)
    ]


def area(right: Sequence[float], wrong: Sequence[float]) -> float:
    """Share of comparisons that the right ones win; a draw counts half.

    Source: Hanley and McNeil 1982, the area under the ROC curve.
    """
    ordered = sorted(wrong)
    wins = sum(bisect_left(ordered, v) + bisect_right(ordered, v) for v in right) / 2
    return wins / (len(right) * len(wrong))


def relevance_area(pairs: Sequence[Pair], seed: int = 0) -> float:
    """How surely relevance tells each query's answer from another intent's, in one language."""
    chance = random.Random(seed)
    right, wrong = [], []
    for pair in pairs:
        others = [p for p in pairs if p.language == pair.language and p.intent != pair.intent]
        if others:
            right.append(relevance(pair.query, pair.response))
            wrong.append(relevance(pair.query, chance.choice(others).response))
    return area(right, wrong)


def language_claims(name: str, texts: Sequence[tuple[str, str]], target: str) -> list[Claim]:
    """How many (language, text) get a language, and how many of these the right one."""
    named = [(language, language_of(text)) for language, text in texts]
    sure = [(language, found) for language, found in named if found is not None]
    right = sum(language == found for language, found in sure)
    peer = f"{len(texts)} texts in {len({language for language, _ in texts})} languages"
    return [
        Claim(id=f"pair_attributes.language.{name}_right", value=right / len(sure), unit="share",
              target=target, peer=f"of those named; {peer}"),
        Claim(id=f"pair_attributes.language.{name}_named", value=len(sure) / len(texts),
              unit="share", target="", peer=peer),
    ]  # fmt: skip


def relevance_claims(name: str, pairs: Sequence[Pair], target: str) -> list[Claim]:
    """How surely relevance knows the right answer, and how many of these share nothing."""
    none = sum(relevance(p.query, p.response) == 0 for p in pairs) / len(pairs)
    peer = f"{len(pairs)} pairs"
    return [
        Claim(id=f"pair_attributes.relevance.{name}", value=relevance_area(pairs), unit="area",
              target=target, peer=f".5 by chance; {peer}"),
        Claim(id=f"pair_attributes.relevance.{name}_none", value=none, unit="share", target="",
              peer=f"own answers without a common word; {peer}"),
    ]  # fmt: skip


def cost_claims(pairs: Sequence[Pair]) -> list[Claim]:
    """CPU time of the attributes, and their share of mining the pairs."""
    talks = [_talk(pair) for pair in pairs]
    language_us = _microseconds(pairs, lambda p: (language_of(p.query), language_of(p.response)))
    relevance_us = _microseconds(pairs, lambda p: relevance(p.query, p.response))
    mining_us = _microseconds(talks, mine_pairs)
    share = (language_us + relevance_us) / mining_us
    peer = f"mining: {mining_us:.0f} µs a pair"
    return [
        Claim(id="pair_attributes.language_us", value=language_us, unit="µs", target="", peer=peer),
        Claim(id="pair_attributes.relevance_us", value=relevance_us, unit="µs", target="",
              peer=peer),
        Claim(id="pair_attributes.share_of_mining", value=share, unit="share", target="<= 0.25",
              peer=peer),
    ]  # fmt: skip


def _microseconds(items: Sequence[_T], work: Callable[[_T], object]) -> float:
    """CPU time an item, the least of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        before = time.process_time()
        for item in items:
            work(item)
        best = min(best, time.process_time() - before)
    return best / len(items) * 1e6


def _talk(pair: Pair) -> Conversation:
    said = [
        Utterance(turn_id=role, role=role, text=text, sent_at=_NOON + timedelta(minutes=n),
                  authorship="human")
        for n, (role, text) in enumerate((("customer", pair.query), ("agent", pair.response)))
    ]  # fmt: skip
    return Conversation(
        conversation_id="c", version=1, tenant="t", channel="chat", subject_key=None,
        agent_key=None, opened_at=_NOON, closed_at=_NOON, close_reason="idle", utterances=said,
        status="solved", csat=None, resolution_probability=0.9, resolution="resolved",
        evidence=(), category="OTHER", sentiment="neutral",
        redaction=Redaction(version="r", counts={}), ruleset_version="", code_version="",
        batch_id=0,
    )  # fmt: skip


def claims_of(file: Path | None) -> list[Claim]:
    """All claims, those on a file of pairs only where one is named."""
    rows = read_lines(MESSAGES)
    ours = read_pairs(PAIRS)
    claims = language_claims("short", [(r["language"], r["text"]) for r in rows], ">= 0.97")
    texts = [(p.language, text) for p in ours for text in (p.query, p.response)]
    claims += language_claims("service", texts, ">= 0.99")
    named = [("ours", ours)] + ([("file", read_pairs(file))] if file else [])
    for name, pairs in named:
        claims += relevance_claims(name, pairs, ">= 0.75" if name == "ours" else "")
    return claims + cost_claims(ours)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the claims and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pair_attributes", description=__doc__
    )
    parser.add_argument("file", nargs="?", type=Path, help="pairs of your own")
    add_json_option(parser)
    options = parser.parse_args(argv)
    return report(claims_of(options.file), options.json)


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
