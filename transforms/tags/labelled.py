"""Labelled texts for a tagger, and how well it tags them. Reads files; touches no table."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deskwheel.errors import SetupError
from deskwheel.ids import unit_interval
from transforms.tags.features import words_of
from transforms.tags.linear import LinearTagger
from transforms.tags.words import weak_category

HELD_OUT = 0.1
SURE_FROM = 0.3
"""Below, the most probable of thirteen categories is a guess: four times even chances."""


@dataclass(frozen=True)
class LabelScore:
    """How well one label is told from the others."""

    label: str
    count: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class TagScores:
    """How well a tagger tags labelled texts; a text it is unsure about counts as wrong."""

    texts: int
    accuracy: float
    macro_f1: float
    """Mean F1 over the labels that occur."""
    majority_label: str
    majority_accuracy: float
    """What always naming the commonest label reaches."""
    unsure: int
    labels: tuple[LabelScore, ...]


def read_texts(
    files: Sequence[Path],
    *,
    text: str,
    label: str,
    weak: Callable[[str], str | None] = weak_category,
) -> tuple[list[str], list[str]]:
    """Texts and their labels out of files of JSON lines.

    A row without a label gets what `weak` says of its text; where that is nothing, it is left
    out. For categories that is the one whose words occur most, nothing where two are level.

    Raises:
        SetupError: a file cannot be read, a line is no JSON object with that text, or nothing
            is left.
    """
    pairs = [pair for file in files for pair in _rows(file, text, label, weak)]
    if not pairs:
        raise SetupError(f"{', '.join(map(str, files))}: no labelled text; see --text and --label")
    return [t for t, _ in pairs], [name for _, name in pairs]


def _rows(
    file: Path, text: str, label: str, weak: Callable[[str], str | None]
) -> Iterator[tuple[str, str]]:
    try:
        # A line feed alone ends a line: U+2028 may stand in a JSON text as it is.
        lines = file.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{file}: {error}; give a file of JSON lines") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            said = row[text]
            name = row.get(label) or weak(said)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SetupError(
                f"{file}:{number}: no object with a text {text!r} ({error})"
            ) from error
        if name:
            yield said, str(name)


def split_off(texts: Sequence[str], share: float = HELD_OUT) -> tuple[list[int], list[int]]:
    """Indices to learn from and to judge by; texts of the same words are on the same side."""
    places = [unit_interval("tags", *words_of(text)) < share for text in texts]
    seen = [i for i, is_held_out in enumerate(places) if not is_held_out]
    return seen, [i for i, is_held_out in enumerate(places) if is_held_out]


def evaluate(tagger: LinearTagger, texts: Sequence[str], labels: Sequence[str]) -> TagScores:
    """Scores of a tagger on labelled texts."""
    guesses = [tagger.best(text) for text in texts]
    named = [name if share >= SURE_FROM else None for name, share in guesses]
    counts = Counter(labels)
    scores = tuple(_score(label, named, labels) for label in sorted(counts))
    common, most = counts.most_common(1)[0]
    return TagScores(
        texts=len(texts),
        accuracy=sum(a == b for a, b in zip(named, labels, strict=True)) / len(texts),
        macro_f1=sum(s.f1 for s in scores) / len(scores),
        majority_label=common,
        majority_accuracy=most / len(texts),
        unsure=named.count(None),
        labels=scores,
    )


def _score(label: str, named: Sequence[str | None], labels: Sequence[str]) -> LabelScore:
    hits = sum(a == b == label for a, b in zip(named, labels, strict=True))
    count, guessed = labels.count(label), named.count(label)
    return LabelScore(
        label=label,
        count=count,
        precision=hits / guessed if guessed else 0.0,
        recall=hits / count,
        f1=2 * hits / (guessed + count),
    )
