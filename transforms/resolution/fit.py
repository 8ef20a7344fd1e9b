"""Weights of the resolution signs out of labelled conversations, and how well they predict.

Reads a file of labelled conversations, writes a file of weights; touches no table. One JSON
object a line: `turns` (`sender`, `text`), `status` and `csat` as the source stated them or null,
`resolved` (true or false), and optionally `is_decidable` (false: nothing said shows it; such a
label teaches that silence is a good sign, so it is left out of the fit and of recall).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from deskwheel.errors import SetupError
from deskwheel.records import Utterance
from transforms.resolution.estimate import (
    AGAINST,
    IN_FAVOUR,
    SIGNS,
    decide,
    find_signs,
    probability,
)

RIDGE = 1.0
"""Pull of each weight to 0, as one squared log-odd per unit: with a few hundred conversations a
sign that was never wrong would otherwise get an endless weight."""

FOLDS = 10
BINS = 10

_NEWTON_STEPS = 50
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_ROLES = frozenset({"customer", "agent", "bot"})


@dataclass(frozen=True)
class Labelled:
    """One labelled conversation as signs."""

    signs: tuple[str, ...]
    is_resolved: bool
    is_decidable: bool = True


def read_labelled(path: Path) -> list[Labelled]:
    """The labelled conversations of a file.

    Raises:
        SetupError: the file cannot be read, or a line is not a labelled conversation.
    """
    try:
        # A line feed alone ends a line: U+2028 may stand in a JSON text as it is.
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: {error}; give a file of labelled conversations") from error
    return list(_parsed(path, lines))


def _parsed(path: Path, lines: Sequence[str]) -> Iterator[Labelled]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            signs = find_signs(utterances(row["turns"]), row.get("status"), row.get("csat"))
            is_resolved = row["resolved"]
        except (ValueError, KeyError, TypeError) as error:
            raise SetupError(
                f"{path}:{number}: not a labelled conversation ({error!r}); give an object with"
                " turns (sender, text), status, csat and resolved"
            ) from error
        yield Labelled(tuple(signs), bool(is_resolved), row.get("is_decidable", True) is not False)


def utterances(turns: Sequence[Mapping[str, Any]]) -> list[Utterance]:
    """Turns of a labelled conversation as utterances, in their order."""
    return [
        Utterance(
            turn_id=str(i),
            role=turn["sender"] if turn["sender"] in _ROLES else "system",
            text=turn["text"],
            sent_at=_EPOCH,
            authorship="human",
        )
        for i, turn in enumerate(turns)
    ]


def fit(labelled: Sequence[Labelled], ridge: float = RIDGE) -> dict[str, float]:
    """Log-odds by sign and the `intercept`, by ridge-penalised maximum likelihood.

    A sign never speaks against what its name says (`customer_unanswered` for a solution): where a
    few conversations would have it so, its weight is 0 and the rest is fitted without it.
    """
    rows = [row for row in labelled if row.is_decidable]
    signs = list(SIGNS)
    while True:
        weights = _fit(rows, signs, ridge)
        kept = [s for s in signs if (weights[s] <= 0 or s not in AGAINST)
                and (weights[s] >= 0 or s not in IN_FAVOUR)]  # fmt: skip
        if len(kept) == len(signs):
            return {name: weights.get(name, 0.0) for name in ("intercept", *SIGNS)}
        signs = kept


def _fit(rows: Sequence[Labelled], signs: Sequence[str], ridge: float) -> dict[str, float]:
    """Newton's method on the logistic log-likelihood; the intercept is not penalised.

    Source: le Cessie and van Houwelingen, "Ridge Estimators in Logistic Regression", 1992.
    """
    x, y = _matrix(rows, signs), np.array([row.is_resolved for row in rows], float)
    penalty = np.diag([0.0, *([ridge] * len(signs))])
    beta = np.zeros(x.shape[1])
    for _ in range(_NEWTON_STEPS):
        p = 1.0 / (1.0 + np.exp(-x @ beta))
        gradient = x.T @ (y - p) - penalty @ beta
        hessian = (x * (p * (1 - p))[:, None]).T @ x + penalty
        step = np.linalg.solve(hessian + 1e-9 * np.eye(len(beta)), gradient)
        beta += step
        if np.abs(step).max() < 1e-8:  # noqa: PLR2004  far below the digits that are kept
            break
    return {name: round(float(b), 4) for name, b in zip(("intercept", *signs), beta, strict=True)}


def _matrix(
    rows: Sequence[Labelled], signs: Sequence[str]
) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """One row a conversation: 1 for the intercept, then 1 for each sign that is shown."""
    return np.array([[1.0, *(float(s in row.signs) for s in signs)] for row in rows])


@dataclass(frozen=True)
class ReliabilityRow:
    """Conversations whose predicted probability lies in one range."""

    range: str
    count: int
    mean_p: float
    share_resolved: float


@dataclass(frozen=True)
class Quality:
    """How well probabilities predict what was labelled."""

    conversations: int
    precision: float
    """Of those called resolved, the share that is."""
    recall: float
    """Of those that are resolved and could be told, the share that is called so."""
    undecided: int
    brier: float
    """Mean squared difference of probability and truth. Source: Brier, 1950."""
    brier_base_rate: float
    """The same for a constant prediction of the mean: what knowing nothing gives."""
    reliability: tuple[ReliabilityRow, ...]


def cross_validated(labelled: Sequence[Labelled], folds: int = FOLDS) -> list[float]:
    """Probability of each conversation by weights that were fitted without its fold.

    Folds are every n-th conversation, in the order of the file.
    """
    ps = [0.0] * len(labelled)
    for fold in range(folds):
        weights = fit([row for i, row in enumerate(labelled) if i % folds != fold])
        for i in range(fold, len(labelled), folds):
            ps[i] = probability(labelled[i].signs, weights)
    return ps


def quality(ps: Sequence[float], labelled: Sequence[Labelled]) -> Quality:
    """Precision and recall at the threshold, Brier score and reliability by ten ranges."""
    called = [decide(p) for p in ps]
    truth = [row.is_resolved for row in labelled]
    hits = sum(c == "resolved" and t for c, t in zip(called, truth, strict=True))
    named = called.count("resolved")
    wanted = [
        c for c, row in zip(called, labelled, strict=True) if row.is_resolved and row.is_decidable
    ]
    rate = sum(truth) / len(truth)
    return Quality(
        conversations=len(labelled),
        precision=hits / named if named else 0.0,
        recall=wanted.count("resolved") / len(wanted) if wanted else 0.0,
        undecided=called.count("undecided"),
        brier=sum((p - t) ** 2 for p, t in zip(ps, truth, strict=True)) / len(ps),
        brier_base_rate=rate * (1 - rate),
        reliability=tuple(_reliability(ps, truth)),
    )


def _reliability(ps: Sequence[float], truth: Sequence[bool]) -> Iterator[ReliabilityRow]:
    for i in range(BINS):
        inside = [
            (p, t) for p, t in zip(ps, truth, strict=True) if min(int(p * BINS), BINS - 1) == i
        ]
        if inside:
            yield ReliabilityRow(
                range=f"{i / BINS:.1f} to {(i + 1) / BINS:.1f}",
                count=len(inside),
                mean_p=sum(p for p, _ in inside) / len(inside),
                share_resolved=sum(t for _, t in inside) / len(inside),
            )
