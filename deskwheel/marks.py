"""What stands beside a text: what was taken out of it and can be put back, and what it replaced."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

DisfluencyKind = Literal["filler", "noise", "repetition", "false_start"]
CutKind = Literal["greeting", "quote", "signature", "disclaimer", "excess"]


@dataclass(frozen=True, kw_only=True)
class Disfluency:
    """What was said in a call without being meant, and was taken out of the turn's text."""

    kind: DisfluencyKind
    at: int
    """Place in the turn's text, in characters; what went stood after those before it."""
    text: str
    """A filler or a recogniser's tag; empty for the others, which are words of the text itself."""
    size: int
    """Words before the place that were repeated, or letters of the next word that were a false
    start; 0 for fillers and tags."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """What stood in a mail around its author's words, and was taken out of the turn's text."""

    kind: CutKind
    at: int
    """Place in the turn's text, in characters; what was cut stood after those before it."""
    size: int
    """Characters that were cut, white space normalised."""
    text: str | None
    """Redacted more strictly than the turn: nothing but fixed phrases, masks and punctuation.
    Null for quotes, disclaimers and excess; see `transforms.clean.cuts`."""


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A reply that was suggested, and what the agent made of it, when."""

    at: datetime
    draft: str
    final: str | None
    """What was sent instead; null where the draft was deleted after it had been sent."""
    turn_id: str | None
    """The conversation's turn that the agent sent or changed; null where none is known."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How far a challenger is from the champion on one metric, in a slice of the test split."""

    by: Literal["category", "time"]
    slice: str
    """A category, or a month (`2026-03`) or quarter (`2026-Q1`)."""
    metric: str
    conversations: int
    mean: float
    """The challenger's lead, mean over conversations; negative is a loss for every metric."""
    low: float
    high: float
    """Bounds of its 95 % interval, each conversation one observation."""
    p_loss: float
    """One-sided p-value of a loss, before any correction."""
    is_loss: bool
    """A loss after the correction, in a slice that is large enough: `train.judging.forgetting`."""
