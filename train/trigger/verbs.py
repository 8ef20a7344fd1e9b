"""Verb `trigger`: what the trigger says, what it would have said, and orders to it."""

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from deskwheel.errors import ConfigError
from deskwheel.settings import Settings
from deskwheel.state import State
from train.trigger import orders
from train.trigger.decide import TriggerDecision, judge
from train.trigger.explain import explained, explanation
from train.trigger.facts import read_inputs
from train.trigger.inputs import Inputs
from train.trigger.log import last_entries
from train.trigger.ranges import check_ranges


def trigger(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `trigger`: do what the action says.

    Raises:
        ConfigError: an order has no reason, or a number is one that nothing can be done with.
        StateError: the trigger is not in the state that the order needs.
    """
    check_ranges(arguments)
    if arguments.action == "replay":
        from train.trigger.variants import replay_verb  # noqa: PLC0415  loads what others need not

        return replay_verb(settings, arguments)
    state = State(settings.pipeline.state_url)
    try:
        return _ACTIONS[arguments.action](settings, state, arguments)
    finally:
        state.close()


def _status(settings: Settings, state: State, arguments: argparse.Namespace) -> int:
    """Print what the trigger says now; claims and logs nothing."""
    inputs = read_inputs(settings, state, now=datetime.now(UTC))
    decision = judge(inputs, settings.trigger)
    if arguments.json:
        print(json.dumps(_facts(inputs, decision)))
    else:
        print(f"{decision.outcome}: {decision.reason}")
    return 0


def _explain(settings: Settings, state: State, arguments: argparse.Namespace) -> int:
    inputs = read_inputs(settings, state, now=datetime.now(UTC))
    decision = judge(inputs, settings.trigger)
    entries = last_entries(state, settings.pipeline.name, limit=arguments.limit)
    if arguments.json:
        told = explained(inputs, settings.trigger)
        print(json.dumps({**_facts(inputs, decision), **told, "evaluations": entries}))
    else:
        print(explanation(inputs, decision, settings.trigger, entries=entries))
    return 0


def _pause(settings: Settings, state: State, arguments: argparse.Namespace) -> int:
    return _order(orders.pause, settings, state, arguments)


def _fire(settings: Settings, state: State, arguments: argparse.Namespace) -> int:
    return _order(orders.ask, settings, state, arguments)


def _resume(settings: Settings, state: State, arguments: argparse.Namespace) -> int:
    by, name = orders.actor(), settings.pipeline.name
    reason = arguments.reason or ""
    orders.resume(state, name, by=by, reason=reason, now=datetime.now(UTC))
    _say(arguments, {"action": "resume", "by": by, "reason": reason})
    return 0


def _order(
    give: Callable[..., Any], settings: Settings, state: State, arguments: argparse.Namespace
) -> int:
    if not (arguments.reason or "").strip():
        raise ConfigError(f"trigger {arguments.action}: say why with --reason TEXT")
    by, name = orders.actor(), settings.pipeline.name
    order = give(state, name, by=by, reason=arguments.reason, now=datetime.now(UTC))
    _say(arguments, {"action": arguments.action, **asdict(order)})
    return 0


def _say(arguments: argparse.Namespace, facts: Mapping[str, Any]) -> None:
    if arguments.json:
        print(json.dumps(facts, default=str))
        return
    done = {
        "pause": "paused; nothing starts until `resume`",
        "resume": "resumed",
        "fire": "asked for; the next look of `train watch` claims a window, if there is a fresh"
        " example",
    }[facts["action"]]
    print(f"{done} ({facts['by']})")


def _facts(inputs: Inputs, decision: TriggerDecision) -> dict[str, Any]:
    return {
        "outcome": decision.outcome,
        "fired": decision.fired,
        "effective": decision.effective,
        "version": decision.version,
        "reason": decision.reason,
        "next_at": decision.next_at.isoformat() if decision.next_at else None,
        "is_paused": inputs.pause is not None,
        "request": inputs.request.id if inputs.request else None,
    }


_ACTIONS: Mapping[str, Callable[[Settings, State, argparse.Namespace], int]] = {
    "status": _status, "explain": _explain, "pause": _pause, "resume": _resume, "fire": _fire,
}  # fmt: skip
