"""Scores with labels → calibration: Platt scaling with its uncertainty, and thresholds for false-positive rates.

`veriscope calibrate` fits models to somebody's own pictures with it, and research/calibrate fits the embedded ones.
NumPy alone: the base installation has it, and two numbers need no library of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from veriscope.evaluation.metrics import Labels, Values, sigmoid

RATES = (0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002, 0.001)
WORST_KIND = 3.0  # times the overall rate
LEAST_OF_A_KIND = 60  # pictures: fewer cannot show a rate of a few per cent

_RIDGE = 1e-4  # keeps the slope finite when the classes do not overlap
_HIGHEST = 0.9999  # of a threshold

Part = tuple[float, Values, Values]
"""Real pictures that must keep a rate: how many times the rate, their scores, their weights."""


def platt(
    logits: Values,
    labels: Labels,
    weight: Values | None = None,
    smoothed: bool = False,
    start: tuple[float, float] = (0.0, 0.0),
) -> tuple[float, float]:
    """Slope and offset of P(synthetic) = sigmoid(a × logit + b) (Platt 1999).

    Args:
        logits: (N,).
        labels: (N,), 0 or 1.
        weight: (N,), how much each picture counts; None = both classes count alike.
        smoothed: aim at Platt's (n + 1) / (n + 2) instead of 1, and 1 / (n + 2) instead of 0: few pictures without an error
            do not make certain.
        start: numbers close to the answer, from which it is found sooner.
    """
    real, synthetic = int((labels == 0).sum()), int((labels == 1).sum())
    if weight is None:
        weight = np.where(labels == 1, 1 / max(synthetic, 1), 1 / max(real, 1)) * len(labels) / 2
    targets = labels.astype(np.float64)
    if smoothed:
        targets = np.where(labels == 1, (synthetic + 1) / (synthetic + 2), 1 / (real + 2))
    a, b = logistic(logits[:, None], targets, weight, np.array([_RIDGE, 0.0]), start=np.array(start))
    return float(a), float(b)


def logistic(
    features: Values,
    targets: Values,
    weight: Values,
    ridge: Values,
    lowest: float = -np.inf,
    start: Values | None = None,
) -> Values:
    """Coefficients of a logistic regression, the offset last: Newton's method on a convex function, projected to the bound.

    Minimises Σ weight × cross-entropy + ½ Σ ridge × coefficient².

    Args:
        features: (N, K).
        targets: (N,), 0–1.
        weight: (N,), not negative.
        ridge: (K + 1,), not negative.
        lowest: no coefficient but the offset goes below it.
        start: (K + 1,), coefficients to begin with.
    """
    design = np.column_stack([features, np.ones(len(features))])
    bound = np.array([lowest] * features.shape[1] + [-np.inf])
    found: Values = np.maximum(np.zeros(design.shape[1]) if start is None else start, bound)
    now = _loss(design, targets, weight, ridge, found)
    for _ in range(200):
        value = sigmoid(design @ found)
        slope = design.T @ (weight * (value - targets)) + ridge * found
        free = (found > bound) | (slope < 0)
        if np.abs(slope[free]).max(initial=0.0) < 1e-8 * weight.sum():
            break
        bend = (design * (weight * value * (1 - value))[:, None]).T @ design + np.diag(ridge + 1e-12)
        step = np.zeros_like(found)
        step[free] = np.linalg.solve(bend[np.ix_(free, free)], slope[free])
        for halvings in range(40):
            reached = np.maximum(found - step / 2**halvings, bound)
            if (loss := _loss(design, targets, weight, ridge, reached)) <= now:
                found, now = reached, loss
                break
        else:
            break
    return found


def _loss(design: Values, targets: Values, weight: Values, ridge: Values, point: Values) -> float:
    value = design @ point
    return float((weight * (np.logaddexp(0.0, value) - targets * value)).sum() + 0.5 * (ridge * point**2).sum())


def covariance(samples: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Var(a), cov(a, b), var(b) of fits on bootstrap samples."""
    found = np.cov(np.array(samples).T)
    return float(found[0, 0]), float(found[0, 1]), float(found[1, 1])


def curve(parts: Sequence[Part], rates: Sequence[float] = RATES) -> list[tuple[float, float]]:
    """False-positive rate → probability that at most this share of real pictures reaches, in every part."""
    found, last = [], 0.0
    for rate in rates:
        last = max(last, *(_reached_by(allowed * rate, values, weight) for allowed, values, weight in parts))
        found.append((rate, min(last, _HIGHEST)))
    return found


def parts_of(scores: Values, kinds: Sequence[str], weight: Values) -> list[Part]:
    """All real pictures, and each kind with enough of them, which may be flagged at `WORST_KIND` times the rate at most.

    A threshold that is right on average may be wrong for all film scans.
    """
    names = np.array(kinds)
    sizes = {kind: int((names == kind).sum()) for kind in sorted(set(kinds))}
    common = [kind for kind, size in sizes.items() if size >= LEAST_OF_A_KIND]
    return [(1.0, scores, weight), *((WORST_KIND, scores[names == kind], np.ones(sizes[kind])) for kind in common)]


def _reached_by(rate: float, values: Values, weight: Values) -> float:
    """Just above the score of the picture that would break the rate."""
    order: NDArray[np.intp] = np.argsort(-values)
    reached = np.cumsum(weight[order]) / weight.sum()
    index = int(np.searchsorted(reached, rate, side="right"))
    return float(values[order[min(index, len(order) - 1)]]) + 1e-4
