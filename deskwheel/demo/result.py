"""What the demo ends with: a table on the terminal, a JSON file and a page to look at."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.table import Table

from deskwheel.audit import Audit
from deskwheel.demo.customers import Visit
from deskwheel.report import write_report

Facts = Mapping[str, Any]

DISCLAIMER = (
    "The demo's model (5 M parameters, synthetic traffic) shows the mechanism, not quality."
    " For quality set train.base_model to a real one; see docs/train.md#a-real-base-model."
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Everything that one playing of the loop found."""

    facts: Facts
    audit: Facts
    decision: Facts
    ledger: Facts
    """What the generator says it sent."""
    examples_of_answers: Sequence[Facts]
    elapsed_s: float
    addresses: Mapping[str, str]

    @classmethod
    def of(
        cls,
        facts: Facts,
        *,
        audit: Audit,
        decision: Facts,
        visits: Sequence[Visit],
        ledger: Facts,
        elapsed_s: float,
        addresses: Mapping[str, str],
    ) -> Self:
        """The outcome, with one answer of each variant as a specimen."""
        first = {visit.variant: visit for visit in reversed(visits)}
        return cls(
            facts=facts,
            audit=audit.to_dict(),
            decision=decision,
            ledger=ledger,
            examples_of_answers=[asdict(visit) for visit in first.values()],
            elapsed_s=elapsed_s,
            addresses=addresses,
        )


def save_result(home: Path, outcome: Outcome) -> Path:
    """Write `result.json` and `report.html` into the demo's folder and return the page."""
    (home / "result.json").write_text(
        json.dumps(asdict(outcome), indent=1, default=str), encoding="utf-8"
    )
    return write_report(home / "report.html", outcome.facts)


def print_result(
    console: Console, outcome: Outcome, page: Path, *, addresses: Mapping[str, str], kept: bool
) -> None:
    """Print the table, the addresses and what the figures do not say."""
    table = Table(title="deskwheel demo: once round the loop", show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in result_rows(outcome):
        table.add_row(name, value)
    console.print(table)
    console.print(DISCLAIMER)
    state = "running" if kept else "stopped; `make demo KEEP=1` keeps it running"
    for name in ("console", "ray", "mlflow"):
        address = addresses.get(name, "not started")
        console.print(f"  {name:<8} {address} ({state})", soft_wrap=True)
    console.print(f"  page     file://{page}", soft_wrap=True)


def result_rows(outcome: Outcome) -> list[tuple[str, str]]:
    """Name and value of each line of the result, in the order of the sentence."""
    facts, flow = outcome.facts, outcome.facts["flow"]
    rejected = {r["reason"]: r["count"] for r in facts["rejected"]}
    quarantined = {q["reason"]: q["count"] for q in facts["quarantined"]}
    run = facts["run"] or {}
    trigger = next((t for t in facts["triggers"] if t["detail"].get("fired")), None)
    return [
        ("events in", f"{outcome.ledger['events']:,} raw, {flow['accepted']:,} events accepted"),
        ("rejected", f"{flow['rejected']:,}: {_counts(rejected)}"),
        ("redelivered", f"{flow['duplicate']:,} duplicates, each kept once"),
        ("turns", f"{flow['turns']:,}"),
        ("conversations", f"{flow['conversations']:,}, {flow['resolved']:,} resolved"),
        ("examples", f"{flow['examples']:,} candidates, {flow['valid']:,} valid"),
        ("quarantined", f"{flow['quarantined']:,}: {_counts(quarantined)}"),
        ("trigger", str(trigger["detail"].get("reason")) if trigger else "did not fire"),
        ("training", _training(run)),
        *_scores(facts["evaluation"] or {}),
        ("gate", _gate(facts["evaluation"] or {})),
        *[(f"arm {arm['variant']}", _arm(arm)) for arm in facts["arms"]],
        ("decide", f"{outcome.decision['verdict']}: {outcome.decision['why']}"),
        ("audit", _audit(outcome.audit)),
        ("time", f"{outcome.elapsed_s:.0f} s"),
    ]


def _counts(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count}" for name, count in ordered) or "none"


def _training(run: Facts) -> str:
    if not run:
        return "no run"
    return (
        f"{run['steps']} steps, loss {run['first_loss']:.2f} → {run['last_loss']:.2f},"
        f" snapshot {run['snapshot_id']}, digest {run['content_digest'][:12]}"
    )


def _scores(evaluation: Facts) -> list[tuple[str, str]]:
    rows = []
    for model, scores in (evaluation.get("scores") or {}).items():
        text = ", ".join(f"{name} {value:.3g}" for name, value in scores.items())
        rows.append((f"scores {model}", text))
    return rows


def _gate(evaluation: Facts) -> str:
    reasons = "; ".join(evaluation.get("reasons") or [])
    return f"{evaluation.get('verdict', 'no verdict')} ({evaluation.get('examples', 0)} test" + (
        f" examples): {reasons}"
    )


def _arm(arm: Facts) -> str:
    csat = "no rating" if arm["mean_csat"] is None else f"CSAT {arm['mean_csat']:.2f}"
    outcomes = max(arm["outcomes"], 1)
    return (
        f"{arm['role']}, share {arm['share']:.0%}, {arm['assignments']} answers,"
        f" {arm['outcomes']} outcomes, {csat}, {arm['completed'] / outcomes:.0%} completed"
    )


def _audit(audit: Facts) -> str:
    if audit["is_balanced"]:
        offsets = sum(p["end"] - p["begin"] for p in audit["partitions"])
        return f"balanced: {offsets:,} offsets, 0 unaccounted"
    problems = "; ".join(audit["problems"][:3])
    return f"NOT BALANCED: {audit['unaccounted']} unaccounted; {problems}"
