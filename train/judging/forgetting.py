"""What a challenger has forgotten: where it is worse than the champion, and how surely.

Pure. A slice is a category, or a month (a quarter, where the split spans more than a year). The
unit of analysis is the conversation, as in `train.judging.gate`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from scipy.special import stdtr

from deskwheel.marks import Shift
from train.judging.gate import NON_INFERIORITY_ALPHA, Difference, Verdict, difference
from train.judging.metrics import HIGHER_IS_BETTER
from train.judging.scores import Score

ALPHA = 0.05
"""Chance that equal models are held, at most, whatever the number of slices and metrics."""
LEAST_CONVERSATIONS = 50
"""A slice with fewer is shown and decides nothing: the mean of fewer of such skewed scores is not
close enough to normal for Student's t."""
_MOST_MONTHS = 12

_By = Literal["category", "time"]


def measure_shifts(champion: Sequence[Score], challenger: Sequence[Score]) -> tuple[Shift, ...]:
    """How far a challenger is from the champion, by slice and metric; none without evidence.

    `is_loss` marks the losses that remain after Holm's correction over all slices that are large
    enough and all metrics; it holds for any dependence between them, as overlapping slices have.
    Source: Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure".

    Args:
        champion: its scores.
        challenger: its scores on the same examples in the same order.
    """
    if [s.example_id for s in champion] != [s.example_id for s in challenger]:
        return ()
    before = {score.example_id: score for score in champion}
    found = [
        _shift(by, name, difference([before[s.example_id] for s in part], part, metric=metric))
        for by, name, part in _slices(challenger)
        for metric in HIGHER_IS_BETTER
        if _is_measured(part, before, metric)
    ]
    return tuple(_corrected(found))


def hold_losses(verdict: Verdict, shifts: Sequence[Shift]) -> Verdict:
    """The verdict after a warm start: a loss in any slice turns PROMOTE into HOLD, and is named."""
    losses = tuple(map(loss_sentence, (s for s in shifts if s.is_loss)))
    if not losses:
        return verdict
    kept = "HOLD" if verdict.verdict == "PROMOTE" else verdict.verdict
    return replace(verdict, verdict=kept, reasons=(*losses, *verdict.reasons))


def loss_sentence(shift: Shift) -> str:
    """A loss in words, with its slice and numbers."""
    return (
        f"forgotten in {shift.by} {shift.slice}: {shift.metric} lead {shift.mean:+.4f}"
        f" ({shift.low:+.4f} to {shift.high:+.4f}) over {shift.conversations} conversations,"
        f" a loss at alpha {ALPHA:g} after Holm's correction"
    )


def time_slices(months: Sequence[str]) -> dict[str, str]:
    """Month → slice of time: itself, or its quarter where there are more than twelve of them.

    >>> time_slices(["2026-03", "2026-04"])
    {'2026-03': '2026-03', '2026-04': '2026-04'}
    """
    known = sorted({m for m in months if m})
    if len(known) <= _MOST_MONTHS:
        return {month: month for month in known}
    return {month: f"{month[:4]}-Q{(int(month[5:]) + 2) // 3}" for month in known}


def _slices(scores: Sequence[Score]) -> Iterator[tuple[_By, str, list[Score]]]:
    """Slices in order of their names, scores in order; what has no category or time is in none."""
    times = time_slices([s.month for s in scores])
    parts: dict[tuple[_By, str], list[Score]] = {}
    for score in scores:
        if score.category:
            parts.setdefault(("category", score.category), []).append(score)
        if score.month:
            parts.setdefault(("time", times[score.month]), []).append(score)
    for (by, name), part in sorted(parts.items()):
        yield by, name, part


def _is_measured(part: Sequence[Score], before: Mapping[str, Score], metric: str) -> bool:
    """Whether there are two conversations, and all their scores on a metric are numbers."""
    values = [
        model.values.get(metric, math.nan) for s in part for model in (s, before[s.example_id])
    ]
    return len({s.conversation_id for s in part}) > 1 and all(map(math.isfinite, values))


def _shift(by: _By, name: str, found: Difference) -> Shift:
    return Shift(
        by=by,
        slice=name,
        metric=found.metric,
        conversations=found.conversations,
        mean=found.mean,
        low=found.bound(NON_INFERIORITY_ALPHA),
        high=found.ceiling(NON_INFERIORITY_ALPHA),
        p_loss=_p_loss(found),
        is_loss=False,
    )


def _p_loss(found: Difference) -> float:
    """One-sided p-value of a true lead below 0, by Student's t."""
    if found.standard_error == 0:
        return 0.0 if found.mean < 0 else 1.0
    return float(stdtr(found.conversations - 1, found.mean / found.standard_error))


def _corrected(shifts: Sequence[Shift]) -> list[Shift]:
    tested = [i for i, s in enumerate(shifts) if s.conversations >= LEAST_CONVERSATIONS]
    tested.sort(key=lambda i: shifts[i].p_loss)
    lost: set[int] = set()
    for place, index in enumerate(tested):
        if shifts[index].p_loss > ALPHA / (len(tested) - place):
            break
        lost.add(index)
    return [replace(shift, is_loss=i in lost) for i, shift in enumerate(shifts)]
