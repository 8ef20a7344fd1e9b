"""How far annotators agree beyond chance: Cohen's kappa and Krippendorff's alpha, own code.

Pure: reads and writes no table or topic. A unit is one example: annotator → value, where those who
were not asked are missing. Values are numbered in their order, from 0.

Sources: Cohen, "A Coefficient of Agreement for Nominal Scales" (1960); Krippendorff, "Computing
Krippendorff's Alpha-Reliability" (2011); Hayes and Krippendorff, "Answering the Call for a Standard
Reliability Measure for Coding Data" (2007).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np

from validate.annotation.guide import Level

Unit = Mapping[str, int]
Verdict = Literal["accept", "tentative", "refuse"]
Metric = Literal["nominal", "ordinal", "interval"]

ACCEPT_FROM = 0.8
TENTATIVE_FROM = 0.667
"""Source: Krippendorff, "Content Analysis" (2nd edition, 2004), section 11.4.4: rely on variables
above .800, draw tentative conclusions from .667 on."""

RESAMPLES = 2000
CONFIDENCE = 0.95
_MOST_CELLS = 2_000_000
"""Counts that are held at once while resampling: 16 MB."""


@dataclass(frozen=True)
class Agreement:
    """How far annotators agree on one question."""

    question: str
    level: Level
    units: int
    """Examples with at least two answers; only these count."""
    answers: int
    share_equal: float | None
    """Of pairs of answers to one example; chance is not taken out."""
    alpha: float | None
    """None without a pair, or where everybody always said the same: that proves nothing."""
    low: float | None
    high: float | None
    verdict: Verdict
    """By `low`, the bound that chance alone would rarely leave above the truth."""
    kappa: Mapping[str, float | None]
    """Two annotators → Cohen's kappa over the examples that both answered."""


def cohen_kappa(pairs: Sequence[tuple[int, int]]) -> float | None:
    """Kappa of two annotators; None without pairs, or where chance alone would always agree.

    >>> cohen_kappa([(0, 0)] * 20 + [(0, 1)] * 5 + [(1, 0)] * 10 + [(1, 1)] * 15)
    0.4
    """
    if not pairs:
        return None
    total = len(pairs)
    observed = sum(a == b for a, b in pairs) / total
    first, second = (Counter(values) for values in zip(*pairs, strict=True))
    expected = sum(count * second[value] for value, count in first.items()) / total**2
    if expected == 1:
        return None
    return round((observed - expected) / (1 - expected), 12)


def krippendorff_alpha(units: Sequence[Unit], metric: Metric, *, values: int) -> float | None:
    """Alpha over units with missing values; None where it is not defined.

    Args:
        units: annotator → value; units with fewer than two values do not count.
        metric: how far two values are apart.
        values: how many values there are, used or not.
    """
    counts = _value_counts(units, values)
    found = _alphas(_coincidences(counts).sum(axis=0)[None, :, :], metric)
    return None if np.isnan(found[0]) else float(found[0])


def bootstrap_alphas(
    units: Sequence[Unit], metric: Metric, *, values: int, seed: int, resamples: int = RESAMPLES
) -> Any:
    """Alphas of samples of the units, drawn with replacement.

    Whole units are drawn, as the answers to one example depend on each other. Hayes and
    Krippendorff draw pairs of answers, which takes them for independent. A sample in which
    everybody said the same counts as 0: it proves nothing.
    """
    counts = _value_counts(units, values)
    matrices = _coincidences(counts).reshape(len(counts), -1)
    random = np.random.default_rng(seed)
    each = np.full(len(counts), 1 / len(counts))
    step = max(1, _MOST_CELLS // len(counts))
    found = []
    for start in range(0, resamples, step):
        drawn = random.multinomial(len(counts), each, size=min(step, resamples - start))
        found.append(_alphas((drawn @ matrices).reshape(-1, values, values), metric))
    return np.nan_to_num(np.concatenate(found), nan=0.0)


def judge(low: float | None) -> Verdict:
    """What labels of such agreement may be used for, by the lower bound of alpha.

    >>> judge(0.81), judge(0.7), judge(0.5), judge(None)
    ('accept', 'tentative', 'refuse', 'refuse')
    """
    if low is None or low < TENTATIVE_FROM:
        return "refuse"
    return "accept" if low >= ACCEPT_FROM else "tentative"


def agreement(
    question: str, level: Level, units: Sequence[Unit], *, values: int, seed: int
) -> Agreement:
    """The agreement on one question, with its bootstrap interval and its verdict.

    The interval's lower bound is judged, not the estimate: a few lucky examples open no gate.
    """
    paired = [unit for unit in units if len(unit) > 1]
    alpha = krippendorff_alpha(paired, level, values=values) if paired else None
    low = high = None
    if alpha is not None:
        found = bootstrap_alphas(paired, level, values=values, seed=seed)
        tail = (1 - CONFIDENCE) / 2
        low, high = (float(q) for q in np.quantile(found, (tail, 1 - tail)))
    pairs = [(a, b) for unit in paired for a, b in combinations(unit.values(), 2)]
    return Agreement(
        question=question,
        level=level,
        units=len(paired),
        answers=sum(map(len, paired)),
        share_equal=sum(a == b for a, b in pairs) / len(pairs) if pairs else None,
        alpha=alpha,
        low=low,
        high=high,
        verdict=judge(low),
        kappa=_kappas(paired),
    )


def _kappas(units: Sequence[Unit]) -> dict[str, float | None]:
    names = sorted({name for unit in units for name in unit})
    found = {}
    for a, b in combinations(names, 2):
        pairs = [(unit[a], unit[b]) for unit in units if a in unit and b in unit]
        if pairs:
            found[f"{a} {b}"] = cohen_kappa(pairs)
    return found


def _value_counts(units: Sequence[Unit], values: int) -> Any:
    """float[unit, value]: how often a value was given, for units with at least two."""
    paired = [unit for unit in units if len(unit) > 1]
    counts = np.zeros((len(paired), values))
    for row, unit in enumerate(paired):
        for value in unit.values():
            counts[row, value] += 1
    return counts


def _coincidences(counts: Any) -> Any:
    """float[unit, value, value]: pairs of values in a unit, each divided by its answers less one.

    Source: Krippendorff 2011, section D.
    """
    pairs = counts[:, :, None] * counts[:, None, :]
    index = np.arange(counts.shape[1])
    pairs[:, index, index] -= counts
    return pairs / np.maximum(counts.sum(axis=1) - 1, 1)[:, None, None]


def _alphas(coincidences: Any, metric: Metric) -> Any:
    """float[sample]: alpha of each coincidence matrix, nan where no two values differ."""
    totals = coincidences.sum(axis=2)
    distances = _distances(totals, metric)
    observed = (coincidences * distances).sum(axis=(1, 2))
    expected = (totals[:, :, None] * totals[:, None, :] * distances).sum(axis=(1, 2))
    answers = totals.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = 1 - (answers - 1) * observed / expected
    return np.where(expected > 0, found, np.nan)


def _distances(totals: Any, metric: Metric) -> Any:
    """Squared distance of each two values; ordinal ones by how many answers lie between them."""
    values = totals.shape[1]
    if metric == "nominal":
        return (1 - np.eye(values))[None, :, :]
    if metric == "interval":
        steps = np.arange(values)
        return ((steps[:, None] - steps[None, :]) ** 2)[None, :, :].astype(float)
    middle = np.cumsum(totals, axis=1) - totals / 2
    return (middle[:, :, None] - middle[:, None, :]) ** 2
