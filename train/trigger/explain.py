"""A decision laid out: every policy's opinion, bars of the categories, the last evaluations."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from deskwheel.settings import TriggerSettings
from train.trigger.decide import OUTCOMES, TriggerDecision
from train.trigger.forecast import told, why_unknown
from train.trigger.holds import holds_of, zone_of
from train.trigger.inputs import Inputs
from train.trigger.policies import POLICIES, Opinion, cap_of, quotas_of

_BAR = 24


def explained(inputs: Inputs, settings: TriggerSettings) -> dict[str, Any]:
    """Opinions and categories, for programs."""
    return {
        "policies": [asdict(o) for o in _policies(inputs, settings)],
        "holds": [asdict(hold.evaluate(inputs)) for hold in holds_of(settings)],
        "categories": _categories(inputs, settings),
    }


def explanation(
    inputs: Inputs,
    decision: TriggerDecision,
    settings: TriggerSettings,
    *,
    entries: Sequence[Mapping[str, Any]],
) -> str:
    """Opinions, categories and evaluations, for people.

    Args:
        inputs: the facts that were judged.
        decision: what came of it.
        settings: by which.
        entries: of the log, newest first.
    """
    named = {n.strip() for entry in settings.policies for n in entry.split("+")}
    lines = [
        f"{decision.outcome}: {decision.reason}",
        f"  that is: {OUTCOMES[decision.outcome]}",
        "",
        f"policies ({' or '.join(settings.policies)})",
    ]
    for opinion in _policies(inputs, settings):
        state = "yes" if opinion.is_for else "not yet"
        lines.append(_line(opinion, state if opinion.policy in named else "not asked"))
    lines.append("holds")
    for hold in holds_of(settings):
        opinion = hold.evaluate(inputs)
        lines.append(_line(opinion, "free" if opinion.is_for else "holds"))
    lines += _bars(inputs, settings)
    zone = zone_of(settings)
    at = decision.next_at and told(decision.next_at, now=inputs.now, zone=zone)
    lines += ["", f"next at about {at}" if at else f"no forecast{_why(decision, inputs)}"]
    lines += _evaluations(entries)
    return "\n".join(lines)


def _why(decision: TriggerDecision, inputs: Inputs) -> str:
    """Nothing for an answer that needs no forecast."""
    is_open = decision.outcome not in ("fired", "waiting", "paused")
    return f": {why_unknown(inputs)}" if is_open else ""


def _policies(inputs: Inputs, settings: TriggerSettings) -> list[Opinion]:
    """Of every policy, also of those that nobody asked; without quotas there is none of `quota`."""
    kinds = [kind for name, kind in POLICIES.items() if name != "quota" or settings.quotas]
    return [kind(settings).evaluate(inputs) for kind in kinds]


def _line(opinion: Opinion, state: str) -> str:
    return f"  {state:<10}{opinion.policy:<13}{opinion.why}"


def _categories(inputs: Inputs, settings: TriggerSettings) -> list[dict[str, Any]]:
    cap = cap_of(settings)
    quotas = quotas_of(settings) if settings.quotas else {}
    names = sorted(inputs.counted.keys() | quotas.keys())
    return [
        {
            "category": name,
            "fresh": (count := inputs.counted.get(name, 0)),
            "counts": min(count, cap),
            "cap": cap,
            "quota": quotas.get(name),
            "corrections": inputs.corrections.get(name, 0),
            "per_day": round(inputs.per_day.get(name, 0.0), 2),
        }
        for name in names
    ]


def _bars(inputs: Inputs, settings: TriggerSettings) -> list[str]:
    """A bar is as long as the quota's share that is there, or the cap's where there is no quota."""
    found = _categories(inputs, settings)
    if not found:
        return ["", "no fresh example"]
    width = max(8, *(len(c["category"]) for c in found))
    lines = ["", f"{'category':<{width}}  {'':<{_BAR}}  fresh  counts"]
    for c in sorted(found, key=lambda c: (-c["fresh"], c["category"])):
        limit = c["quota"] or c["cap"]
        filled = min(_BAR, _BAR * c["fresh"] // limit)
        bar = "█" * filled + "░" * (_BAR - filled)
        of = f"of its quota {c['quota']:,}" if c["quota"] else f"of at most {c['cap']:,}"
        rate = f", {c['per_day']:,.0f} a day" if c["per_day"] else ""
        lines.append(
            f"{c['category']:<{width}}  {bar}  {c['fresh']:>5,}  {c['counts']:>6,} {of}{rate}"
        )
    return lines


def _evaluations(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    if not entries:
        return ["", "no evaluation was logged yet"]
    lines = ["", "last evaluations (since, how often, outcome)"]
    for e in entries:
        lines.append(f"  {e['since']}  ×{e['looks']:<5} {e['outcome']}: {e['reason']}")
    return lines
