"""What an A/B test has shown: statistics of feedback rows. Pure.

The customer is the unit: customers are randomised, and answers to one customer are alike, so each
customer counts once, with the mean of his or her outcomes. Intervals hold for one look at the
data; looking daily and stopping when it suits finds differences that are not there.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, variance
from typing import Any

from scipy.stats import binomtest, norm
from scipy.stats import t as student

Row = Mapping[str, Any]
Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Arm:
    """What customers of one variant said, one value a customer."""

    variant: str
    assignments: int
    """Answers with a logged assignment."""
    outcomes: int
    """Answers of which an outcome is known."""
    customers: int
    """Customers with an assignment to this arm and to no other."""
    csat: Sequence[float]
    """Mean rating (1 to 5) of each customer who rated."""
    completed: Sequence[float]
    """Share of completed conversations of each customer of whom it is known."""
    judged: int
    """Customers of whom at least one outcome is known: what `ab.min_outcomes` is about."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number and its interval; the interval is None where there are too few values."""

    value: float | None
    interval: Interval | None
    customers: int


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Both arms of a test since its start, and who had to be left out."""

    champion: Arm
    challenger: Arm
    crossed: int
    """Customers who were answered by both arms; they are in neither."""
    anonymous: int
    """Answers to nobody in particular: without a customer there is no arm to be kept in."""
    orphans: int
    """Outcomes without a logged assignment."""


def gather(
    rows: Sequence[Row], *, champion: str, challenger: str, since: datetime | None
) -> Evidence:
    """The evidence in feedback rows: outcomes joined to assignments by trace id.

    Only assignments at or after `since` count, so that shares are never pooled. A repeated event
    counts once; of several outcomes of a trace the newest value of each kind counts.
    """
    accepted = {r["feedback_id"]: r for r in rows if r["verdict"] == "accepted"}.values()
    assigned = {r["trace_id"]: r for r in accepted if r["kind"] == "assignment"}
    outcomes = _newest_outcomes(r for r in accepted if r["kind"] == "outcome")
    counted = [
        row
        for row in assigned.values()
        if row["variant"] in (champion, challenger)
        and (since is None or row["occurred_at"] >= since)
    ]
    arms_of: dict[str, set[str]] = defaultdict(set)
    for row in counted:
        if row["subject_key"]:
            arms_of[row["subject_key"]].add(row["variant"])
    return Evidence(
        champion=_arm(champion, counted, outcomes, arms_of),
        challenger=_arm(challenger, counted, outcomes, arms_of),
        crossed=sum(len(arms) > 1 for arms in arms_of.values()),
        anonymous=sum(not row["subject_key"] for row in counted),
        orphans=sum(trace not in assigned for trace in outcomes),
    )


def mean_with_t_interval(values: Sequence[float], confidence: float) -> Estimate:
    """Mean and Student's t interval with n − 1 degrees of freedom.

    Source: Student, "The probable error of a mean", Biometrika 6 (1908).
    """
    if not values:
        return Estimate(value=None, interval=None, customers=0)
    mean = fmean(values)
    if len(values) == 1:
        return Estimate(value=mean, interval=None, customers=1)
    error = math.sqrt(variance(values) / len(values))
    width = float(student.ppf((1 + confidence) / 2, len(values) - 1)) * error
    return Estimate(value=mean, interval=(mean - width, mean + width), customers=len(values))


def rate_with_wilson_interval(values: Sequence[float], confidence: float) -> Estimate:
    """Mean of shares in [0, 1], one a customer, and its Wilson score interval.

    Exact in form for customers with one outcome; a mean of several varies less than the formula
    assumes, so the interval is then too wide rather than too narrow.
    Source: Wilson, "Probable inference, the law of succession, and statistical inference",
    JASA 22 (1927).
    """
    if not values:
        return Estimate(value=None, interval=None, customers=0)
    n, rate = len(values), fmean(values)
    return Estimate(value=rate, interval=_wilson(rate, n, confidence), customers=n)


def csat_difference(
    challenger: Sequence[float], champion: Sequence[float], confidence: float
) -> Estimate:
    """Challenger's mean minus champion's, with Welch's t interval.

    Source: Welch, "The generalization of Student's problem when several different population
    variances are involved", Biometrika 34 (1947).
    """
    customers = len(challenger) + len(champion)
    if not challenger or not champion:
        return Estimate(value=None, interval=None, customers=customers)
    difference = fmean(challenger) - fmean(champion)
    if min(len(challenger), len(champion)) < 2:  # noqa: PLR2004 - a variance needs two values
        return Estimate(value=difference, interval=None, customers=customers)
    parts = [(variance(v) / len(v), len(v)) for v in (challenger, champion)]
    error = sum(squared for squared, _ in parts)
    if error == 0:
        return Estimate(value=difference, interval=None, customers=customers)
    freedom = error**2 / sum(squared**2 / (n - 1) for squared, n in parts)
    width = float(student.ppf((1 + confidence) / 2, freedom)) * math.sqrt(error)
    return Estimate(
        value=difference, interval=(difference - width, difference + width), customers=customers
    )


def rate_difference(
    challenger: Sequence[float], champion: Sequence[float], confidence: float
) -> Estimate:
    """Challenger's rate minus champion's, with Newcombe's interval out of two Wilson intervals.

    Source: Newcombe, "Interval estimation for the difference between independent proportions",
    Statistics in Medicine 17 (1998), method 10.
    """
    customers = len(challenger) + len(champion)
    if not challenger or not champion:
        return Estimate(value=None, interval=None, customers=customers)
    new, old = fmean(challenger), fmean(champion)
    new_low, new_high = _wilson(new, len(challenger), confidence)
    old_low, old_high = _wilson(old, len(champion), confidence)
    low = new - old - math.hypot(new - new_low, old_high - old)
    high = new - old + math.hypot(new_high - new, old - old_low)
    return Estimate(value=new - old, interval=(low, high), customers=customers)


def sample_ratio_p(challenger: int, champion: int, share: float) -> float:
    """Probability of so uneven a split of customers if the share were kept (exact, two-sided).

    A small value says that assignment or logging is broken, and then no other figure counts.
    Source: Kohavi, Tang and Xu, "Trustworthy Online Controlled Experiments" (2020), chapter 21.
    """
    total = challenger + champion
    return float(binomtest(challenger, total, share).pvalue) if total else 1.0


def _newest_outcomes(rows: Any) -> dict[str, dict[str, Any]]:
    newest: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in sorted(rows, key=lambda r: (r["occurred_at"], r["feedback_id"])):
        said = {k: row[k] for k in ("csat", "is_completed") if row[k] is not None}
        newest[row["trace_id"]].update(said)
    return dict(newest)


def _arm(
    variant: str,
    counted: Sequence[Row],
    outcomes: Mapping[str, Mapping[str, Any]],
    arms_of: Mapping[str, set[str]],
) -> Arm:
    mine = [r for r in counted if r["variant"] == variant]
    ratings: dict[str, list[float]] = defaultdict(list)
    completions: dict[str, list[float]] = defaultdict(list)
    for row in mine:
        customer = row["subject_key"]
        if not customer or len(arms_of[customer]) > 1:
            continue
        said = outcomes.get(row["trace_id"], {})
        if "csat" in said:
            ratings[customer].append(float(said["csat"]))
        if "is_completed" in said:
            completions[customer].append(float(said["is_completed"]))
    return Arm(
        variant=variant,
        assignments=len(mine),
        outcomes=sum(row["trace_id"] in outcomes for row in mine),
        customers=sum(arms == {variant} for arms in arms_of.values()),
        csat=[fmean(values) for values in ratings.values()],
        completed=[fmean(values) for values in completions.values()],
        judged=len(ratings.keys() | completions.keys()),
    )


def _wilson(rate: float, n: int, confidence: float) -> Interval:
    z = float(norm.ppf((1 + confidence) / 2))
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    width = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return max(0.0, middle - width), min(1.0, middle + width)
