"""Shows what the A/B test has found and what would be decided; changes no traffic.

Reads the table `feedback` and the split; notes a changed verdict on the timeline (`decided`).
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from deploy import evidence as stats
from deploy.evidence import Arm, Estimate, Evidence
from deploy.roster import read_split, read_variant
from deploy.split import SplitRow
from deskwheel import lake, tables
from deskwheel.errors import StateError
from deskwheel.settings import AbSettings, Settings
from deskwheel.state import State

Verdict = Literal[
    "no challenger under test",
    "split is broken",
    "not enough traffic yet",
    "would roll back",
    "would promote",
    "no difference shown yet",
]

_METRICS = 2
"""CSAT and completion: each interval of a difference takes its part of the allowed error."""

_COLUMNS = [
    "feedback_id", "kind", "verdict", "trace_id", "subject_key", "variant", "csat",
    "is_completed", "occurred_at",
]  # fmt: skip

_CAVEAT = (
    "Intervals hold for one look. Per-arm intervals have the level of ab.confidence; those of the"
    " two differences hold together (Bonferroni). One value a customer."
)


@dataclass(frozen=True, kw_only=True)
class ArmReport:
    """One line of the table."""

    variant: str
    assignments: int
    outcomes: int
    customers: int
    judged: int
    csat: Estimate
    completion: Estimate


@dataclass(frozen=True, kw_only=True)
class Report:
    """What `decide` prints."""

    verdict: Verdict
    why: str
    share: float
    since: datetime | None
    arms: Sequence[ArmReport] = ()
    """Champion, then challenger."""
    csat_difference: Estimate | None = None
    """Challenger minus champion."""
    completion_difference: Estimate | None = None
    sample_ratio_p: float | None = None
    crossed: int = 0
    anonymous: int = 0
    orphans: int = 0


def decide(settings: Settings, arguments: argparse.Namespace) -> int:
    """Exit status 0 with the report printed, whatever it says.

    Raises:
        StateError: the pipeline has no split yet.
    """
    state = State(settings.pipeline.state_url)
    try:
        split = read_split(state, settings.pipeline.name)
        since = started_at(state, settings.pipeline.name, split)
        rows = lake.read(settings.pipeline.lake, tables.FEEDBACK, columns=_COLUMNS).to_pylist()
        report = judge(rows, split, settings.ab, since=since)
        _record(state, settings.pipeline.name, split, report)
    finally:
        state.close()
    if arguments.json:
        print(json.dumps(asdict(report), default=str))
    else:
        render(report, Console())
    return 0


def started_at(state: State, pipeline: str, split: SplitRow) -> datetime | None:
    """Since when the challenger has answered at the present share; None without a challenger.

    The replica's first report (`served`) where there is one, else the promotion: before it, the
    challenger's customers were still answered by the champion.
    """
    if split.challenger is None:
        return None
    served = [
        datetime.fromisoformat(entry["at"])
        for entry in state.timeline(pipeline, kind="served")
        if entry["subject"] == split.challenger
        and entry["detail"].get("split_revision") == split.revision
    ]
    if served:
        return min(served)
    try:
        return read_variant(state, split.challenger).since
    except StateError:
        return None


def judge(
    rows: Sequence[stats.Row], split: SplitRow, settings: AbSettings, *, since: datetime | None
) -> Report:
    """The report on a test out of feedback rows. Pure."""
    if split.challenger is None:
        why = f"{split.champion} answers everybody"
        return Report(verdict="no challenger under test", why=why, share=0.0, since=None)
    found = stats.gather(rows, champion=split.champion, challenger=split.challenger, since=since)
    joint = 1 - (1 - settings.confidence) / _METRICS
    csat = stats.csat_difference(found.challenger.csat, found.champion.csat, joint)
    completion = stats.rate_difference(found.challenger.completed, found.champion.completed, joint)
    ratio = stats.sample_ratio_p(found.challenger.customers, found.champion.customers, split.share)
    verdict, why = _verdict(found, csat, completion, ratio, settings)
    return Report(
        verdict=verdict,
        why=why,
        share=split.share,
        since=since,
        arms=tuple(_arm(a, settings.confidence) for a in (found.champion, found.challenger)),
        csat_difference=csat,
        completion_difference=completion,
        sample_ratio_p=ratio,
        crossed=found.crossed,
        anonymous=found.anonymous,
        orphans=found.orphans,
    )


def render(report: Report, console: Console) -> None:
    """The report as a table and two sentences."""
    console.print(f"[bold]{report.verdict}[/bold]: {report.why}", highlight=False)
    if not report.arms:
        return
    table = Table("variant", "answers", "outcomes", "customers", "CSAT", "completed")
    for arm in report.arms:
        counts = (arm.assignments, arm.outcomes, f"{arm.judged}/{arm.customers}")
        shown = (_number(arm.csat), _number(arm.completion))
        table.add_row(arm.variant, *map(str, counts), *shown)
    if report.csat_difference and report.completion_difference:
        shown = (_number(report.csat_difference), _number(report.completion_difference))
        table.add_row("difference", "", "", "", *shown)
    console.print(table)
    console.print(
        f"Share {report.share:.0%} since {report.since or 'the beginning'}; sample ratio"
        f" p = {report.sample_ratio_p:.3g}; left out: {report.crossed} customers seen by both"
        f" arms, {report.anonymous} answers to nobody in particular, {report.orphans} outcomes"
        " without a logged assignment.",
        highlight=False,
    )
    console.print(_CAVEAT, highlight=False)


def _verdict(
    found: Evidence, csat: Estimate, completion: Estimate, ratio: float, settings: AbSettings
) -> tuple[Verdict, str]:
    if ratio < settings.sample_ratio_alpha:
        n, m = found.challenger.customers, found.champion.customers
        return "split is broken", f"{n} to {m} customers has p = {ratio:.2g}; trust no figure"
    for arm in (found.challenger, found.champion):
        if arm.judged < settings.min_outcomes:
            need = f"{arm.judged} of {settings.min_outcomes} customers with an outcome"
            return "not enough traffic yet", f"{arm.variant} has {need}"
    known = {"CSAT": csat.interval, "completion": completion.interval}
    worse = [f"{n} by at least {-i[1]:.3g}" for n, i in known.items() if i and i[1] < 0]
    if worse:
        return "would roll back", f"{found.challenger.variant} is worse in {' and '.join(worse)}"
    better = [f"{n} by at least {i[0]:.3g}" for n, i in known.items() if i and i[0] > 0]
    if better:
        return "would promote", f"{found.challenger.variant} is better in {' and '.join(better)}"
    return "no difference shown yet", "both differences may still be zero"


def _arm(arm: Arm, confidence: float) -> ArmReport:
    return ArmReport(
        variant=arm.variant,
        assignments=arm.assignments,
        outcomes=arm.outcomes,
        customers=arm.customers,
        judged=arm.judged,
        csat=stats.mean_with_t_interval(arm.csat, confidence),
        completion=stats.rate_with_wilson_interval(arm.completed, confidence),
    )


def _number(estimate: Estimate) -> str:
    if estimate.value is None:
        return "–"
    if estimate.interval is None:
        return f"{estimate.value:.3f}"
    low, high = estimate.interval
    return f"{estimate.value:.3f} ({low:.3f} to {high:.3f})"


def _record(state: State, pipeline: str, split: SplitRow, report: Report) -> None:
    """Note the verdict on a challenger when it is another one than last time."""
    if split.challenger is None:
        return
    told: list[dict[str, Any]] = state.timeline(pipeline, kind="decided")
    last = next((e for e in told if e["subject"] == split.challenger), None)
    if last is None or last["detail"]["verdict"] != report.verdict:
        detail = {"verdict": report.verdict, "why": report.why}
        state.record(pipeline, "decided", split.challenger, detail)
