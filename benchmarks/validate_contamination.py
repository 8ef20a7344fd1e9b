"""How many planted copies the contamination check finds, and what it says of clean pairs.

`python -m benchmarks.validate_contamination FILE`: FILE holds pairs of a customer's query and an
answer, one JSON object a line with `id`, `query` and `response`, of which no wording occurs twice.
A hash of the id holds 15 % of them out. First the pairs as they are: each alarm is false. Then, for
every held-out pair, one changed copy of it goes into train: each silence is a miss, but for the
answer given to another question, where each alarm is false. The clean pairs also by the rule of
GPT-3, one n-gram in common, of 12 tokens here.
"""

import argparse
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.claims import Claim, add_json_option, exit_status, report
from benchmarks.labelled import read_lines
from deskwheel.demo.catalogue import draw_issue, load_catalogue
from deskwheel.ids import content_hash, unit_interval
from validate.near import fold_words
from validate.snapshots.contamination import NGRAM, Passage, find_overlaps

HELD_OUT_SHARE = 0.15
Change = Callable[[Passage, random.Random, Sequence[Passage]], tuple[str, str]]


def read_pairs(file: Path) -> list[Passage]:
    """The pairs of a file."""
    rows = read_lines(file, ("id", "query", "response"))
    return [Passage(example_id=r["id"], query=r["query"], response=r["response"]) for r in rows]


def _exact(passage: Passage, _: random.Random, __: Sequence[Passage]) -> tuple[str, str]:
    return passage.query, passage.response


def _numbers(passage: Passage, rng: random.Random, _: Sequence[Passage]) -> tuple[str, str]:
    """Other numbers and case."""
    texts = (passage.query.upper(), passage.response.lower())
    query, response = (
        "".join(str(rng.randint(0, 9)) if c.isdigit() else c for c in text) for text in texts
    )
    return query, response


def _wrapped(passage: Passage, rng: random.Random, others: Sequence[Passage]) -> tuple[str, str]:
    """Inside the texts of another pair: a longer mail, an answer to two questions."""
    other = rng.choice(others)
    return f"{other.query} {passage.query}", f"{passage.response} {other.response}"


def _reworded(passage: Passage, rng: random.Random, _: Sequence[Passage]) -> tuple[str, str]:
    """One word in thirty replaced in the response, the query as it is."""
    words = passage.response.split()
    swapped = ["thing" if rng.random() < 1 / 30 else word for word in words]
    return passage.query, " ".join(swapped)


def _answer_alone(
    passage: Passage, rng: random.Random, others: Sequence[Passage]
) -> tuple[str, str]:
    """The usual answer to another question: not contamination."""
    return rng.choice(others).query, passage.response


COPIES: dict[str, tuple[Change, str]] = {
    "exact": (_exact, ">= 0.99"),
    "other_numbers_and_case": (_numbers, ">= 0.97"),
    "inside_longer_texts": (_wrapped, ""),
    "one_word_in_thirty": (_reworded, ""),
    "answer_alone": (_answer_alone, "<= 0.01"),
}


def measure(pairs: Sequence[Passage]) -> list[Claim]:
    """Alarms on the pairs as they are and with copies planted."""
    train, held_out = _split(pairs)
    total = len(held_out)
    over = f"of {total} held-out pairs beside {len(train)}"
    clean = {o.held_out_id for o in find_overlaps(train, held_out)}
    claims = [
        _claim("false_alarms", len(clean) / total, "<= 0.01", f"{over}, none of them planted"),
        _claim(
            "one_common_ngram", _any_ngram(train, held_out) / total, "", f"{over}: GPT-3's rule"
        ),
    ]
    for name, (change, target) in COPIES.items():
        rng = random.Random(7)
        copies = []
        for passage in held_out:
            query, response = change(passage, rng, train)
            copies.append(
                Passage(example_id=f"copy-{passage.example_id}", query=query, response=response)
            )
        found = {o.held_out_id for o in find_overlaps([*train, *copies], held_out)}
        claims.append(
            _claim(f"found.{name}", len(found) / total, target, f"{over}, a copy of each")
        )
    return claims


def demo_claim() -> Claim:
    """The share of train that 3,000 issues of the demo company, split by chance, would lose."""
    catalogue, rng = load_catalogue(), random.Random(1)
    issues = [draw_issue(catalogue, rng) for _ in range(3_000)]
    pairs = {
        content_hash(i.query, i.answer): Passage(
            example_id=f"demo-{n}", query=i.query, response=i.answer
        )
        for n, i in enumerate(issues)
    }
    train, held_out = _split(list(pairs.values()))
    lost = {o.train_id for o in find_overlaps(train, held_out)}
    peer = f"of {len(train)} different pairs of the demo company beside {len(held_out)} held out"
    return _claim("demo_train_lost", len(lost) / len(train), "", peer)


def _split(pairs: Sequence[Passage]) -> tuple[list[Passage], list[Passage]]:
    """Training and held-out pairs."""
    sides: tuple[list[Passage], list[Passage]] = ([], [])
    for passage in pairs:
        is_held_out = unit_interval("held out", passage.example_id) < HELD_OUT_SHARE
        sides[is_held_out].append(passage)
    return sides


def _any_ngram(train: Sequence[Passage], held_out: Sequence[Passage]) -> int:
    seen = set().union(*(_ngrams(p) for p in train))
    return sum(not seen.isdisjoint(_ngrams(p)) for p in held_out)


def _ngrams(passage: Passage) -> set[tuple[str, ...]]:
    tokens = fold_words(f"{passage.query} {passage.response}")
    return {tuple(tokens[i : i + NGRAM]) for i in range(max(1, len(tokens) - NGRAM + 1))}


def _claim(what: str, value: float, target: str, peer: str) -> Claim:
    name = f"validate_contamination.{what}"
    return Claim(id=name, value=value, unit="share", target=target, peer=peer)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE", help="pairs, one JSON object a line")
    add_json_option(parser)
    arguments = parser.parse_args(argv)
    return report([*measure(read_pairs(arguments.file)), demo_claim()], arguments.json)


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
