"""Whether a fine-tune should start now, out of counts of fresh examples.

Pure, so that a policy can be tried on the past; `train.watch` reads the counts and acts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from deskwheel.settings import TriggerSettings

Outcome = Literal["fired", "waiting", "cooling_down", "too_few"]
"""`waiting`: it would fire, but every version of the table belongs to a window already."""


@dataclass(frozen=True, kw_only=True)
class TriggerDecision:
    """One evaluation of the trigger."""

    outcome: Outcome
    effective: int
    """Fresh examples that count: those of one category up to its cap."""
    reason: str

    @property
    def fired(self) -> bool:
        """Whether a window should be claimed."""
        return self.outcome == "fired"


def evaluate_trigger(
    fresh_by_category: Mapping[str, int],
    settings: TriggerSettings,
    *,
    last_window_at: datetime | None,
    now: datetime,
) -> TriggerDecision:
    """Fire when enough fresh examples of enough categories came in and the cool-down is over.

    Args:
        fresh_by_category: valid examples since the last window.
        settings: minimum, cap and cool-down.
        last_window_at: when the last window was claimed; None before the first.
        now: the time of this evaluation.
    """
    minimum = settings.min_fresh_examples
    cap = max(1, int(minimum * settings.max_category_share))
    effective = sum(min(count, cap) for count in fresh_by_category.values())
    counts = f"{effective} effective of {sum(fresh_by_category.values())} fresh examples"
    if effective < minimum:
        reason = f"{counts}, {minimum} are needed, at most {cap} of one category"
        return TriggerDecision(outcome="too_few", effective=effective, reason=reason)
    waited_s = (now - last_window_at).total_seconds() if last_window_at else None
    if waited_s is not None and waited_s < settings.cool_down_s:
        reason = f"{counts}; the cool-down of {settings.cool_down_s:g} s is not over"
        return TriggerDecision(outcome="cooling_down", effective=effective, reason=reason)
    reason = f"{counts} reach the minimum of {minimum}"
    return TriggerDecision(outcome="fired", effective=effective, reason=reason)
