"""Which encoded answers of dev are better than which. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from train.finetune.packed import Example
from train.preference.encode import Answer

_MOST_COMPARED = 512
"""Pairs, or answers of each kind, of dev that are scored; more cost time and decide the same."""


@dataclass(frozen=True, kw_only=True)
class Comparisons:
    """Answers of dev, and which of them is better than which, by their places."""

    answers: Sequence[Example]
    ranked: Sequence[tuple[int, int]]
    """(better, worse)."""


def compare_pairs(pairs: Sequence[tuple[Answer, Answer]]) -> Comparisons:
    """The answers of each pair, the chosen one before the rejected one."""
    answers = [a.example() for pair in pairs[:_MOST_COMPARED] for a in pair]
    return Comparisons(answers=answers, ranked=[(i, i + 1) for i in range(0, len(answers), 2)])


def compare_judged(judged: Sequence[tuple[Answer, bool]]) -> Comparisons:
    """Each wanted answer against each unwanted one, whatever was asked: the area under a ROC."""
    wanted = [a for a, is_wanted in judged if is_wanted][:_MOST_COMPARED]
    unwanted = [a for a, is_wanted in judged if not is_wanted][:_MOST_COMPARED]
    ranked = [(i, len(wanted) + j) for i in range(len(wanted)) for j in range(len(unwanted))]
    return Comparisons(answers=[a.example() for a in (*wanted, *unwanted)], ranked=ranked)
