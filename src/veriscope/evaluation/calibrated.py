"""Answers about labelled pictures → a calibration, with what it did on pictures that its fit had not seen.

Refused, with numbers: sets that are too small or one-sided, models that cannot be told from chance, and models whose
answers run the wrong way round. Pictures that belong together never stand on both sides of a fit, and share one vote.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from veriscope.detectors.card import FalsePositive
from veriscope.detectors.hub.calibration import RATES, FittedCalibration, Measured, supported_rate
from veriscope.domain import Status
from veriscope.errors import DataError
from veriscope.evaluation import fit, intervals, metrics
from veriscope.evaluation.intervals import Interval
from veriscope.evaluation.metrics import Labels, Mask, Values
from veriscope.evaluation.scoring import CLEAN, Scored

LEAST = 50
"""Judged pictures of each class, below which nothing is fitted."""

LEAST_GROUPS = 20
"""Independent ones among them: a hundred pictures of one person are one person."""

FOLDS = 5
_ROUNDS = 200

Numbers = NDArray[np.int64]


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """The pictures that a detector judged."""

    logits: Values  # (N,)
    labels: Labels  # (N,)
    groups: tuple[str, ...]  # pictures that belong together; empty = alone
    kinds: tuple[str, ...]  # of real pictures; empty = not said

    @property
    def unit(self) -> Numbers:
        """(N,) what counts as one: pictures of a class and a group."""
        return intervals.units(self.labels, self.groups)

    @property
    def votes(self) -> Values:
        """(N,) weight of each picture: a group has one vote, both classes count alike; their mean is 1."""
        unit = self.unit
        return metrics.balanced(self.labels, 1 / np.bincount(unit)[unit])

    def count(self, label: int) -> int:
        return int((self.labels == label).sum())

    def independent(self, label: int) -> int:
        """Groups of a class; a picture without a group is one."""
        return len(np.unique(self.unit[self.labels == label]))

    def of(self, mask: Mask) -> Sample:
        """Some of the pictures."""
        places = np.flatnonzero(mask)
        groups, kinds = (tuple(names[place] for place in places) for names in (self.groups, self.kinds))
        return Sample(self.logits[places], self.labels[places], groups, kinds)


def sample_of(scored: Sequence[Scored]) -> Sample:
    """What a detector judged of all unaltered files."""
    judged = [one for one in scored if one.variant == CLEAN and one.answer.status is Status.OK]
    return Sample(
        np.array([one.answer.logit for one in judged], np.float64),
        np.array([one.example.label for one in judged], np.int64),
        tuple(one.example.group for one in judged),
        tuple(one.example.kind for one in judged),
    )


def calibrated(sample: Sample, detector: str, version: str, today: date) -> FittedCalibration:
    """Platt scaling with thresholds, and what was measured five-fold.

    Raises:
        DataError: the set or the detector is not good enough; the message says which numbers are missing.
    """
    check_size(sample, detector)
    auc, (low, high) = area(sample)
    if low <= 0.5:
        raise DataError(_useless(detector, auc, low, high))
    a, b = _platt(sample)
    if a <= 0:
        raise DataError(_useless(detector, auc, 0.0, 0.5))
    return FittedCalibration(
        detector=detector,
        version=version,
        a=a,
        b=b,
        covariance=fit.covariance(_redrawn(sample)),
        fitted=today,
        n_real=sample.count(0),
        n_synthetic=sample.count(1),
        groups_real=sample.independent(0),
        groups_synthetic=sample.independent(1),
        curve=_supported(_curve(sample, a, b), sample.independent(0)),
        measured=_measured(sample, auc, low),
    )


def check_size(sample: Sample, detector: str) -> None:
    """Raises `DataError` unless enough pictures of both classes were judged."""
    for label, name in ((0, "real"), (1, "synthetic")):
        count, groups = sample.count(label), sample.independent(label)
        if count < LEAST:
            raise DataError(
                f"{detector} judged {sample.count(0)} real and {sample.count(1)} synthetic pictures; a calibration needs at "
                f"least {LEAST} of each. Add {LEAST - count} {name} ones that it can judge."
            )
        if groups < LEAST_GROUPS:
            raise DataError(
                f"The {count} {name} pictures are only {groups} independent groups; a calibration needs at least "
                f"{LEAST_GROUPS}. Add pictures of {LEAST_GROUPS - groups} other people, clips or places."
            )


def area(sample: Sample) -> tuple[float, Interval]:
    """Area under the curve, and its 90 % interval."""
    value = float(metrics.roc(sample.logits, sample.labels).auc())
    unit = sample.unit
    drawn = [metrics.roc(sample.logits, sample.labels, weight).auc() for weight in intervals.resampled(sample.labels, unit)]
    closed = intervals.area(value, sample.independent(0), sample.independent(1))
    return value, intervals.widened(intervals.percentiles(np.concatenate(drawn)), closed)


def parts_of_groups(labels: Labels, groups: Sequence[str], parts: int) -> Numbers:
    """(N,) the part, 0 to `parts` − 1, of each picture: groups whole, classes spread evenly, always the same."""
    names = {name: number for number, name in enumerate(dict.fromkeys(_alone(groups)))}
    group = np.array([names[name] for name in _alone(groups)], np.int64)
    share = np.bincount(group, labels, len(names)) / np.bincount(group, minlength=len(names))
    order = np.random.default_rng(0).permutation(len(names))
    part = np.empty(len(names), np.int64)
    dealt = 0
    for stratum in (share == 0, share == 1, (share > 0) & (share < 1)):
        members = order[stratum[order]]
        part[members] = (dealt + np.arange(len(members))) % parts
        dealt += len(members)
    return part[group]


def _alone(groups: Sequence[str]) -> list[str]:
    return [group or f"\0{place}" for place, group in enumerate(groups)]


def _platt(sample: Sample) -> tuple[float, float]:
    return fit.platt(sample.logits, sample.labels, sample.votes, smoothed=True)


def _redrawn(sample: Sample) -> list[tuple[float, float]]:
    """Fits on bootstrap samples of groups."""
    votes, start = sample.votes, _platt(sample)
    weights = np.concatenate(list(intervals.resampled(sample.labels, sample.unit, _ROUNDS)))
    return [fit.platt(sample.logits, sample.labels, weight * votes, smoothed=True, start=start) for weight in weights]


def _curve(sample: Sample, a: float, b: float) -> list[tuple[float, float]]:
    real = sample.labels == 0
    kinds = [sample.kinds[place] for place in np.flatnonzero(real)]
    return fit.curve(fit.parts_of(metrics.sigmoid(a * sample.logits[real] + b), kinds, sample.votes[real]))


def _supported(curve: Sequence[tuple[float, float]], groups: int) -> tuple[FalsePositive, ...]:
    least = supported_rate(groups)
    return tuple(FalsePositive(rate=rate, probability=value) for rate, value in curve if rate >= least - 1e-9)


def _measured(sample: Sample, auc: float, low: float) -> Measured:
    """Five fits on four fifths, each asked about the fifth that it has not seen."""
    part = parts_of_groups(sample.labels, sample.groups, FOLDS)
    probabilities = np.empty(len(part))
    flagged = {name: np.zeros(len(part), bool) for name in RATES}
    for number in range(FOLDS):
        inside, outside = sample.of(part != number), part == number
        a, b = _platt(inside)
        probabilities[outside] = metrics.sigmoid(a * sample.logits[outside] + b)
        curve = _curve(inside, a, b)
        for name, rate in RATES.items():
            flagged[name][outside] = probabilities[outside] >= next(value for known, value in curve if known <= rate)
    votes, groups = sample.votes, sample.independent(0)
    held = {name: groups * rate >= 3 - 1e-9 for name, rate in RATES.items()}

    def share(name: str, label: int) -> float | None:
        return float(metrics.share(flagged[name], votes * (sample.labels == label))) if held[name] else None

    return Measured(
        auc=auc,
        auc_low=low,
        ece=float(metrics.expected_calibration_error(probabilities, sample.labels, votes)),
        fpr_some=share("some", 0),
        fpr_strong=share("strong", 0),
        recall_some=share("some", 1),
    )


def _useless(detector: str, auc: float, low: float, high: float) -> str:
    told = f"{detector} has an AUC of {auc:.2f} (90 % interval {low:.2f}–{high:.2f}) on these pictures"
    if high < 0.5:
        return (
            f"{told}: its answers run the wrong way round. Check which of your folders is which, and the model's labels; "
            "it is not calibrated."
        )
    return f"{told}, which cannot be told from chance. Use another model, or more pictures; it is not calibrated."
