"""What models got for their answers, as records that travel from the training worker to the gate.

Pure and light: the driver imports it without loading a model library.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Score:
    """What one model got for one answer."""

    example_id: str
    conversation_id: str
    values: Mapping[str, float]
    """Metric name → value; every name of `train.judging.metrics.HIGHER_IS_BETTER`."""
    category: str = ""
    month: str = ""
    """Both as the example has them."""


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What one model got on the test split."""

    scores: tuple[Score, ...]
    answers: tuple[str, ...]
    summary: Mapping[str, float]
    """Metric name → mean over answers, and `perplexity` over all tokens."""


def to_plain(scored: Mapping[str, Scored]) -> dict[str, Any]:
    """Scores by model as JSON can hold them."""
    return {name: asdict(result) for name, result in scored.items()}


def from_plain(plain: Mapping[str, Any]) -> dict[str, Scored]:
    """The inverse of `to_plain`."""
    return {
        name: Scored(
            scores=tuple(Score(**score) for score in result["scores"]),
            answers=tuple(result["answers"]),
            summary=result["summary"],
        )
        for name, result in plain.items()
    }
