"""The loss of a fine-tune at a size that was not tried, out of losses at small sizes.

Pure. Losses are bits a byte, sizes are examples.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from deskwheel.errors import ConfigError

LEAST_SIZES = 4
"""As many as the law has parameters."""

_HUBER = 0.01
"""Relative error from which a point pulls linearly only: about the noise of one small run."""

_PRIOR = 2e-3
"""What being one e-fold off the usual values costs, as a relative error of the loss.

Few points leave parameters open; this decides what they leave open, and nothing else.
"""

_USUAL_BETA = 0.5
_USUAL_FLOOR = 0.5
"""Share of the lowest loss seen that no amount of data takes away."""

_LOW = np.array([-14.0, -7.0, math.log(0.05), math.log(1e-3)])
_HIGH = np.array([25.0, 20.0, math.log(2.0), math.log(0.999)])
_STARTS_BETA = (0.25, 0.8)
_STARTS_PRELEARNT = (0.5, 4.0)
_MOST_CALLS = 300
_NORMAL_95 = 1.96


@dataclass(frozen=True, kw_only=True)
class Law:
    """The rectified scaling law L(D) = B / (D_l + D^beta) + E.

    Before the power law sets in, the curve is flat: the base behaves as if it had learnt from
    `d_l` of data already. It falls with D whatever the parameters.

    Source: Lin et al., "Selecting Large Language Model to Fine-tune via Rectified Scaling Law"
    (ICML 2024), definition 4.1.
    """

    b: float
    d_l: float
    beta: float
    e: float

    def loss(self, examples: float) -> float:
        """Loss after a fine-tune on so many examples.

        >>> Law(b=2.0, d_l=1.0, beta=1.0, e=0.5).loss(3)
        1.0
        """
        return self.b / (self.d_l + examples**self.beta) + self.e


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A loss at the full size, and how sure it is."""

    law: Law
    at: int
    """Examples."""
    loss: float
    model_sd: float
    """Standard deviation by the jackknife over sizes: how much the form leaves open."""
    draws: tuple[float, ...]
    """The same prediction on resampled held-out examples, the same ones for each candidate."""

    @property
    def sd(self) -> float:
        """Both together."""
        return math.hypot(self.model_sd, float(np.std(self.draws)) if self.draws else 0.0)

    @property
    def margin(self) -> float:
        """Half the width of the 95 % interval, by the normal approximation."""
        return _NORMAL_95 * self.sd


def fit_law(points: Sequence[tuple[float, float]], *, start: Law | None = None) -> Law:
    """The law of (examples, loss) points, by robust least squares of the loss's logarithm.

    Relative errors with a Huber loss, from several starts (the paper fits logarithms, too, with
    several starts and the parameters as logarithms). With as few points as here a weak prior
    on beta, D_l and E decides what the points leave open.

    Args:
        points: at least `LEAST_SIZES` distinct sizes above 0.
        start: begin there only; for refits of nearly the same points.

    Raises:
        ConfigError: too few sizes, or a loss that is not a positive number.
    """
    sizes = {size for size, _ in points if size > 0}
    if len(sizes) < LEAST_SIZES:
        raise ConfigError(
            f"a scaling law of {LEAST_SIZES} parameters needs as many sizes, got {sorted(sizes)};"
            " name more with --sizes, or bring more examples"
        )
    bad = [loss for _, loss in points if not (math.isfinite(loss) and loss > 0)]
    if bad:
        raise ConfigError(f"a loss must be a positive number, got {bad[0]}; look at the run's log")
    return _fit(points, start)


def predict(
    points: Sequence[tuple[float, float]],
    at: int,
    *,
    resampled: Sequence[Sequence[float]] = (),
) -> Prediction:
    """The loss at a size, with its uncertainty.

    Args:
        points: (examples, loss), as `fit_law` takes them.
        at: examples of the full training set.
        resampled: the losses of the points again, on resampled held-out examples, a list each.

    Raises:
        ConfigError: as `fit_law`.
    """
    law = fit_law(points)
    sizes = [size for size, _ in points]
    draws = [
        fit_law(list(zip(sizes, losses, strict=True)), start=law).loss(at) for losses in resampled
    ]
    left_out = [_fit([*points[:i], *points[i + 1 :]], law).loss(at) for i in range(len(points))]
    return Prediction(
        law=law, at=at, loss=law.loss(at), model_sd=_jackknife_sd(left_out), draws=tuple(draws)
    )


def to_plain(prediction: Prediction) -> dict[str, Any]:
    """A prediction as JSON can hold it, without its draws."""
    return {
        "law": vars(prediction.law),
        "examples": prediction.at,
        "bits_per_byte": prediction.loss,
        "margin_95": prediction.margin,
    }


def resample(
    nll: Mapping[int, Sequence[float]], sizes_bytes: Sequence[int], *, draws: int, seed: int
) -> list[list[float]]:
    """Losses by size (in the mapping's order) on bootstrap draws of the held-out examples.

    The same seed and number of examples give the same draws, so that candidates can be paired.
    Source: Efron, "Bootstrap methods: another look at the jackknife" (1979).
    """
    rng = np.random.default_rng(seed)
    table = np.array(list(nll.values())) / math.log(2)
    weights = np.array(sizes_bytes)
    chosen = rng.integers(0, len(weights), size=(draws, len(weights)))
    losses = table[:, chosen].sum(axis=2) / weights[chosen].sum(axis=1)
    return [list(map(float, column)) for column in losses.T]


def _fit(points: Sequence[tuple[float, float]], start: Law | None) -> Law:
    sizes = np.array([size for size, _ in points], dtype=float)
    losses = np.array([loss for _, loss in points], dtype=float)
    lowest = float(losses.min())

    logs = np.log(np.maximum(sizes, 1e-12))
    priors = np.array(
        [[0, _PRIOR / 4, 0, 0], [0, 0, _PRIOR, 0], [0, 0, 0, _PRIOR]]
    )  # on the logarithms of D_l, beta and the floor
    usual = np.array([0.0, 0.0, math.log(_USUAL_BETA), math.log(_USUAL_FLOOR)])

    def residuals(theta: Any) -> Any:
        b, d_l, beta, floor = np.exp(theta)
        curve = b / (d_l + sizes**beta) + floor * lowest
        return np.concatenate([np.log(curve / losses), priors @ (theta - usual)])

    def slopes(theta: Any) -> Any:
        b, d_l, beta, floor = np.exp(theta)
        power = sizes**beta
        falling = b / (d_l + power)
        curve = falling + floor * lowest
        by_beta = -falling * power * logs * beta / (d_l + power)
        rows = [falling, -falling * d_l / (d_l + power), by_beta, 0 * curve + floor * lowest]
        return np.concatenate([(np.array(rows) / curve).T, priors])

    tried = [
        least_squares(
            residuals,
            np.clip(theta, _LOW + 1e-6, _HIGH - 1e-6),
            jac=slopes,
            bounds=(_LOW, _HIGH),
            loss="huber",
            f_scale=_HUBER,
            max_nfev=_MOST_CALLS,
        )
        for theta in ([_theta(start, lowest)] if start else _starts(points, lowest))
    ]
    return _law(min(tried, key=lambda t: t.cost).x, lowest)


def _starts(points: Sequence[tuple[float, float]], lowest: float) -> list[Any]:
    first_size, first_loss = min(points)
    floor = _USUAL_FLOOR * lowest
    return [
        np.array(
            [
                math.log((first_loss - floor) * (math.exp(d_l) + first_size**beta)),
                d_l,
                math.log(beta),
                math.log(_USUAL_FLOOR),
            ]
        )
        for beta in _STARTS_BETA
        for d_l in _STARTS_PRELEARNT
    ]


def _law(theta: Any, lowest: float) -> Law:
    b, d_l, beta, floor = (math.exp(value) for value in theta)
    return Law(b=b, d_l=d_l, beta=beta, e=floor * lowest)


def _theta(law: Law, lowest: float) -> Any:
    return np.log([law.b, law.d_l, law.beta, max(law.e / lowest, 1e-9)])


def _jackknife_sd(left_out: Sequence[float]) -> float:
    """Standard deviation of an estimate by leaving one point out at a time.

    Source: Tukey (1958); Efron and Tibshirani, "An Introduction to the Bootstrap", chapter 11.
    """
    count = len(left_out)
    values = np.array(left_out)
    return float(math.sqrt((count - 1) / count * ((values - values.mean()) ** 2).sum()))
