"""What the answers of one detector are worth: figures with intervals, by generator, by kind of real picture, by altered copy.

A figure that so few pictures cannot support is None, and never a number. A picture that a detector refused or failed on is
missing from every figure and counted in its coverage: it is never a score of one half.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from veriscope.domain import SHOWN_MAX, SHOWN_MIN, Status
from veriscope.evaluation import intervals, metrics
from veriscope.evaluation.asking import Judge
from veriscope.evaluation.intervals import Interval
from veriscope.evaluation.metrics import Labels, Mask, Values
from veriscope.evaluation.scoring import CLEAN, Scored

LEAST_REAL = {"tpr_at_fpr_1": 100, "tpr_at_fpr_5": 20}
"""Independent real pictures below which a rate of 1 % or 5 % falls between none and one picture."""

LEAST_OF_EACH = 20  # independent pictures of a class for a calibration error: its bins are empty otherwise

FEW = 100  # of a class: below it, figures are shown with a warning

_WORST = 10
_CURVE_POINTS = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """A number with its 90 % interval."""

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """All figures of one set of answers. None = not enough pictures for it."""

    real: int  # judged
    synthetic: int
    auc: Figure | None = None
    eer: Figure | None = None
    tpr_at_fpr_1: Figure | None = None
    tpr_at_fpr_5: Figure | None = None
    balanced_accuracy: Figure | None = None
    false_alarms: Figure | None = None  # share of real pictures flagged at the threshold
    found: Figure | None = None  # share of synthetic pictures flagged at the threshold
    ece: Figure | None = None

    @property
    def few(self) -> bool:
        return min(self.real, self.synthetic) < FEW


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """One generator's pictures, or one kind of real ones."""

    name: str  # empty = not said
    label: int
    count: int
    judged: int
    flagged: Figure | None
    auc: Figure | None = None  # of a generator: against all real pictures


@dataclasses.dataclass(frozen=True, slots=True)
class Coverage:
    """How many files got an answer, and why the others got none."""

    real: int
    synthetic: int
    real_judged: int
    synthetic_judged: int
    refused: dict[str, int]  # code of the reason → files that the detector must not judge
    failed: dict[str, int]  # code of the reason → files that could not be read or on which it broke

    @property
    def share(self) -> float:
        return (self.real_judged + self.synthetic_judged) / (self.real + self.synthetic)


@dataclasses.dataclass(frozen=True, slots=True)
class Altered:
    """The figures on one kind of altered copy, of pictures that were judged unaltered too."""

    variant: str
    count: int
    judged: int
    auc: Figure | None
    false_alarms: Figure | None
    found: Figure | None


@dataclasses.dataclass(frozen=True, slots=True)
class Error:
    """A picture on the wrong side."""

    name: str
    sha256: str
    group: str  # generator or kind
    probability: float  # 0.01–0.99, as shown to people


class Answers:
    """The answers of one detector to the unaltered files, as arrays over those that it judged."""

    def __init__(self, judge: Judge, scored: Sequence[Scored]) -> None:
        self.all = [one for one in scored if one.variant == CLEAN]
        self.judged = [one for one in self.all if one.answer.status is Status.OK]
        answers = [one.answer for one in self.judged]
        self.labels: Labels = np.array([one.example.label for one in self.judged], np.int64)
        self.logits: Values = np.array([answer.logit for answer in answers], np.float64)
        self.probabilities: Values = np.array([judge.probability(answer) for answer in answers], np.float64)
        self.flagged: Mask = np.array([judge.flags(answer) for answer in answers], bool)
        self.unit = intervals.units(self.labels, [one.example.group for one in self.judged])

    def where(self, keep: Callable[[Scored], bool]) -> Mask:
        """Which of the judged files `keep` holds for."""
        return np.array([keep(one) for one in self.judged], bool)

    def independent(self, mask: Mask) -> int:
        """How many groups the files are: pictures of one person or clip count once."""
        return len(np.unique(self.unit[mask]))


def figures(answers: Answers, rounds: int = intervals.ROUNDS) -> Figures:
    """The figures over everything that a detector judged."""
    real, synthetic = answers.labels == 0, answers.labels == 1
    found = Figures(
        int(real.sum()),
        int(synthetic.sum()),
        false_alarms=_share(answers, real),
        found=_share(answers, synthetic),
    )
    if not found.real or not found.synthetic:
        return found
    return dataclasses.replace(found, **_of_both_classes(answers, rounds))


def _of_both_classes(answers: Answers, rounds: int) -> dict[str, Any]:
    real, synthetic = (answers.independent(answers.labels == label) for label in (0, 1))
    once = _calculated(answers, np.ones(len(answers.labels)))
    drawn = [_calculated(answers, weight) for weight in intervals.resampled(answers.labels, answers.unit, rounds)]
    values = {name: float(value) for name, value in once.items()}
    alarms, hits = (float(answers.flagged[answers.labels == label].mean()) for label in (0, 1))
    closed: dict[str, tuple[Interval, ...]] = {
        "auc": (intervals.area(values["auc"], real, synthetic),),
        "eer": (intervals.wilson(values["eer"], min(real, synthetic)),),
        "tpr_at_fpr_1": (intervals.wilson(values["tpr_at_fpr_1"], synthetic),),
        "tpr_at_fpr_5": (intervals.wilson(values["tpr_at_fpr_5"], synthetic),),
        "balanced_accuracy": (intervals.mean_of_shares(hits, synthetic, 1 - alarms, real),),
        "ece": (),
    }
    found: dict[str, Figure | None] = {}
    for name, value in values.items():
        low, high = intervals.percentiles(np.concatenate([sample[name] for sample in drawn]))
        interval = intervals.widened((low, high), (value, value), *closed[name])
        enough = min(real, synthetic) >= LEAST_OF_EACH if name == "ece" else real >= LEAST_REAL.get(name, 1)
        found[name] = Figure(value, *interval) if enough else None
    return found


def _calculated(answers: Answers, weight: Values) -> dict[str, Values]:
    curve = metrics.roc(answers.logits, answers.labels, weight)
    halves = metrics.balanced(answers.labels, weight)
    return {
        "auc": curve.auc(),
        "eer": curve.eer(),
        "tpr_at_fpr_1": curve.tpr_at(0.01),
        "tpr_at_fpr_5": curve.tpr_at(0.05),
        "balanced_accuracy": metrics.balanced_accuracy(answers.flagged, answers.labels, weight),
        "ece": metrics.expected_calibration_error(answers.probabilities, answers.labels, halves),
    }


def _share(answers: Answers, mask: Mask) -> Figure | None:
    """Share flagged among some files, with its Wilson interval."""
    if not mask.any():
        return None
    value = float(answers.flagged[mask].mean())
    return Figure(value, *intervals.widened(intervals.wilson(value, answers.independent(mask)), (value, value)))


def _area(answers: Answers, mask: Mask) -> Figure | None:
    """AUC over some files, with its closed interval."""
    labels = answers.labels[mask]
    if not 0 < labels.sum() < len(labels):
        return None
    value = float(metrics.roc(answers.logits[mask], labels).auc())
    counts = [answers.independent(mask & (answers.labels == label)) for label in (0, 1)]
    return Figure(value, *intervals.widened(intervals.area(value, *counts), (value, value)))


def groups(answers: Answers, label: int) -> tuple[Group, ...]:
    """Synthetic pictures by generator (label 1), or real ones by kind (label 0), the largest group first."""
    count = Counter(group_of(one) for one in answers.all if one.example.label == label)
    found = []
    for name, number in sorted(count.items(), key=lambda item: (-item[1], item[0])):
        mask = answers.where(lambda one, name=name: one.example.label == label and group_of(one) == name)  # type: ignore[misc]
        auc = _area(answers, mask | (answers.labels == 0)) if label else None
        found.append(Group(name, label, number, int(mask.sum()), _share(answers, mask), auc))
    return tuple(found)


def group_of(scored: Scored) -> str:
    """What made a synthetic picture, or what sort of picture a real one is."""
    return scored.example.generator if scored.example.label else scored.example.kind


def coverage(answers: Answers) -> Coverage:
    """Who got an answer, and why the others got none."""
    silent = [one for one in answers.all if one.answer.status is not Status.OK]
    refused = Counter(one.answer.reason for one in silent if one.answer.status is Status.SKIPPED)
    failed = Counter(one.answer.reason for one in silent if one.answer.status is not Status.SKIPPED)
    synthetic = sum(one.example.label for one in answers.all)
    hits = int(answers.labels.sum())
    return Coverage(
        len(answers.all) - synthetic,
        synthetic,
        len(answers.judged) - hits,
        hits,
        dict(refused.most_common()),
        dict(failed.most_common()),
    )


def altered(judge: Judge, scored: Sequence[Scored], variants: Sequence[str]) -> tuple[Altered, ...]:
    """Figures for each altered copy, and first of all for the files themselves."""
    judged = {one.example.sha256 for one in scored if one.variant == CLEAN and one.answer.status is Status.OK}
    asked = {one.example.sha256 for one in scored if one.variant != CLEAN and one.answer.reason != "clip"}
    found = []
    for variant in (CLEAN, *variants) if variants else ():
        part = [one for one in scored if one.variant == variant and one.example.sha256 in judged & asked]
        answers = Answers(judge, [dataclasses.replace(one, variant=CLEAN) for one in part])
        shares = [_share(answers, answers.labels == label) for label in (0, 1)]
        area = _area(answers, np.ones(len(answers.labels), bool))
        found.append(Altered(variant, len(part), len(answers.judged), area, *shares))
    return tuple(found)


def worst(answers: Answers, label: int) -> tuple[Error, ...]:
    """Real pictures that look most suspicious (label 0), or synthetic ones that look least so (label 1)."""
    order = np.argsort(answers.logits if label else -answers.logits, kind="stable")
    places = [int(place) for place in order if answers.labels[place] == label][:_WORST]
    return tuple(
        Error(
            answers.judged[place].example.name,
            answers.judged[place].example.sha256,
            group_of(answers.judged[place]),
            min(max(float(answers.probabilities[place]), SHOWN_MIN), SHOWN_MAX),
        )
        for place in places
    )


def curve_points(answers: Answers) -> tuple[tuple[float, float], ...]:
    """The ROC curve as at most a few hundred points (false-positive rate, share found); empty without both classes."""
    if len(set(answers.labels.tolist())) < 2:
        return ()
    curve = metrics.roc(answers.logits, answers.labels)
    if len(curve.fpr) <= _CURVE_POINTS:
        kept = np.arange(len(curve.fpr))
    else:
        # Half of them below 10 % false alarms, where thresholds are set.
        rates = np.unique(np.concatenate([np.linspace(0, 0.1, _CURVE_POINTS // 2), np.linspace(0.1, 1, _CURVE_POINTS // 2)]))
        kept = np.unique(np.append(np.searchsorted(curve.fpr, rates, side="right") - 1, len(curve.fpr) - 1))
    return tuple((round(float(curve.fpr[place]), 5), round(float(curve.tpr[place]), 5)) for place in kept)


def reliability(answers: Answers) -> tuple[tuple[float, float, float], ...]:
    """Mean likelihood given, share that was synthetic, share of all files, by tenths; classes counted alike."""
    if len(set(answers.labels.tolist())) < 2:
        return ()
    return tuple(metrics.reliability(answers.probabilities, answers.labels, metrics.balanced(answers.labels)))
