"""Share of held-out examples that a training example gives away, by how splits are made.

`python -m benchmarks.validate_leakage [--pairs FILE]`

Given away: some training example has the same answer, and its query and answer together have an
exact Jaccard index of at least 0.8 with it. *Ours*: split by customer and cluster of near-copies,
as the gate does it, the pairs coming in batches. *Rows*: each pair is put into a split at random,
as most training scripts do. FILE is JSON Lines with `query` and `response`; without it pairs are
made up as a contact centre with stock answers writes them: 400 answers used by Zipf's law, the
order number and a word or two of the question changed.
"""

import argparse
import random
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.claims import Claim, add_json_option, report
from benchmarks.validate_duplicates import (
    Text,
    jaccard,
    judge_rows,
    made_up,
    make_row,
    read_texts,
)
from deskwheel.settings import ValidateSettings
from validate.index import Reflected, open_index
from validate.near import NEAR_JACCARD, fold_words, sign
from validate.verdicts import decide_split

BATCH_ROWS = 500
TEMPLATES = 400
SLACK = 1e-9


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=Path, metavar="FILE", help="real pairs")
    parser.add_argument("--rows", type=int, default=6000, help="made-up pairs (default 6000)")
    add_json_option(parser)
    options = parser.parse_args()
    name = "pairs" if options.pairs else "stock_answers"
    texts = read_texts(options.pairs) if options.pairs else stock_answers(options.rows, seed=5)
    kept, splits = our_splits(texts)
    rng = random.Random(6)
    shares = ValidateSettings()
    held_out_share = shares.test_share + shares.dev_share
    rows = ["test" if rng.random() < held_out_share else "train" for _ in texts]
    ours = leaked_share([texts[n] for n in kept], [splits[n] for n in kept])
    random_rows = leaked_share(texts, rows)
    return report(
        [
            Claim(
                id=f"validate_leakage.{name}.ours", value=ours, unit="", target="<= 0",
                peer=f"a random split of rows: {random_rows:.3f}; {len(kept)} of {len(texts)} pairs"
                f" valid",
            ),
            Claim(
                id=f"validate_leakage.{name}.rows", value=random_rows, unit="", target="",
                peer="a random split of rows, near-copies and all",
            ),
        ],
        options.json,
    )  # fmt: skip


def stock_answers(rows: int, *, seed: int) -> list[Text]:
    """Questions and stock answers."""
    rng = random.Random(seed)
    templates = made_up(TEMPLATES, seed=seed)
    weights = [1 / rank for rank in range(1, TEMPLATES + 1)]
    fillers = ["please", "now", "today", "again", "hello", "quickly", "asap", "thanks"]
    pairs = []
    for query, response in rng.choices(templates, weights, k=rows):
        asked = query.split()
        for _ in range(rng.randint(0, 2)):
            asked.insert(rng.randrange(len(asked)), rng.choice(fillers))
        number = rng.randrange(10**6)
        pairs.append((f"{' '.join(asked)} {number}", f"{response} {number}"))
    return pairs


def our_splits(texts: Sequence[Text]) -> tuple[list[int], Mapping[int, str]]:
    """The places of the pairs that become valid, and every pair's split."""
    settings = ValidateSettings()
    entries = [
        make_row(
            n,
            text,
            signature,
            decide_split("acme", f"s{n}", "", test=settings.test_share, dev=settings.dev_share),
        )
        for n, (text, signature) in enumerate(zip(texts, sign(texts), strict=True))
    ]
    verdicts: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder, open_index(Path(folder) / "index") as index:
        index.take([], Reflected(version=0))
        for start in range(0, len(entries), BATCH_ROWS):
            found = judge_rows(index, entries[start : start + BATCH_ROWS])
            verdicts |= {i: d.verdict for i, d in found.items()}
    kept = [n for n, e in enumerate(entries) if verdicts[e.candidate.example_id] == "valid"]
    return kept, {n: e.candidate.split for n, e in enumerate(entries)}


def leaked_share(texts: Sequence[Text], splits: Sequence[str]) -> float:
    """Share of the pairs outside `train` that a pair in it gives away."""
    answers: dict[tuple[str, ...], list[Text]] = defaultdict(list)
    for (query, response), split in zip(texts, splits, strict=True):
        if split == "train":
            answers[tuple(fold_words(response))].append((query, response))
    held_out = [text for text, split in zip(texts, splits, strict=True) if split != "train"]
    leaked = sum(
        any(
            jaccard(text, other) >= NEAR_JACCARD - SLACK
            for other in answers.get(tuple(fold_words(text[1])), ())
        )
        for text in held_out
    )
    return leaked / len(held_out) if held_out else 0.0


if __name__ == "__main__":
    raise SystemExit(main())
