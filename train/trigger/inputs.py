"""What a policy may look at: one frozen record, so that any moment can be tried again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Spent:
    """One window that was claimed, and what its training took."""

    at: datetime
    hours: float | None
    """Hours of training times workers; None where no run was finished."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a person said: to pause, or to start a fine-tune."""

    id: str
    by: str
    """`user@host`."""
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The facts of one evaluation."""

    now: datetime
    counted: Mapping[str, int] = field(default_factory=dict)
    """Category → fresh examples, near-copies once; not yet capped."""
    rows: int = 0
    """Fresh examples, near-copies each."""
    corrections: Mapping[str, int] = field(default_factory=dict)
    """Category → fresh answers that people changed."""
    plain: Mapping[str, int] = field(default_factory=dict)
    """Category → the counted ones that are no corrections."""
    oldest_at: datetime | None = None
    """When the oldest counted example was judged."""
    per_day: Mapping[str, float] = field(default_factory=dict)
    """Category → counted examples a day, lately; empty where too few came to say."""
    before: Mapping[str, int] = field(default_factory=dict)
    """Category → valid examples of the last window."""
    lengths: Sequence[int] | np.ndarray = ()
    """Characters of the counted answers, and below of the last window's; empty if not read."""
    lengths_before: Sequence[int] | np.ndarray = ()
    last_window_at: datetime | None = None
    spent: Sequence[Spent] = ()
    """Windows of the last 30 days, oldest first."""
    pause: Order | None = None
    request: Order | None = None
    """A fine-tune that a person asked for and no window has begun."""
    version: int | None = None
    """The table version looked at; None: no table yet."""
    why_taken: str = ""
    """Why no window can begin at this version, in words; empty where one can."""
