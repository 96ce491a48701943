"""What experts ask of a detector, from scores with labels, sources counted by the square root of their size.

A score is any number that rises with suspicion; labels are 1 = synthetic or manipulated, 0 = real.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score, roc_curve

Values = NDArray[np.float64]


class Row(TypedDict):
    """One judged picture."""

    split: str
    label: int
    source: str
    kind: str
    file: str
    logit: float


def weights(rows: Sequence[Row]) -> Values:
    """Half the weight for each class, and within a class the square root of its size for each source; their mean is 1."""
    groups: dict[tuple[int, str], list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        groups[row["label"], row["source"]].append(index)
    found = np.zeros(len(rows))
    for members in groups.values():
        found[members] = 1 / np.sqrt(len(members))
    labels = np.array([row["label"] for row in rows])
    for label in set(labels):
        found[labels == label] /= found[labels == label].sum()
    return found * len(rows) / len(set(labels))


def ranking(rows: Sequence[Row], scores: Values) -> dict[str, float]:
    """AUC, equal error rate, and the share found at 1 % and at 5 % false alarms: none of them needs a calibration."""
    labels, weight = np.array([row["label"] for row in rows]), weights(rows)
    fpr, tpr, _ = roc_curve(labels, scores, sample_weight=weight)
    return {
        "auc": float(roc_auc_score(labels, scores, sample_weight=weight)),
        "eer": float(fpr[np.nanargmin(np.abs(fpr - (1 - tpr)))]),
        "tpr_at_fpr_1": float(tpr[np.searchsorted(fpr, 0.01, side="right") - 1]),
        "tpr_at_fpr_5": float(tpr[np.searchsorted(fpr, 0.05, side="right") - 1]),
    }


def at_points(rows: Sequence[Row], scores: Values, points: dict[str, float]) -> dict[str, float]:
    """What the shipped thresholds do to calibrated probabilities: false alarms, share found, and how many get an answer."""
    labels, weight = np.array([row["label"] for row in rows]), weights(rows)
    real, synthetic = labels == 0, labels == 1

    def share(mask: NDArray[np.bool_], threshold: float) -> float:
        return float(np.average(scores[mask] >= threshold, weights=weight[mask]))

    unsure = (scores >= points["clear"]) & (scores < points["some"])
    return {
        "fpr_some": share(real, points["some"]),
        "fpr_strong": share(real, points["strong"]),
        "recall_some": share(synthetic, points["some"]),
        "recall_strong": share(synthetic, points["strong"]),
        "balanced_accuracy": (share(synthetic, points["some"]) + 1 - share(real, points["some"])) / 2,
        "coverage": 1 - float(np.average(unsure, weights=weight)),
        "ece": expected_calibration_error(scores, labels, weight),
    }


def reliability(scores: Values, labels: NDArray[np.int64], weight: Values) -> list[tuple[float, float, float]]:
    """For each of ten equal bins that holds something: mean probability, share synthetic, share of all weight."""
    bins = np.minimum((scores * 10).astype(int), 9)
    found = []
    for number in range(10):
        mask = bins == number
        if mask.any():
            said, true = (float(np.average(values[mask], weights=weight[mask])) for values in (scores, labels))
            found.append((said, true, float(weight[mask].sum() / weight.sum())))
    return found


def expected_calibration_error(scores: Values, labels: NDArray[np.int64], weight: Values) -> float:
    """ECE over ten equal bins (Guo et al. 2017), classes weighted equally."""
    return sum(share * abs(said - true) for said, true, share in reliability(scores, labels, weight))


Figure = Callable[[Sequence[Row], Values], float]


def interval(rows: Sequence[Row], scores: Values, figure: Figure, rounds: int = 200) -> list[float]:
    """90 % bootstrap interval of a figure over pictures drawn again within each class."""
    chance = np.random.default_rng(0)
    labels = np.array([row["label"] for row in rows])
    classes = [np.flatnonzero(labels == label) for label in (0, 1)]
    found = []
    for _ in range(rounds):
        index = np.concatenate([chance.choice(members, len(members)) for members in classes])
        found.append(figure([rows[place] for place in index], scores[index]))
    return [float(np.quantile(found, 0.05)), float(np.quantile(found, 0.95))]
