"""Rows of candidates to a comparison: numbers that compare, curves, front and recommendation.

Pure; what is kept of it is written by `train.bases.evidence`.
"""

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from deskwheel.ids import record_id
from train.bases.judge import Recommendation, Standing, pareto_front, recommend
from train.bases.law import LEAST_SIZES, Prediction, predict, resample, to_plain
from train.bases.run import Row
from train.bases.texts import Texts

_DRAWS = 200
_SEED = 7


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One candidate's row with what follows from it."""

    row: Row
    zero_shot: float | None
    """Bits a byte; None when the candidate failed before it was measured."""
    few_shot: float | None
    points: tuple[tuple[int, float], ...]
    """(examples, bits a byte) of the micro fine-tunes, ascending."""
    prediction: Prediction | None
    """None with fewer than four sizes."""
    answer_s: float | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Everything that was found, with the recommendation."""

    id: str
    entries: tuple[Entry, ...]
    front: frozenset[str]
    """Candidates that no other beats in loss, latency and memory together."""
    recommendation: Recommendation
    full_size: int
    basis: str
    data_digest: str


def compare_rows(
    rows: Sequence[Row], texts: Texts, *, full_size: int, allowed: Collection[str]
) -> Comparison:
    """The comparison of measured rows.

    Args:
        rows: one a candidate.
        texts: what they were measured on.
        full_size: examples of the training set that losses are predicted for.
        allowed: classes of licences that may be recommended.
    """
    sizes_bytes = [len(row.response.encode("utf-8", "surrogatepass")) for row in texts.test]
    entries = tuple(_entry(row, sizes_bytes, full_size) for row in rows)
    found = [_plain_entry(e) for e in entries]
    whole = [e for e in entries if not e.row.problem and e.answer_s is not None]
    is_predicted = bool(whole) and all(e.prediction is not None for e in whole)
    basis = f"predicted at {full_size:,} examples" if is_predicted else "measured before any tuning"
    standings = [_standing(e, sizes_bytes, is_predicted=is_predicted) for e in whole]
    return Comparison(
        id=record_id("bases", texts.digest, str(full_size), json.dumps(found)),
        entries=entries,
        front=frozenset(pareto_front(standings)),
        recommendation=recommend(standings, allowed=allowed, basis=basis),
        full_size=full_size,
        basis=basis,
        data_digest=texts.digest,
    )


def to_plain_comparison(comparison: Comparison) -> dict[str, Any]:
    """A comparison as JSON can hold it."""
    return {
        "id": comparison.id,
        "data_digest": comparison.data_digest,
        "full_size": comparison.full_size,
        "basis": comparison.basis,
        "recommended": comparison.recommendation.name,
        "is_clear": comparison.recommendation.is_clear,
        "reasons": list(comparison.recommendation.reasons),
        "front": sorted(comparison.front),
        "candidates": [_plain_entry(e) for e in comparison.entries],
    }


def _plain_entry(entry: Entry) -> dict[str, Any]:
    row, parts = entry.row, entry.row.parts
    candidate = row.candidate
    tuned = [{k: v for k, v in point.items() if k != "nll"} for point in parts.get("tuned", ())]
    losses = dict(entry.points)
    return {
        "name": row.name,
        "problem": row.problem,
        "location": candidate.location if candidate else None,
        "revision": candidate.revision if candidate else None,
        "fingerprint": candidate.fingerprint if candidate else None,
        "licence": asdict(candidate.licence) if candidate else None,
        "weights_bytes": candidate.weights_bytes if candidate else None,
        **{name: parts.get(name) for name in ("facts", "tag_rates", "model", "scores", "speed")},
        "bits_per_byte": {
            "zero_shot": entry.zero_shot,
            "few_shot": entry.few_shot,
            "shots": parts.get("few_shot", {}).get("shots"),
        },
        "tuned": [{**point, "bits_per_byte": losses[point["examples"]]} for point in tuned],
        "answer_s": entry.answer_s,
        "prediction": to_plain(entry.prediction) if entry.prediction else None,
    }


def _entry(row: Row, sizes_bytes: Sequence[int], full_size: int) -> Entry:
    parts = row.parts
    few_shot = parts.get("few_shot", {}).get("nll")
    tuned = {point["examples"]: point["nll"] for point in parts.get("tuned", ())}
    points = tuple((size, _rate(nll, sizes_bytes)) for size, nll in sorted(tuned.items()))
    prediction = None
    if len(points) >= LEAST_SIZES:
        ordered = {size: tuned[size] for size, _ in points}
        resampled = resample(ordered, sizes_bytes, draws=_DRAWS, seed=_SEED)
        prediction = predict(points, full_size, resampled=resampled)
    return Entry(
        row=row,
        zero_shot=_rate(parts["zero_shot"], sizes_bytes) if "zero_shot" in parts else None,
        few_shot=_rate(few_shot, sizes_bytes) if few_shot else None,
        points=points,
        prediction=prediction,
        answer_s=_answer_s(parts),
    )


def _rate(nll: Sequence[float], sizes_bytes: Sequence[int]) -> float:
    return math.fsum(nll) / math.log(2) / max(1, sum(sizes_bytes))


def _answer_s(parts: Any) -> float | None:
    """Seconds for an answer of 1,000 characters: a token is not the same text everywhere."""
    if "speed" not in parts or "facts" not in parts:
        return None
    tokens = parts["facts"]["tokens_per_1000_characters"]
    speed = parts["speed"]
    return float(speed["first_token_s"]["p50"] + max(0.0, tokens - 1) * speed["token_s"]["p50"])


def _standing(entry: Entry, sizes_bytes: Sequence[int], *, is_predicted: bool) -> Standing:
    row, prediction = entry.row, entry.prediction
    assert row.candidate is not None
    assert entry.answer_s is not None
    if is_predicted and prediction is not None:
        loss, model_sd, draws = prediction.loss, prediction.model_sd, prediction.draws
    else:
        assert entry.zero_shot is not None
        drawn = resample({0: row.parts["zero_shot"]}, sizes_bytes, draws=_DRAWS, seed=_SEED)
        loss, model_sd, draws = entry.zero_shot, 0.0, tuple(d[0] for d in drawn)
    return Standing(
        name=row.name,
        licence=row.candidate.licence,
        loss=loss,
        model_sd=model_sd,
        draws=draws,
        answer_s=entry.answer_s,
        peak_bytes=int(row.parts["speed"]["peak_bytes"]),
    )


def dump(comparison: Comparison) -> str:
    """A comparison as JSON text."""
    return json.dumps(to_plain_comparison(comparison), indent=1, ensure_ascii=False)
