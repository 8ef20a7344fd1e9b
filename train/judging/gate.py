"""A verdict out of two models' scores on the same answers: may the challenger meet customers?

Pure. The unit of analysis is the conversation, because answers of one conversation are not
independent. Missing evidence never promotes.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtrit

from deskwheel.records import GateVerdict
from deskwheel.settings import GateSettings
from train.judging.metrics import HIGHER_IS_BETTER
from train.judging.scores import Score

NON_INFERIORITY_ALPHA = 0.025
"""One-sided level of the non-inferiority tests. Source: FDA, "Non-Inferiority Clinical Trials to
Establish Effectiveness" (2016), section IV."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much better the challenger is on one metric; positive is better for every metric."""

    metric: str
    mean: float
    standard_error: float
    conversations: int

    def bound(self, alpha: float) -> float:
        """The value that the true difference is above with confidence 1 - alpha, one-sided.

        Student's t with one degree of freedom less than there are conversations.
        """
        return self.mean - self._width(alpha)

    def ceiling(self, alpha: float) -> float:
        """The value that the true difference is below with confidence 1 - alpha, one-sided."""
        return self.mean + self._width(alpha)

    def _width(self, alpha: float) -> float:
        return float(stdtrit(self.conversations - 1, 1 - alpha)) * self.standard_error


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the gate decided, and every reason in words with its numbers."""

    verdict: GateVerdict
    reasons: tuple[str, ...]


def judge(
    champion: Sequence[Score], challenger: Sequence[Score], *, settings: GateSettings
) -> Verdict:
    """PROMOTE, HOLD or REJECT for a challenger, from scores on the same examples.

    REJECT when a metric is surely worse by more than the margin; PROMOTE when the primary metric
    is surely better and no other metric can be worse by more than the margin; HOLD otherwise and
    whenever evidence is missing.
    """
    missing = _missing(champion, challenger, settings)
    if missing:
        return Verdict(verdict="HOLD", reasons=tuple(missing))
    differences = [difference(champion, challenger, metric=m) for m in HIGHER_IS_BETTER]
    margin = settings.margin
    worse = [d for d in differences if d.ceiling(NON_INFERIORITY_ALPHA) < -margin]
    if worse:
        return Verdict(verdict="REJECT", reasons=tuple(_inferior(d, margin) for d in worse))
    primary = next(d for d in differences if d.metric == settings.primary)
    open_questions = [
        _undecided(d, margin)
        for d in differences
        if d.metric != settings.primary and d.bound(NON_INFERIORITY_ALPHA) <= -margin
    ]
    if primary.bound(settings.alpha) <= 0:
        open_questions.insert(0, _not_superior(primary, settings.alpha))
    if open_questions:
        return Verdict(verdict="HOLD", reasons=tuple(open_questions))
    others = [_not_worse(d, margin) for d in differences if d.metric != settings.primary]
    return Verdict(verdict="PROMOTE", reasons=(_superior(primary, settings.alpha), *others))


def difference(
    champion: Sequence[Score], challenger: Sequence[Score], *, metric: str
) -> Difference:
    """Mean over conversations of the challenger's lead on a metric, with its standard error."""
    sign = 1 if HIGHER_IS_BETTER[metric] else -1
    before = {s.example_id: s.values[metric] for s in champion}
    leads: dict[str, list[float]] = defaultdict(list)
    for score in challenger:
        lead = sign * (score.values[metric] - before[score.example_id])
        leads[score.conversation_id].append(lead)
    means = [math.fsum(values) / len(values) for values in leads.values()]
    count = len(means)
    mean = math.fsum(means) / count
    variance = math.fsum((m - mean) ** 2 for m in means) / (count - 1)
    return Difference(
        metric=metric,
        mean=mean,
        standard_error=math.sqrt(variance / count),
        conversations=count,
    )


def _missing(
    champion: Sequence[Score], challenger: Sequence[Score], settings: GateSettings
) -> list[str]:
    if settings.primary not in HIGHER_IS_BETTER:
        known = ", ".join(HIGHER_IS_BETTER)
        return [f"gate.primary is {settings.primary!r}, which is none of {known}"]
    if [s.example_id for s in champion] != [s.example_id for s in challenger]:
        return [
            f"champion has {len(champion)} scores and challenger {len(challenger)}, and they are"
            " not of the same examples"
        ]
    reasons = []
    conversations = len({s.conversation_id for s in challenger})
    least = max(2, settings.min_test_conversations)
    if conversations < least:
        reasons.append(f"{conversations} test conversations, {least} are needed")
    for name, scores in (("champion", champion), ("challenger", challenger)):
        for metric in HIGHER_IS_BETTER:
            bad = sum(not math.isfinite(s.values.get(metric, math.nan)) for s in scores)
            if bad:
                reasons.append(f"{metric} of the {name} is missing for {bad} of {len(scores)}")
    return reasons


def _inferior(d: Difference, margin: float) -> str:
    ceiling = d.ceiling(NON_INFERIORITY_ALPHA)
    return f"{_lead(d)}: at most {ceiling:+.4f}, worse than the margin of {margin:g}"


def _undecided(d: Difference, margin: float) -> str:
    bound = d.bound(NON_INFERIORITY_ALPHA)
    return f"{_lead(d)}: may be as low as {bound:+.4f}, beyond the margin of {margin:g}"


def _not_worse(d: Difference, margin: float) -> str:
    bound = d.bound(NON_INFERIORITY_ALPHA)
    return f"{_lead(d)}: at least {bound:+.4f}, within the margin of {margin:g}"


def _superior(d: Difference, alpha: float) -> str:
    return f"{_lead(d)}: at least {d.bound(alpha):+.4f}, superior at alpha {alpha:g}"


def _not_superior(d: Difference, alpha: float) -> str:
    return f"{_lead(d)}: may be as low as {d.bound(alpha):+.4f}, not superior at alpha {alpha:g}"


def _lead(d: Difference) -> str:
    return f"{d.metric} lead {d.mean:+.4f} over {d.conversations} conversations"
