"""How well category and mood are told, beside keywords, majority and VADER.

`python -m benchmarks.transforms_tags FOLDER [--stream STREAM]`: FOLDER holds `pairs.jsonl` with
`query` and `category`, one pair a line. The tagger is trained on nine tenths and judged on the
rest; the shipped one is judged on all, which says something only where it was not trained on them.
Moods are judged on messages written for it (tests/transforms/moods.jsonl) in three rounds: the
words and the model had seen the first two when they were finished, not the third. STREAM holds
`gold/conversations.jsonl`; its ratings stand in for moods (4 and 5 positive, 1 and 2 negative).
"""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.claims import Claim, add_json_option, exit_status, report
from benchmarks.labelled import read_lines
from transforms import tags
from transforms.resolution.fit import utterances
from transforms.tags.labelled import SURE_FROM, read_texts, split_off
from transforms.tags.linear import LinearTagger, train
from transforms.tags.moods import mood
from transforms.tags.words import weak_category

MOODS = Path(__file__).parent.parent / "tests" / "transforms" / "moods.jsonl"
UNSEEN_ROUND = 3
VADER_FROM = 0.05
"""Compound score from which VADER's documentation calls a text positive (or negative, below)."""

Labels = Sequence[str | None]


def macro_f1(guesses: Labels, labels: Labels) -> float:
    """Mean F1 over the labels that occur; a guess of None is wrong."""
    guessed, counts = Counter(guesses), Counter(labels)
    hits = Counter(a for a, b in zip(guesses, labels, strict=True) if a == b)
    return sum(2 * hits[n] / (guessed[n] + counts[n]) for n in counts) / len(counts)


def majority(labels: Labels) -> list[str | None]:
    """The commonest label for each."""
    return [Counter(labels).most_common(1)[0][0]] * len(labels)


def category_claims(file: Path) -> list[Claim]:
    """Categories of a labelled set by a tagger that did not see them, and by the shipped one."""
    texts, labels = read_texts([file], text="query", label="category")
    seen, held_out = split_off(texts)
    fresh = train([texts[i] for i in seen], [labels[i] for i in seen])
    rest, truth = [texts[i] for i in held_out], [labels[i] for i in held_out]
    peer = (
        f"majority {macro_f1(majority(truth), truth):.3f}, keywords"
        f" {macro_f1([weak_category(t) for t in rest], truth):.3f}; {len(rest)} held-out queries"
    )
    whole = (
        f"majority {macro_f1(majority(labels), labels):.3f}, keywords"
        f" {macro_f1([weak_category(t) for t in texts], labels):.3f}; {len(texts)} queries"
    )
    return [
        _claim("category_held_out", macro_f1(_named(fresh, rest), truth), ">= 0.9", peer),
        _claim("category_shipped", macro_f1(_named(tags.tagger(""), texts), labels), "", whole),
    ]


def _named(tagger: LinearTagger, texts: Sequence[str]) -> list[str | None]:
    best = [tagger.best(text) for text in texts]
    return [name if share >= SURE_FROM else None for name, share in best]


def mood_claims(rows: Sequence[Mapping[str, Any]]) -> list[Claim]:
    """Moods of single messages, round by round."""
    vader = vader_moods([row["text"] for row in rows])
    claims = []
    for name, is_unseen in (("unseen", True), ("seen", False)):
        chosen = [i for i, row in enumerate(rows) if (row["round"] == UNSEEN_ROUND) is is_unseen]
        labels = [rows[i]["label"] for i in chosen]
        texts = [rows[i]["text"] for i in chosen]
        peer = _mood_peers(labels, [mood(t) for t in texts], vader and [vader[i] for i in chosen])
        value = macro_f1([tags.mood_of([text]) for text in texts], labels)
        claims.append(_claim(f"sentiment_{name}", value, "", f"{peer}; {len(texts)} messages"))
    return claims


def stream_claims(folder: Path) -> list[Claim]:
    """Moods at the end of conversations, where the rating says what they were."""
    rated = []
    for gold in read_lines(folder / "gold" / "conversations.jsonl", ("turns",)):
        csat = (gold.get("status_event") or {}).get("csat")
        if csat:
            said = utterances(gold["turns"])
            last = [u.text for u in said if u.role == "customer"][-tags.LAST_TURNS :]
            rated.append((last, _of_rating(csat)))
    labels = [label for _, label in rated]
    vader = vader_moods(["\n".join(last) for last, _ in rated])
    words = [mood("\n".join(last)) for last, _ in rated]
    value = macro_f1([tags.mood_of(last) for last, _ in rated], labels)
    peer = f"{_mood_peers(labels, words, vader)}; {len(rated)} rated conversations"
    return [_claim("sentiment_by_rating", value, "", peer)]


def _of_rating(csat: int) -> str:
    return "negative" if csat <= 2 else "positive" if csat >= 4 else "neutral"  # noqa: PLR2004


def _mood_peers(labels: Labels, words: Labels, vader: Labels | None) -> str:
    stated = f"VADER {macro_f1(vader, labels):.3f}" if vader else peers.MISSING
    return (
        f"majority {macro_f1(majority(labels), labels):.3f}, {stated}, words alone"
        f" {macro_f1(words, labels):.3f}"
    )


def vader_moods(texts: Sequence[str]) -> list[str] | None:
    """VADER's moods of texts; None where the peers are not installed."""
    if not peers.are_installed():
        return None
    scores = [row["compound"] for row in peers.ask("vader", [{"text": t} for t in texts])]
    return [
        "negative" if s <= -VADER_FROM else "positive" if s >= VADER_FROM else "neutral"
        for s in scores
    ]


def _claim(name: str, value: float, target: str, peer: str) -> Claim:
    return Claim(
        id=f"transforms_tags.{name}_macro_f1", value=value, unit="F1", target=target, peer=peer
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the claims and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transforms_tags", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="folder with pairs.jsonl")
    parser.add_argument("--stream", type=Path, help="folder with gold/conversations.jsonl")
    add_json_option(parser)
    chosen = parser.parse_args(argv)
    rows = read_lines(MOODS)
    claims = [*category_claims(chosen.folder / "pairs.jsonl"), *mood_claims(rows)]
    if chosen.stream:
        claims += stream_claims(chosen.stream)
    return report(claims, chosen.json)


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
