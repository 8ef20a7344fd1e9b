"""Which candidate to take, and why, in sentences.

Pure. Bits a byte, seconds and bytes are better when lower.
"""

import math
import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from train.bases.licence import Licence

_NORMAL_95 = 1.96
_GIB = 2**30


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the judgement needs of one measured candidate."""

    name: str
    licence: Licence
    loss: float
    """Bits a byte on held-out answers: predicted at the full size, or measured untuned."""
    model_sd: float
    """Standard deviation of the loss from the form of the curve; 0 for a measured one."""
    draws: tuple[float, ...]
    """The loss on resampled held-out examples, paired between candidates."""
    answer_s: float
    """Time for an answer of 1,000 characters, which is the same text for every tokenizer."""
    peak_bytes: int

    def costs(self) -> tuple[float, float, float]:
        """What is to be low."""
        return self.loss, self.answer_s, float(self.peak_bytes)


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """A candidate's name, or None, and the reasons."""

    name: str | None
    is_clear: bool
    """False when another allowed one could as well be the best in loss."""
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """By how much one candidate's loss is lower than another's."""

    gain: float
    margin: float
    """Half the width of the 95 % interval."""

    @property
    def is_clear(self) -> bool:
        """Whether the interval lies above 0."""
        return self.gain > self.margin

    def __str__(self) -> str:
        """As sentences have it."""
        return f"{self.gain:.3f} ± {self.margin:.3f} bits/byte"


def compare(better: Standing, other: Standing) -> Difference:
    """How much better one candidate is, and how sure that is.

    Held-out examples are resampled for both alike, so what is hard for both does not count as
    noise; what the two curves leave open is added.
    """
    paired = [o - b for b, o in zip(better.draws, other.draws, strict=False)]
    spread = statistics.pstdev(paired) if paired else 0.0
    margin = _NORMAL_95 * math.hypot(spread, better.model_sd, other.model_sd)
    return Difference(gain=other.loss - better.loss, margin=margin)


def pareto_front(standings: Sequence[Standing]) -> set[str]:
    """Names of the candidates that no other beats in one cost without losing in another."""

    def beats(one: Standing, two: Standing) -> bool:
        pairs = list(zip(one.costs(), two.costs(), strict=True))
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

    return {s.name for s in standings if not any(beats(other, s) for other in standings)}


def recommend(
    standings: Sequence[Standing], *, allowed: Collection[str], basis: str
) -> Recommendation:
    """The candidate to fine-tune.

    Of those whose licence is allowed the one with the lowest loss; where others cannot be told
    from it, the one of them that answers fastest. The order of the standings does not matter.

    Args:
        standings: of the candidates that were measured, in any order.
        allowed: classes of licences that may be recommended.
        basis: what the loss is, for the sentences: `predicted at 20,000 examples`.
    """
    free = sorted(
        (s for s in standings if s.licence.terms in allowed), key=lambda s: (s.loss, s.name)
    )
    barred = sorted(
        (s for s in standings if s.licence.terms not in allowed), key=lambda s: (s.loss, s.name)
    )
    if not free:
        return Recommendation(name=None, is_clear=False, reasons=_nobody(barred))
    best, *others = free
    level = [s for s in others if not compare(best, s).is_clear]
    chosen = min([best, *level], key=lambda s: (s.answer_s, s.peak_bytes, s.name))
    reasons = [_standing_of(best, others, level, basis)]
    if chosen is not best:
        reasons.append(
            f"So {chosen.name}, the fastest of them: {chosen.answer_s:.2f} s for 1,000 characters"
            f" where {best.name} takes {best.answer_s:.2f} s."
        )
    reasons += [_barred(s, chosen) for s in barred if s.loss < chosen.loss]
    reasons += _price(chosen, others)
    return Recommendation(name=chosen.name, is_clear=not level, reasons=tuple(reasons))


def _standing_of(
    best: Standing, others: Sequence[Standing], level: Sequence[Standing], basis: str
) -> str:
    said = f"{best.name} has the lowest loss of those allowed: {best.loss:.3f} bits/byte, {basis}"
    if not others:
        return f"{said}. It is the only one that can be recommended."
    if not level:
        return f"{said}, {compare(best, others[0])} below {others[0].name}."
    near = ", ".join(f"{s.name} ({compare(best, s)})" for s in level)
    return f"{said}, but there is no clear difference from {near}."


def _barred(standing: Standing, chosen: Standing) -> str:
    difference = compare(standing, chosen)
    sure = "" if difference.is_clear else ", no clear difference"
    return (
        f"{standing.name} is {difference} better{sure}, but its licence"
        f" ({standing.licence.name or 'none stated'}) is {standing.licence.terms}:"
        f" {standing.licence.note}; `--licences permissive,{standing.licence.terms}` lets it in."
    )


def _price(chosen: Standing, others: Sequence[Standing]) -> list[str]:
    """What the choice costs in memory beside the smallest other one, which is worse."""
    cheaper = [s for s in others if s.peak_bytes < chosen.peak_bytes and s.loss > chosen.loss]
    if not cheaper:
        return []
    least = min(cheaper, key=lambda s: (s.peak_bytes, s.name))
    return [
        f"{chosen.name} needs {chosen.peak_bytes / _GIB:.2f} GiB to answer; {least.name} needs"
        f" {least.peak_bytes / _GIB:.2f} GiB, and is {compare(chosen, least)} worse."
    ]


def _nobody(barred: Sequence[Standing]) -> tuple[str, ...]:
    if not barred:
        return ("No candidate was measured to the end; the problems stand in their rows.",)
    return (
        "No measured candidate has a licence that is allowed.",
        *(
            f"{s.name}: {s.licence.name or 'no licence stated'} is {s.licence.terms}"
            f" ({s.licence.note}); `--licences permissive,{s.licence.terms}` lets it in."
            for s in barred
        ),
    )
