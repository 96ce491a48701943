"""How far a figure may be off: bootstrap over pictures or groups, never narrower than what so few pictures can say.

Drawing again from ten pictures without an error never draws an error, so a bootstrap alone would call ten right answers
certain. Each interval is therefore widened to the closed form for its kind of figure: Wilson (1927) for shares,
Newcombe (2006, method 5) for the area under the curve.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from veriscope.evaluation.metrics import Labels, Values

ROUNDS = 500
LEVEL = 0.90  # as everywhere else in a report

_Z = 1.6448536269514722  # of a 90 % interval
_CELLS = 2_000_000  # weights in memory at a time

Interval = tuple[float, float]


def units(labels: Labels, groups: Sequence[str]) -> NDArray[np.int64]:
    """What is drawn as one: pictures of a class and a group (the same person, the same clip); without a group each alone."""
    names = [(label, group or f"\0{place}") for place, (label, group) in enumerate(zip(labels.tolist(), groups, strict=True))]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], np.int64)


def resampled(labels: Labels, unit: NDArray[np.int64], rounds: int = ROUNDS) -> Iterator[Values]:
    """Weights (some rounds, N) of bootstrap samples, drawn within each class; always the same for the same pictures."""
    chance = np.random.default_rng(0)
    classes = [np.unique(unit[labels == label]) for label in (0, 1)]
    step = max(1, _CELLS // max(1, len(labels)))
    for start in range(0, rounds, step):
        count = min(step, rounds - start)
        times = np.zeros((count, int(unit.max()) + 1))
        for members in classes:
            if len(members):
                times[:, members] = chance.multinomial(len(members), np.full(len(members), 1 / len(members)), count)
        yield times[:, unit]


def percentiles(values: Values, level: float = LEVEL) -> Interval:
    """The middle `level` of bootstrap values; samples without the figure (NaN) are left out."""
    kept = values[~np.isnan(values)]
    if not len(kept):
        return (0.0, 1.0)
    low, high = np.quantile(kept, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)


def widened(interval: Interval, *others: Interval) -> Interval:
    """The smallest interval around all."""
    return min(interval[0], *(low for low, _ in others)), max(interval[1], *(high for _, high in others))


def wilson(share: float, count: float) -> Interval:
    """90 % interval of a share seen in `count` independent pictures (Wilson 1927)."""
    if count <= 0:
        return (0.0, 1.0)
    middle = (share + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    half = _Z / (1 + _Z**2 / count) * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def mean_of_shares(first: float, first_count: float, second: float, second_count: float) -> Interval:
    """90 % interval of the mean of two independent shares, from their Wilson intervals (MOVER, Newcombe 1998)."""
    middle = (first + second) / 2
    ends = [wilson(first, first_count), wilson(second, second_count)]
    below = math.hypot(first - ends[0][0], second - ends[1][0]) / 2
    above = math.hypot(ends[0][1] - first, ends[1][1] - second) / 2
    return max(0.0, middle - below), min(1.0, middle + above)


def area(auc: float, real: float, synthetic: float) -> Interval:
    """90 % interval of an area under the curve (Newcombe 2006, method 5).

    The ends are the areas θ at which |θ − auc| = z × √variance(θ), with Hanley & McNeil's variance (1982) for the mean
    number of pictures in a class; unlike theirs, it keeps its width where no error was seen.
    """
    if min(real, synthetic) < 1:
        return (0.0, 1.0)
    return _end(auc, 0.0, real, synthetic), _end(auc, 1.0, real, synthetic)


def _end(auc: float, limit: float, real: float, synthetic: float) -> float:
    inside, outside = auc, limit
    for _ in range(50):  # halving: the condition holds at the estimate and fails at the limit
        middle = (inside + outside) / 2
        if abs(middle - auc) <= _Z * math.sqrt(_variance(middle, real, synthetic)):
            inside = middle
        else:
            outside = middle
    return (inside + outside) / 2


def _variance(area: float, real: float, synthetic: float) -> float:
    more = (real + synthetic) / 2 - 1
    pairs = 1 + more * ((1 - area) / (2 - area) + area / (1 + area))
    return area * (1 - area) * pairs / (real * synthetic)
