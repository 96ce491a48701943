"""Members' answers → an ensemble, if it is proved to be better than its best member.

A part of the pictures, groups whole, is put aside. On the rest each member is calibrated, and a logistic regression with
weights that are not negative finds how much each one counts. On the part put aside, ensemble and best member are compared on
the same pictures. Only an ensemble whose advantage is more than chance is kept: published ensembles that average end up below
their best member. Its thresholds come from the part put aside, which no fit has seen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import date

import numpy as np

from veriscope.detectors import ENSEMBLE
from veriscope.detectors.hub.calibration import FittedCalibration
from veriscope.detectors.hub.ensemble import Ensemble, Member, Proof, ensemble_version
from veriscope.domain import Status
from veriscope.errors import DataError
from veriscope.evaluation import fit, intervals, metrics
from veriscope.evaluation.calibrated import LEAST, Sample, calibrated, parts_of_groups
from veriscope.evaluation.metrics import Labels, Mask, Values
from veriscope.evaluation.scoring import CLEAN, Scored

_PARTS = 10
_ASIDE = (3, 4, 5)  # tenths that may be put aside, as few as hold `LEAST` pictures of each class
_LEAST_OF_A_MEMBER = 20  # of each class in the fit: fewer say nothing about a member
_RIDGE = 1.0  # of a picture's worth: keeps two members that say the same from sharing the weight at will
_NOTHING = 0.01  # of the largest weight: less does not pay for running a model


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """A detector with its answers about all files, in the files' order."""

    reference: str
    detector: str
    version: str
    scored: Sequence[Scored]


@dataclasses.dataclass(frozen=True, slots=True)
class Joint:
    """All candidates' logits on the pictures that at least one of them judged."""

    logits: Values  # (N, members), NaN where one could not judge
    labels: Labels
    groups: tuple[str, ...]
    kinds: tuple[str, ...]

    def of(self, mask: Mask) -> Joint:
        places = np.flatnonzero(mask)
        groups, kinds = (tuple(names[place] for place in places) for names in (self.groups, self.kinds))
        return Joint(self.logits[places], self.labels[places], groups, kinds)

    def sample(self, logits: Values) -> Sample:
        """One row of logits as the sample of a detector; NaN = not judged."""
        whole = Sample(logits, self.labels, self.groups, self.kinds)
        return whole.of(~np.isnan(logits))


def joint_of(candidates: Sequence[Candidate]) -> Joint:
    """The answers side by side."""
    clean = [[one for one in candidate.scored if one.variant == CLEAN] for candidate in candidates]
    logits = np.array([[_logit(one) for one in column] for column in clean], np.float64).T
    examples = [one.example for one in clean[0]]
    whole = Joint(
        logits,
        np.array([example.label for example in examples], np.int64),
        tuple(example.group for example in examples),
        tuple(example.kind for example in examples),
    )
    return whole.of(np.asarray(~np.isnan(logits).all(axis=1), bool))


def _logit(scored: Scored) -> float:
    answer = scored.answer
    return answer.logit if answer.status is Status.OK and answer.logit is not None else float("nan")


def fitted_ensemble(name: str, candidates: Sequence[Candidate], joint: Joint, today: date) -> Ensemble:
    """The proved ensemble, or its best member alone.

    Raises:
        DataError: fewer than two candidates, or too few pictures; the message says which numbers are missing.
    """
    if len(candidates) < 2:
        raise DataError("An ensemble needs at least two detectors. Give --detector more than once.")
    aside = put_aside(joint)
    inside, outside = joint.of(~aside), joint.of(aside)
    found = [_platt(inside.sample(inside.logits[:, place])) for place in range(len(candidates))]
    weights, offset = _weights(_calibrated_logits(inside, found), inside)
    members = tuple(
        Member(reference=one.reference, detector=one.detector, version=one.version, a=a, b=b, weight=float(weight))
        for one, (a, b), weight in zip(candidates, found, weights, strict=True)
        if a > 0 and weight > _NOTHING * weights.max()
    )
    keeping = np.array([one.detector in {member.detector for member in members} for one in candidates])
    apart = _calibrated_logits(outside, found)
    whole = offset + apart @ np.where(keeping, weights, 0.0)
    proof = _proof(whole, apart, [one.detector for one in candidates], outside, float(aside.mean()))
    if proof.low <= 0 or len(members) < 2:
        return _best_alone(name, candidates, joint, proof, today)
    calibration = calibrated(outside.sample(whole), ENSEMBLE + name, ensemble_version(members, offset), today)
    return Ensemble(
        name=name, created=today, kept="ensemble", offset=offset, members=members, calibration=calibration, proof=proof
    )


def put_aside(joint: Joint) -> Mask:
    """Which pictures prove: three to five tenths, groups whole, with at least `LEAST` of each class on either side."""
    part = parts_of_groups(joint.labels, joint.groups, _PARTS)
    for tenths in _ASIDE:
        aside = np.isin(part, range(tenths))
        counts = [int((joint.labels[side] == label).sum()) for side in (aside, ~aside) for label in (0, 1)]
        if min(counts) >= LEAST:
            return np.asarray(aside, bool)
    real, synthetic = (int((joint.labels == label).sum()) for label in (0, 1))
    raise DataError(
        f"An ensemble needs about {2 * LEAST} real and {2 * LEAST} synthetic pictures, half of them to prove that it is better "
        f"than its best member; there are {real} and {synthetic}, or groups so large that they cannot be divided. Add pictures."
    )


def _platt(sample: Sample) -> tuple[float, float]:
    """A member's slope and offset; a slope of zero when it is of no use here."""
    if min(sample.count(0), sample.count(1)) < _LEAST_OF_A_MEMBER:
        return 0.0, 0.0
    a, b = fit.platt(sample.logits, sample.labels, sample.votes, smoothed=True)
    return (a, b) if a > 0 else (0.0, 0.0)


def _calibrated_logits(joint: Joint, found: Sequence[tuple[float, float]]) -> Values:
    """(N, members) calibrated logits; zero, "as likely as not", where a member could not judge."""
    slopes, offsets = np.array(found).T
    return np.asarray(np.nan_to_num(joint.logits * slopes + offsets, nan=0.0), np.float64)


def _weights(logits: Values, joint: Joint) -> tuple[Values, float]:
    """How much each member counts, none below zero, and the offset."""
    votes = Sample(logits[:, 0], joint.labels, joint.groups, joint.kinds).votes
    ridge = np.array([_RIDGE] * logits.shape[1] + [0.0])
    found = fit.logistic(logits, joint.labels.astype(np.float64), votes, ridge, lowest=0.0)
    return found[:-1], float(found[-1])


def _proof(whole: Values, apart: Values, names: Sequence[str], joint: Joint, share: float) -> Proof:
    """Ensemble against the member that is best on these very pictures, which favours the member."""
    sample = Sample(whole, joint.labels, joint.groups, joint.kinds)
    areas = [float(metrics.roc(column, joint.labels).auc()) for column in apart.T]
    best = int(np.argmax(areas))
    drawn = [
        metrics.roc(whole, joint.labels, weight).auc() - metrics.roc(apart[:, best], joint.labels, weight).auc()
        for weight in intervals.resampled(joint.labels, sample.unit)
    ]
    low, high = intervals.percentiles(np.concatenate(drawn))
    return Proof(
        real=sample.count(0),
        synthetic=sample.count(1),
        share=share,
        auc=float(metrics.roc(whole, joint.labels).auc()),
        best=names[best],
        best_auc=areas[best],
        low=low,
        high=high,
    )


def _best_alone(name: str, candidates: Sequence[Candidate], joint: Joint, proof: Proof, today: date) -> Ensemble:
    """The member that was best on the pictures put aside, calibrated on all."""
    place = next(number for number, one in enumerate(candidates) if one.detector == proof.best)
    chosen = candidates[place]
    member = Member(reference=chosen.reference, detector=chosen.detector, version=chosen.version, a=1.0, b=0.0, weight=1.0)
    calibration: FittedCalibration = calibrated(
        joint.sample(joint.logits[:, place]), ENSEMBLE + name, ensemble_version((member,), 0.0), today
    )
    return Ensemble(
        name=name, created=today, kept="member", offset=0.0, members=(member,), calibration=calibration, proof=proof
    )
