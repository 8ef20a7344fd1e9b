"""What verdicts are made of: the keys of an example, links between two, and what was decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from deskwheel.records import ExampleVerdict, Split

_STEPS = 10
"""Steps of resolution probability: finer differences are noise of the model that gives it."""
_GOOD_CSAT = 4


class Place(NamedTuple):
    """Where an example lies among its near-copies; None for one that broke a rule."""

    cluster_id: str | None = None
    """Example id of the cluster's first member."""
    cluster_split: Split | None = None
    group_id: str | None = None
    """Example id of the group's first member."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """The keys of an example that decide its verdict; no text."""

    example_id: str
    conversation_id: str
    conversation_version: int
    content: str
    """Equal for exact copies of one tenant and kind, and only for them."""
    sent_at: datetime
    split: Split = "train"
    """That of the customer."""
    outcome: int = 0
    """How well it went, as `rate_outcome` says."""
    reasons: tuple[str, ...] = ()
    """Rules that it breaks, or why it is not valid."""
    verdict: ExampleVerdict | None = None
    """As stored; None for one not judged before."""
    place: Place = Place()
    """As stored."""
    subject: str = ""
    """The customer, or the conversation where the customer is unknown; of one tenant."""
    category: str = ""
    asked: bytes | None = None
    """What `validate.returns` compares of the query; None where the customer is unknown."""
    is_answer: bool = True
    """Whether the customer's return speaks against it: not where it is no answer to give, nor
    where a person set that aside."""

    @property
    def is_member(self) -> bool:
        """Whether it has a place among its near-copies: it broke no rule when it was judged."""
        return not self.reasons if self.verdict is None else self.place.cluster_id is not None


@dataclass(frozen=True, slots=True)
class Link:
    """Two examples of one tenant and kind that say nearly the same."""

    one: str
    other: str
    is_same_question: bool = True


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a candidate."""

    verdict: ExampleVerdict
    reasons: tuple[str, ...] = ()
    place: Place = Place()
    duplicate_of: str | None = None
    """The valid example that it stands behind, which may have been replaced since; None where its
    group has none."""


def rate_outcome(
    *,
    csat: int | None,
    thumb: str | None,
    resolution_probability: float,
    authorship: str,
    warnings: Sequence[str] | None,
) -> int:
    """How good an example is among its copies, as one number: more is better.

    In this order: a customer said that it was good, it was probably resolved (in tenths), a person
    wrote it, no rule warns.
    """
    is_praised = thumb == "up" or (csat is not None and csat >= _GOOD_CSAT)
    found = int(is_praised) * (_STEPS + 1) + int(resolution_probability * _STEPS)
    return (found * 2 + int(authorship == "human")) * 2 + int(not warnings)
