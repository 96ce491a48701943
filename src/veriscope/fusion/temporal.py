"""Answers about single frames → one answer about a clip, with an interval that does not take frames for independent.

Pooling: the mean of the logits without their highest and lowest fifth. One odd frame (a blur, a title, a hand before the face)
moves a maximum and a plain mean; it does not move this. Its standard error is that of Tukey & McLaughlin 1963:
the spread of the winsorised values over (1 − 2 × trimmed share) × √n.

Neighbouring frames say nearly the same. So n is replaced by the effective sample size of an AR(1) sequence,
n_eff = n (1 − ρ) / (1 + ρ) (Bayley & Hammersley 1946), where ρ is the correlation of successive values, corrected for the
bias of short series: ρ = r + (1 + 4 r) / n (Marriott & Pope 1954; Kendall 1954), and never below zero.

What this does not cover: that a whole clip is unlike those the model was trained on. The card's error rates do.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TRIMMED = 0.2  # share left out at each end
_MAX_CORRELATION = 0.98


@dataclasses.dataclass(frozen=True, slots=True)
class Pooled:
    """The pooled logit, its standard error, and how many independent frames the frames are worth."""

    logit: float
    error: float
    frames: int
    effective: float


def pooled(logits: Sequence[float]) -> Pooled:
    """Pools the logits of frames in order of time. One frame has no error of its own; zero frames are a `ValueError`."""
    if not logits:
        raise ValueError("nothing to pool")
    values = np.asarray(logits, np.float64)
    count = len(values)
    cut = int(TRIMMED * count)
    ordered = np.sort(values)
    middle = float(ordered[cut : count - cut].mean())
    if count < 2:
        return Pooled(middle, 0.0, count, float(count))
    low, high = ordered[cut], ordered[count - 1 - cut]
    spread = float(np.clip(values, low, high).std(ddof=1))
    effective = effective_size(values)
    return Pooled(middle, spread / ((1 - 2 * cut / count) * math.sqrt(effective)), count, effective)


def effective_size(values: NDArray[np.float64]) -> float:
    """How many independent values would be worth as much, 1 to n."""
    count = len(values)
    centred = values - values.mean()
    power = float((centred**2).sum())
    if count < 3 or power <= 0:
        return float(count)
    r = float((centred[:-1] * centred[1:]).sum()) / power
    rho = min(max(r + (1 + 4 * r) / count, 0.0), _MAX_CORRELATION)
    return max(1.0, count * (1 - rho) / (1 + rho))


def spread_out(logits: Sequence[float], most: int) -> list[int]:
    """Places of up to `most` frames at equal ranks of their logits, the trimmed ends left out, in order of time.

    They stand for the whole: the highest alone would fall on any altered copy, by regression to the mean.
    """
    order = np.argsort(np.asarray(logits), kind="stable")
    cut = int(TRIMMED * len(order))
    inner = order[cut : len(order) - cut]
    ranks = np.unique(np.linspace(0, len(inner) - 1, min(most, len(inner))).round().astype(int))
    return sorted(int(place) for place in inner[ranks])


def highest(logits: Sequence[float], most: int) -> list[int]:
    """Places of the `most` highest logits, highest first."""
    return [int(place) for place in np.argsort(-np.asarray(logits), kind="stable")[:most]]


def jitter(logits: Sequence[float]) -> float | None:
    """Median step between successive logits; None for fewer than eight frames."""
    return float(np.median(np.abs(np.diff(np.asarray(logits))))) if len(logits) >= 8 else None
