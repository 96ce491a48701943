"""What experts ask of a detector: ROC, equal error rate, share found at a false-positive rate, calibration.

A score is any number that rises with suspicion; labels are 1 = synthetic or manipulated, 0 = real. Weights say how much each
picture counts. Weights of shape (rounds, N) stand for so many bootstrap samples of the same N pictures, and every figure then
has shape (rounds,): one sort serves all samples, which is why this is not scikit-learn, against which the tests compare it.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]

_ROUNDING = 1e-12  # a rate of exactly 1 % that floating point makes a hair larger still is 1 %


@dataclasses.dataclass(frozen=True, slots=True)
class Roc:
    """The receiver operating characteristic, from (0, 0) to (1, 1), one point for each different score."""

    fpr: Values  # (points,) or (rounds, points); share of real pictures at or above a threshold
    tpr: Values  # the same of synthetic ones

    def auc(self) -> Values:
        """Area under the curve: how often a synthetic picture is more suspicious than a real one; 0.5 = chance."""
        return np.asarray(np.trapezoid(self.tpr, self.fpr, axis=-1), np.float64)

    def eer(self) -> Values:
        """Equal error rate: the false-positive rate where as many real pictures are flagged as synthetic ones missed."""
        place = np.argmin(np.abs(self.fpr - (1 - self.tpr)), axis=-1)
        return _taken(self.fpr, place)

    def tpr_at(self, rate: float) -> Values:
        """Share found at the threshold where at most this share of real pictures is flagged."""
        place = (self.fpr <= rate + _ROUNDING).sum(axis=-1) - 1
        return _taken(self.tpr, place)


def roc(scores: Values, labels: Labels, weight: Values | None = None) -> Roc:
    """The curve of pictures of both classes.

    Args:
        scores: (N,).
        labels: (N,), 0 or 1.
        weight: (N,) or (rounds, N), not negative; None = each counts once.

    Raises:
        ValueError: a class is missing, so there is no curve.
    """
    order = np.argsort(-scores, kind="stable")
    last_of_equals = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    shares = [_reached(one_class, order, last_of_equals) for one_class in _classes(labels, weight)]
    return Roc(*shares)


def _classes(labels: Labels, weight: Values | None) -> tuple[Values, Values]:
    weight = np.ones(len(labels)) if weight is None else weight
    real, synthetic = weight * (labels == 0), weight * (labels == 1)
    if not (real.sum(axis=-1).all() and synthetic.sum(axis=-1).all()):
        raise ValueError("a curve needs pictures of both classes")
    return real, synthetic


def _reached(weight: Values, order: NDArray[np.intp], places: NDArray[np.intp]) -> Values:
    """Share of the weight that is at or above each score, 0 first."""
    rising = np.cumsum(weight[..., order], axis=-1)[..., places]
    start = np.zeros((*rising.shape[:-1], 1))
    return np.concatenate([start, rising / rising[..., -1:]], axis=-1)


def _taken(values: Values, place: NDArray[np.intp]) -> Values:
    return np.asarray(np.take_along_axis(values, place[..., None], axis=-1)[..., 0], np.float64)


def share(mask: Mask, weight: Values) -> Values:
    """Share of the weight on which `mask` holds; NaN where there is no weight."""
    total = weight.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((weight * mask).sum(axis=-1) / total, np.float64)


def balanced_accuracy(flagged: Mask, labels: Labels, weight: Values) -> Values:
    """Mean of the share of synthetic pictures flagged and of real ones not flagged; 0.5 = chance."""
    found = share(flagged, weight * (labels == 1))
    kept = share(~flagged, weight * (labels == 0))
    return (found + kept) / 2


def balanced(labels: Labels, weight: Values | None = None) -> Values:
    """Weights under which both classes count alike, whatever their sizes; their mean is 1."""
    found = np.ones(len(labels)) if weight is None else weight.astype(np.float64)
    classes = [labels == label for label in (0, 1) if (labels == label).any()]
    halves = [found * mask / (found * mask).sum(axis=-1, keepdims=True) for mask in classes]
    return np.asarray(sum(halves) * len(labels) / len(classes), np.float64)


BINS = 10


def reliability(probabilities: Values, labels: Labels, weight: Values) -> list[tuple[float, float, float]]:
    """For each of ten equal bins that holds something: mean probability, share synthetic, share of all weight."""
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    found = []
    for number in range(BINS):
        mask = bins == number
        if weight[mask].sum() > 0:
            said, true = (float(np.average(values[mask], weights=weight[mask])) for values in (probabilities, labels))
            found.append((said, true, float(weight[mask].sum() / weight.sum())))
    return found


def expected_calibration_error(probabilities: Values, labels: Labels, weight: Values) -> Values:
    """ECE over ten equal bins (Guo et al. 2017): mean distance of the given likelihood from the share that was synthetic."""
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    gaps = weight * (probabilities - labels)
    parts = [np.abs(gaps[..., bins == number].sum(axis=-1)) for number in range(BINS)]
    return np.asarray(sum(parts) / weight.sum(axis=-1), np.float64)


def sigmoid(logits: Values) -> Values:
    """Logistic function, without overflow for any input."""
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1 / (1 + small), small / (1 + small))
