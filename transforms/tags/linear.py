"""A linear model over hashed features: probabilities of labels for a text, trained and kept.

The model is a file of NumPy arrays without pickled objects: `labels`, `weights` (float16,
label × feature) and `bias`. Prediction needs NumPy only; training is scikit-learn's logistic
regression. Reads and writes model files; touches no table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import IO, Any

import numpy as np

from deskwheel.errors import SetupError
from transforms.tags.features import SIZE, features

STRENGTH = 20.0
"""Inverse of the ridge: chosen from 1, 5, 20, 80 by macro-F1 on a held-out tenth of the public
query set (`benchmarks.transforms_tags`)."""

_ITERATIONS = 300


@dataclass(frozen=True)
class LinearTagger:
    """Labels and their weights."""

    labels: tuple[str, ...]
    weights: Any
    """float32[label, feature]"""
    bias: Any
    """float32[label]"""

    @cached_property
    def _by_feature(self) -> Any:
        """float32[feature, label]: a text's few features lie together, for a tenth of the time."""
        return np.ascontiguousarray(self.weights.T)

    def probabilities(self, text: str) -> dict[str, float]:
        """Label → probability, summing to 1; uniform for a text without words."""
        found = features(text)
        if not found:
            return dict.fromkeys(self.labels, 1 / len(self.labels))
        indices = np.fromiter(found.keys(), dtype=np.int64, count=len(found))
        values = np.fromiter(found.values(), dtype=np.float32, count=len(found))
        scores = values @ self._by_feature[indices] + self.bias
        shares = np.exp(scores - scores.max())
        return dict(zip(self.labels, (shares / shares.sum()).tolist(), strict=True))

    def best(self, text: str) -> tuple[str, float]:
        """The most probable label and its probability; the first by name on a tie."""
        found = self.probabilities(text)
        label = max(sorted(found), key=lambda name: found[name])
        return label, found[label]

    def save(self, path: Path) -> None:
        """Write the model file."""
        np.savez_compressed(
            path,
            labels=np.array(self.labels),
            weights=self.weights.astype(np.float16),
            bias=self.bias.astype(np.float32),
        )


def load(path: Path) -> LinearTagger:
    """The model of a file.

    Raises:
        SetupError: the file is not there, or is no model of this feature space.
    """
    try:
        with path.open("rb") as file:
            return _read(file)
    except (OSError, ValueError, KeyError) as error:
        raise SetupError(
            f"{path}: no tag model ({error}); make one with `python -m transforms tags train`"
        ) from error


@cache
def shipped(name: str) -> LinearTagger:
    """The model `NAME.npz` of the release."""
    with resources.files("transforms.tags").joinpath(f"{name}.npz").open("rb") as file:
        return _read(file)


def _read(file: IO[bytes]) -> LinearTagger:
    with np.load(file, allow_pickle=False) as arrays:
        labels = tuple(str(label) for label in arrays["labels"])
        weights = arrays["weights"].astype(np.float32)
        bias = arrays["bias"]
    if weights.shape != (len(labels), SIZE) or bias.shape != (len(labels),):
        raise ValueError(f"weights of shape {weights.shape}, wanted ({len(labels)}, {SIZE})")
    return LinearTagger(labels, weights, bias)


def train(texts: Sequence[str], labels: Sequence[str]) -> LinearTagger:
    """A tagger out of labelled texts; classes weigh the same, however many texts each has.

    Raises:
        SetupError: there are fewer than two labels.
    """
    from scipy.sparse import csr_matrix  # noqa: PLC0415  only training pays for these
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    if len(set(labels)) < 2:  # noqa: PLR2004  a choice needs two
        raise SetupError(f"{len(set(labels))} different labels; training needs two at least")
    rows = [features(text) for text in texts]
    indices = np.array([i for row in rows for i in row], dtype=np.int64)
    values = np.array([v for row in rows for v in row.values()], dtype=np.float32)
    starts = np.cumsum([0, *(len(row) for row in rows)])
    matrix = csr_matrix((values, indices, starts), shape=(len(rows), SIZE))
    model = LogisticRegression(C=STRENGTH, max_iter=_ITERATIONS, class_weight="balanced")
    model.fit(matrix, labels)
    weights, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # noqa: PLR2004  scikit-learn keeps one row for two labels
        weights, bias = np.vstack([-weights, weights]) / 2, np.hstack([-bias, bias]) / 2
    return LinearTagger(
        tuple(str(c) for c in model.classes_),
        weights.astype(np.float32),
        bias.astype(np.float32),
    )
