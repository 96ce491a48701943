"""The figures of `veriscope.evaluation.metrics` for rows of many sources, which count by the square root of their size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypedDict

import numpy as np

from veriscope.evaluation.metrics import Values, balanced_accuracy, expected_calibration_error, reliability, roc, share

__all__ = ["Figure", "Row", "Values", "at_points", "interval", "ranking", "reliability", "weights"]


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
    curve = roc(scores, np.array([row["label"] for row in rows]), weights(rows))
    return {
        "auc": float(curve.auc()),
        "eer": float(curve.eer()),
        "tpr_at_fpr_1": float(curve.tpr_at(0.01)),
        "tpr_at_fpr_5": float(curve.tpr_at(0.05)),
    }


def at_points(rows: Sequence[Row], scores: Values, points: dict[str, float]) -> dict[str, float]:
    """What the shipped thresholds do to calibrated probabilities: false alarms, share found, and how many get an answer."""
    labels, weight = np.array([row["label"] for row in rows]), weights(rows)

    def part(label: int, threshold: float) -> float:
        return float(share(scores >= threshold, weight * (labels == label)))

    unsure = (scores >= points["clear"]) & (scores < points["some"])
    return {
        "fpr_some": part(0, points["some"]),
        "fpr_strong": part(0, points["strong"]),
        "recall_some": part(1, points["some"]),
        "recall_strong": part(1, points["strong"]),
        "balanced_accuracy": float(balanced_accuracy(scores >= points["some"], labels, weight)),
        "coverage": 1 - float(share(unsure, weight)),
        "ece": float(expected_calibration_error(scores, labels, weight)),
    }


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
