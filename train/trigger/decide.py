"""Whether a fine-tune should start now, and why in one sentence.

`judge` is pure, so that any moment can be tried again; `decide` judges what table and state
database say now. Writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deskwheel.settings import Settings, TriggerSettings
from deskwheel.state import State
from train.trigger.facts import next_start, read_inputs
from train.trigger.forecast import forecast, is_due, told, why_unknown
from train.trigger.holds import holds_of, zone_of
from train.trigger.inputs import Inputs
from train.trigger.policies import Opinion, cap_of, effective, policies_of

__all__ = ["OUTCOMES", "TriggerDecision", "decide", "judge", "next_start", "outcome_of"]

OUTCOMES: Mapping[str, str] = {
    "fired": "a window is claimed",
    "too_few": "the policies do not ask for a fine-tune yet",
    "paused": "a person has paused the trigger",
    "waiting": "it would fire, but every version of the table belongs to a window already",
    "cooling_down": "it is due, but the last window is too recent",
    "over_budget": "it is due, but the runs or hours of 30 days are used up",
    "quiet_hours": "it is due, but nothing starts at this time of the day",
}


@dataclass(frozen=True, kw_only=True)
class TriggerDecision:
    """One evaluation of the trigger."""

    outcome: str
    """One of `OUTCOMES`."""
    effective: int
    """Fresh examples that count: near-copies once, those of one category up to its cap."""
    reason: str
    version: int | None = None
    """The table version that was looked at; None: no table yet."""
    next_at: datetime | None = None
    """About when it will fire; None where that cannot be said, and when it has."""
    request_id: str | None = None
    """The person's order that it fires for."""
    counted: Mapping[str, int] = field(default_factory=dict)
    """Category → fresh examples, near-copies once; for the log."""
    opinions: Sequence[Opinion] = ()
    """Of every policy that the settings name, and of every hold."""

    @property
    def fired(self) -> bool:
        """Whether a window should be claimed."""
        return self.outcome == "fired"

    def detail(self) -> dict[str, Any]:
        """What the timeline and the window keep of it.

        The order in it is spent by the window that holds it: its primary key lets one be claimed.
        """
        facts = {
            "outcome": self.outcome,
            "fired": self.fired,
            "effective": self.effective,
            "reason": self.reason,
            "version": self.version,
        }
        return facts | ({"request": self.request_id} if self.request_id else {})


def decide(settings: Settings, state: State, *, now: datetime) -> TriggerDecision:
    """What the trigger says now.

    Examples of a failed window count again, so that one failure does not lose them. They wait
    for the next version of the table: a window starts after the last one, failed or not.
    """
    return judge(read_inputs(settings, state, now=now), settings.trigger)


def judge(inputs: Inputs, settings: TriggerSettings) -> TriggerDecision:
    """The decision on one moment's facts.

    A pause beats all. An order by a person beats policies and holds; it waits for an example to
    learn from and for a table version that belongs to no window.
    """
    opinions = {o.policy: o for o in _asked(inputs, settings)}
    held = [hold.evaluate(inputs) for hold in holds_of(settings)]
    outcome = outcome_of(inputs, settings)
    is_open = outcome not in ("fired", "waiting", "paused")
    next_at = forecast(inputs, settings) if is_open else None
    return TriggerDecision(
        outcome=outcome,
        effective=effective(inputs.counted, cap_of(settings)),
        reason=_sentence(outcome, inputs, [*opinions.values()], held, next_at, settings),
        version=inputs.version,
        next_at=next_at,
        request_id=inputs.request.id if outcome == "fired" and inputs.request else None,
        counted=inputs.counted,
        opinions=(*opinions.values(), *held),
    )


def outcome_of(inputs: Inputs, settings: TriggerSettings) -> str:
    """What `judge` comes to, without the sentence and the look ahead."""
    if inputs.pause:
        return "paused"
    if not inputs.counted or not (inputs.request or is_due(policies_of(settings), inputs)):
        return "too_few"
    if not inputs.request:
        for hold in holds_of(settings):
            if not hold.evaluate(inputs).is_for:
                return hold.outcome
    return "waiting" if inputs.why_taken else "fired"


def _asked(inputs: Inputs, settings: TriggerSettings) -> list[Opinion]:
    return [p.evaluate(inputs) for entry in policies_of(settings) for p in entry]


def _sentence(
    outcome: str,
    inputs: Inputs,
    opinions: Sequence[Opinion],
    held: Sequence[Opinion],
    next_at: datetime | None,
    settings: TriggerSettings,
) -> str:
    """The reason: who or what decided, then what is missing, then when it may be there."""
    parts = [inputs.why_taken] if outcome == "waiting" else []
    if order := inputs.pause or inputs.request:
        verb = "paused" if inputs.pause else "asked for"
        parts.append(f"{verb} by {order.by}: {order.reason}")
    if outcome in ("too_few", "paused"):
        parts += [o.why for o in opinions if not o.is_for] or [o.why for o in opinions]
    else:
        parts += [o.why for o in opinions if o.is_for]
    if not inputs.request and outcome != "paused":
        parts += [o.why for o in held if not o.is_for]
    if outcome not in ("fired", "waiting", "paused"):
        parts.append(_outlook(next_at, inputs, settings))
    return "; ".join(parts)


def _outlook(next_at: datetime | None, inputs: Inputs, settings: TriggerSettings) -> str:
    if next_at is not None:
        return f"next at about {told(next_at, now=inputs.now, zone=zone_of(settings))}"
    return f"no forecast: {why_unknown(inputs)}"
