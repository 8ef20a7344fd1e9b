"""Action `replay`: several policies beside each other, over made-up or past traffic.

Reads `validated_examples`, windows and runs; writes a picture where one is asked for.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deskwheel import config, lake
from deskwheel.errors import ConfigError, ServiceError
from deskwheel.settings import Settings, TriggerSettings
from deskwheel.state import State
from deskwheel.tables import VALIDATED
from train.trigger.facts import spent_in
from train.trigger.fresh import fresh_examples
from train.trigger.inputs import Spent
from train.trigger.plot import cost_chart
from train.trigger.replay import Replayed, Traffic, replay, replay_windows
from train.trigger.traffic import Scenario, simulate, traffic_of

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
"""A Thursday; made-up traffic starts here, so that a seed means the same on every day."""


def replay_verb(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print what each policy costs and how old its examples are; draw it with `--plot`.

    Raises:
        ConfigError: a policy or the made-up traffic is not understood.
        ServiceError: the table holds no example to replay.
    """
    variants = read_variants(arguments)
    step = timedelta(hours=arguments.step_h)
    windows = [] if arguments.simulate else _windows(settings)
    run_h = _run_hours(arguments.run_h, windows)
    has_drift = any("drift" in entry for _, s in variants for entry in s.policies)
    if arguments.simulate:
        traffic = _simulated(arguments, step)
        if has_drift:
            print("made-up answers have no lengths: drift is of categories only", file=sys.stderr)
    else:
        traffic = _past(settings, step, has_lengths=has_drift)
    results = [replay(traffic, s, name=name, run_h=run_h) for name, s in variants]
    if windows:
        results.append(replay_windows(traffic, windows, name="as it was", run_h=run_h))
    if arguments.plot:
        points = [(r.hours_a_year, r.mean_age_d, r.name) for r in results]
        Path(arguments.plot).write_text(cost_chart(points), encoding="utf-8")
    if arguments.json:
        print(json.dumps([_facts(r) for r in results]))
    else:
        print(f"over {traffic.days:,.1f} days; runs and hours are scaled to a year")
        print(table(results))
    return 0


def read_variants(arguments: argparse.Namespace) -> list[tuple[str, TriggerSettings]]:
    """(name, settings) of what is tried: today's first, then `--policy`, then `--sweep`."""
    changes: list[list[str]] = [[]]
    for text in arguments.policy:
        changes.append([part.strip() for part in text.split(";") if part.strip()])
    for text in arguments.sweep:
        key, _, values = text.partition("=")
        if not values:
            raise ConfigError(f"--sweep {text}: write KEY=V1,V2, as min_fresh_examples=500,1000")
        changes += [[f"{key.strip()}={value.strip()}"] for value in values.split(",")]
    return [
        (
            "; ".join(parts) or "today's settings",
            config.load(
                arguments.config, [*arguments.set, *(f"trigger.{part}" for part in parts)]
            ).trigger,
        )
        for parts in changes
    ]


def table(results: Sequence[Replayed]) -> str:
    """One line a policy."""
    width = max(len(r.name) for r in results)
    lines = [
        f"{'policy':<{width}}  runs/y  examples/run  mean age d  p95 age d  hours/y"
        "  held d: cool-down  budget  quiet  not trained"
    ]
    for r in results:
        held = [r.held_d.get(n, 0.0) for n in ("cooling_down", "over_budget", "quiet_hours")]
        size = r.trained / len(r.fired_at) if r.fired_at else 0
        ages = (
            f"{r.mean_age_d:>10.2f}  {r.p95_age_d:>9.2f}" if r.fired_at else f"{'-':>10}  {'-':>9}"
        )
        lines.append(
            f"{r.name:<{width}}  {r.runs_a_year:>6.1f}  {size:>12,.0f}  {ages}"
            f"  {r.hours_a_year:>7.1f}  {held[0]:>17.1f}  {held[1]:>6.1f}  {held[2]:>5.1f}"
            f"  {r.left:>11,}"
        )
    return "\n".join(lines)


def _facts(result: Replayed) -> dict[str, object]:
    facts = asdict(result) | {
        "runs_a_year": result.runs_a_year,
        "hours_a_year": result.hours_a_year,
    }
    return facts | {"fired_at": [at.isoformat() for at in result.fired_at]}


def _simulated(arguments: argparse.Namespace, step: timedelta) -> Traffic:
    try:
        pairs = [part.partition("=") for part in arguments.mix.split(",")]
        mix = {name.strip(): float(share) for name, _, share in pairs}
    except ValueError:
        mix = {}
    # A share that is no number is not at least 0 either.
    if not mix or not all(0 <= share < math.inf for share in mix.values()) or not any(mix.values()):
        raise ConfigError(f"--mix {arguments.mix}: write NAME=SHARE,…, as billing=.4,setup=.6")
    scenario = Scenario(
        begin=_BEGIN,
        days=arguments.days,
        per_day=arguments.per_day,
        mix=mix,
        weekend=arguments.weekend,
        growth=arguments.growth,
        corrected=arguments.corrected,
    )
    return simulate(scenario, step=step, seed=arguments.seed)


def _past(settings: Settings, step: timedelta, *, has_lengths: bool) -> Traffic:
    lake_dir = settings.pipeline.lake
    version = lake.current_version(lake_dir, VALIDATED)
    if version is not None:
        once_by = settings.trigger.count_once_by
        fresh = fresh_examples(
            lake_dir, since=None, version=version, once_by=once_by, has_lengths=has_lengths
        )
        if traffic := traffic_of(fresh, step=step):
            return traffic
    raise ServiceError(
        f"{lake_dir} holds no valid example to replay; wait for traffic, or add --simulate"
    )


def _windows(settings: Settings) -> list[Spent]:
    state = State(settings.pipeline.state_url)
    try:
        return spent_in(state, state.windows(settings.pipeline.name))
    finally:
        state.close()


def _run_hours(said: float | None, windows: Sequence[Spent]) -> float:
    known = [w.hours for w in windows if w.hours is not None]
    if said is not None:
        return said
    return sum(known) / len(known) if known else 1.0
