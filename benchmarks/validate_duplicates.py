"""Signatures a second, near-copies found and falsely found, and what a row costs as rows grow.

`python -m benchmarks.validate_duplicates [--pairs FILE] [--stream FOLDER] [--rows N] [--plot SVG]`

Texts are those of FILE (JSON Lines with `query`, `response`; made-up ones without). Near-copies are
made by exchanging words until the exact Jaccard index of the shingles is what it is; found is what
the bands bring together and the estimate accepts. FOLDER holds `gold/conversations.jsonl` whose
`duplicate_group` names the same question and answer of two customers. The cost of a row is that of
signing, finding links, deciding and keeping the index, one process, without Spark.
"""

import argparse
import json
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.claims import Claim, add_json_option, report
from benchmarks.labelled import read_lines
from benchmarks.live.plot import log_line_chart
from deskwheel.records import Split
from validate.candidates import Decision
from validate.entries import Entry, make_entry
from validate.index import Index, Reflected, open_index
from validate.lookup import look_up
from validate.near import (
    ESTIMATED_FROM,
    NEAR_JACCARD,
    SAME_QUESTION_FROM,
    band_keys,
    estimated_jaccard,
    is_same_question,
    meeting_probability,
    minima,
    shingles,
    sign,
)
from validate.returns import asked_pieces
from validate.verdicts import decide

SHORT_CHARS = 300
BATCH_ROWS = 10_000
COPIED_SHARE = 0.5
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

Text = tuple[str, str]


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=Path, metavar="FILE", help="real texts")
    parser.add_argument("--stream", type=Path, metavar="FOLDER", help="labelled conversations")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the index at the end")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the costs there (SVG)")
    add_json_option(parser)
    options = parser.parse_args()
    texts = read_texts(options.pairs) if options.pairs else made_up(3000, seed=1)
    claims = [speed(texts), *found_and_false(texts), *questions(options.pairs)]
    if options.stream:
        claims += groups(options.stream)
    costs = growth(options.rows)
    if options.plot:
        options.plot.write_text(plot(costs.row_us), encoding="utf-8")
    return report([*claims, *costs.claims()], options.json)


def read_texts(file: Path) -> list[Text]:
    """The query and response of each line."""
    return [(row["query"], row["response"]) for row in read_lines(file)]


def made_up(count: int, *, seed: int) -> list[Text]:
    """Queries of 10 and responses of 50 words, frequent words as frequent as in a language."""
    rng = np.random.default_rng(seed)
    ranks = np.minimum(rng.zipf(1.3, size=(count, 60)), 30_000)
    return [
        (" ".join(map(_word, row[:10])), " ".join(map(_word, row[10:]))) for row in ranks.tolist()
    ]


def _word(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number, 20)
        letters += "bcdfghjklmnpqrstvwxz"[rest] + "aeiou"[rest % 5]
    return letters


def speed(texts: Sequence[Text]) -> Claim:
    """Signatures a second and core, on responses of at most 300 characters."""
    short = [(query, response[:SHORT_CHARS]) for query, response in texts]
    sign(short)
    rates = []
    for _ in range(5):
        start = time.process_time()
        sign(short)
        rates.append(len(short) / (time.process_time() - start))
    return Claim(
        id="validate_duplicates.signatures",
        value=max(rates),
        unit="1/s",
        target=">= 40000",
        peer=f"a core; best of 5; {len(short)} pairs, responses cut at {SHORT_CHARS} characters",
    )


def found_and_false(texts: Sequence[Text], *, seed: int = 2) -> list[Claim]:
    """Recall and precision on pairs whose exact Jaccard index is known."""
    rng = random.Random(seed)
    words = [w for _, response in texts[:200] for w in response.split()]
    at, far, found, true = 0, 0, 0, 0
    near = 0
    for query, response in rng.choices(texts, k=4000):
        other = _changed(response.split(), words, rng)
        exact = jaccard((query, response), (query, other))
        is_found = _is_found((query, response), (query, other))
        if NEAR_JACCARD <= exact < NEAR_JACCARD + 0.05:
            at, near = at + 1, near + is_found
        far += exact < 0.6 and is_found
        found += is_found
        true += is_found and exact >= NEAR_JACCARD - 0.1
    return [
        Claim(
            id="validate_duplicates.recall_at_0.8", value=near / at, unit="", target=">= 0.97",
            peer=f"{at} pairs of exact Jaccard 0.8 to 0.85; the bands alone at 0.8:"
            f" {meeting_probability(NEAR_JACCARD):.3f}",
        ),
        Claim(
            id="validate_duplicates.precision", value=true / found, unit="", target=">= 0.97",
            peer=f"share of {found} found pairs with exact Jaccard >= 0.7; {far} below 0.6",
        ),
    ]  # fmt: skip


def jaccard(left: Text, right: Text) -> float:
    """The exact index of two examples' shingles."""
    a, b = shingles(left), shingles(right)
    return len(a & b) / len(a | b)


def _changed(words: list[str], others: Sequence[str], rng: random.Random) -> str:
    share = rng.uniform(0, 0.25)
    return " ".join(rng.choice(others) if rng.random() < share else w for w in words)


def _is_found(left: Text, right: Text) -> bool:
    signed = sign([left, right])
    if None in signed:
        return False
    rows = minima([s or b"" for s in signed])
    keys = band_keys(rows, ["", ""])
    return bool((keys[0] == keys[1]).any()) and bool(
        estimated_jaccard(rows[0], rows[1]) >= ESTIMATED_FROM
    )


def questions(file: Path | None, *, seed: int = 3) -> list[Claim]:
    """How often two queries of different intents count as one question."""
    if file is None:
        return []
    rng, rows = random.Random(seed), read_lines(file)
    signed = sign([(row["query"], "x") for row in rows])
    pairs = [rng.sample(range(len(rows)), 2) for _ in range(50_000)]
    apart = [
        is_same_question(signed[a] or b"", signed[b] or b"")
        for a, b in pairs
        if rows[a]["intent"] != rows[b]["intent"] and signed[a] and signed[b]
    ]
    return [
        Claim(
            id="validate_duplicates.false_questions", value=sum(apart) / len(apart), unit="",
            target="<= 0.002",
            peer=f"{len(apart)} pairs of queries of different intents that count as one question"
            f" (from {SAME_QUESTION_FROM:.2f} common words)",
        )
    ]  # fmt: skip


def groups(folder: Path) -> list[Claim]:
    """Labelled duplicates found, and other pairs found, in a labelled stream's own texts."""
    told: list[tuple[str | None, Text]] = []
    for row in read_lines(folder / "gold" / "conversations.jsonl"):
        for pair in (row["pairs"] or [])[:1]:
            told.append(
                (row.get("duplicate_group"), (pair["query_masked"], pair["response_masked"]))
            )
    entries = [
        make_row(n, text, signature)
        for n, ((_, text), signature) in enumerate(
            zip(told, sign([t for _, t in told]), strict=True)
        )
    ]
    with tempfile.TemporaryDirectory() as at, open_index(Path(at) / "index") as index:
        index.take([], Reflected(version=0))
        decisions = judge_rows(index, entries)
    by_group: dict[str, set[str | None]] = defaultdict(set)
    labels: dict[str | None, list[str | None]] = defaultdict(list)
    for n, (label, _) in enumerate(told):
        place = decisions[f"ex-{n}"].place.group_id
        labels[place].append(label)
        if label:
            by_group[label].add(place)
    whole = sum(len(places) == 1 for places in by_group.values())
    false = sum(len(set(of)) > 1 or (of[0] is None and len(of) > 1) for of in labels.values())
    return [
        Claim(
            id="validate_duplicates.groups", value=whole, unit="groups",
            target=f">= {len(by_group)}", peer=f"of {len(by_group)} labelled groups, as told",
        ),
        Claim(
            id="validate_duplicates.false_merges", value=false, unit="groups", target="== 0",
            peer=f"among {len(told)} pairs",
        ),
    ]  # fmt: skip


@dataclass(frozen=True)
class Growth:
    """What rows cost while the index grew."""

    row_us: Sequence[float]
    """CPU microseconds a row, by batch of `BATCH_ROWS`."""
    index_bytes: int

    def claims(self) -> list[Claim]:
        """What a row costs when the index is small, and when it is full."""
        rows, costs = len(self.row_us) * BATCH_ROWS, self.row_us
        return [
            Claim(
                id="validate_duplicates.row", value=float(np.median(costs)), unit="µs", target="",
                peer=f"CPU a row: signature, links, verdict, index; {rows:,} rows, half copied",
            ),
            Claim(
                id="validate_duplicates.growth",
                value=float(np.mean(costs[-2:]) / np.mean(costs[1:3])),
                unit="times", target="<= 3",
                peer=f"cost of a row at {rows:,} rows beside that at {2 * BATCH_ROWS:,}",
            ),
            Claim(
                id="validate_duplicates.index_bytes", value=self.index_bytes / rows, unit="bytes",
                target="", peer="of the index a row",
            ),
        ]  # fmt: skip


def plot(row_us: Sequence[float]) -> str:
    """The cost of a row over the rows that are stored, as SVG: medians of ever more batches."""
    points, first = [], 0
    while first < len(row_us):
        some = row_us[first : first + max(1, first // 10)]
        points.append(((first + len(some)) * BATCH_ROWS, float(np.median(some))))
        first += len(some)
    return log_line_chart(
        points, title="What a row costs the search for near-duplicates",
        x_label="rows stored", y_label="CPU µs",
    )  # fmt: skip


def growth(rows: int) -> Growth:
    """Judge so many rows, batch after batch, into one index."""
    costs: list[float] = []
    with tempfile.TemporaryDirectory() as folder, open_index(Path(folder) / "index") as index:
        index.take([], Reflected(version=0))
        for number, texts in enumerate(_batches(rows)):
            start = time.process_time()
            signed = sign(texts)
            first = number * BATCH_ROWS
            judge_rows(
                index,
                [
                    make_row(first + n, t, s)
                    for n, (t, s) in enumerate(zip(texts, signed, strict=True))
                ],
            )
            costs.append((time.process_time() - start) / len(texts) * 1e6)
            print(f"  {first + len(texts):>9,} rows  {costs[-1]:6.0f} CPU µs a row")
        size = sum(f.stat().st_size for f in Path(folder).iterdir())
    return Growth(costs, size)


def _batches(rows: int) -> Iterator[list[Text]]:
    """Texts of which half resemble one of 500 of the batch before: as dense at the end as early."""
    rng = random.Random(4)
    before: list[Text] = []
    for number in range(max(2, rows // BATCH_ROWS)):
        new = made_up(BATCH_ROWS, seed=100 + number)
        texts = [
            _resembling(rng.choice(before), rng) if before and rng.random() < COPIED_SHARE else text
            for text in new
        ]
        before = rng.sample(new, 500)
        yield texts


def _resembling(text: Text, rng: random.Random) -> Text:
    query, response = text
    said = response.split()
    said[rng.randrange(len(said))] = "other"
    return query, " ".join(said)


def make_row(number: int, text: Text, signature: bytes | None, split: Split = "train") -> Entry:
    """A good example of a customer of its own."""
    row: dict[str, Any] = {
        "example_id": f"ex-{number}", "conversation_id": f"conv-{number}",
        "conversation_version": 1, "tenant": "acme", "kind": "ideal",
        "content_hash": json.dumps(text), "sent_at": NOON + timedelta(seconds=number),
        "subject_key": f"s{number}", "csat": None, "thumb": None, "resolution_probability": 0.9,
        "authorship": "human", "warnings": [], "reasons": [], "signature": signature,
        "category": "SETUP", "asked": asked_pieces(text[0]),
    }  # fmt: skip
    return make_entry(row, split=split)


def judge_rows(index: Index, entries: Sequence[Entry]) -> dict[str, Decision]:
    """What the gate decides on new rows, taken over by the index."""
    seen = look_up(index, entries, {}, of_conversations=[], within=timedelta(days=7))
    fresh = {e.candidate.example_id: e for e in entries}
    found = decide(seen.existing, [e.candidate for e in entries], {}, seen.links)
    index.apply(found, fresh, version=(index.reflects.version or 0) + 1)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
