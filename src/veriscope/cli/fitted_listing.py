"""Calibrations and ensembles in figures, for `veriscope calibrate` and `veriscope detectors`. Loads no numbers library."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from veriscope.detectors.hub.calibration import NEVER, RATES, FittedCalibration, needed, supported_rate
from veriscope.detectors.hub.ensemble import Ensemble

if TYPE_CHECKING:
    from veriscope.evaluation.calibrating import Fitted, Outcome


def lines_of(outcome: Outcome) -> Iterator[str]:
    """What came of it, for people."""
    yield from itertools.chain.from_iterable(map(_fitted_lines, outcome.fitted))
    if outcome.ensemble_problem:
        yield f"no ensemble: {outcome.ensemble_problem}"
    if outcome.ensemble is not None:
        yield from ensemble_lines(outcome.ensemble)
        yield f"  saved      {outcome.ensemble_file}"


def _fitted_lines(one: Fitted) -> Iterator[str]:
    yield one.detector
    if one.calibration is None:
        yield f"  not calibrated: {one.problem}"
    else:
        yield from calibration_lines(one.calibration)
    if one.not_judged:
        reasons = ", ".join(f"{code} {count}" for code, count in one.not_judged.items())
        yield f"  not judged {one.asked - one.judged} of {one.asked} files: {reasons}"
    if one.file is not None:
        yield f"  saved      {one.file}"


def calibration_lines(found: FittedCalibration) -> Iterator[str]:
    """A calibration in figures: what it was fitted on, how well the model ranks, and which grades it can support."""
    measured, points = found.measured, found.operating_points(1)
    yield (
        f"  calibrated {found.fitted}, {found.n_real} real ({found.groups_real} independent) and "
        f"{found.n_synthetic} synthetic ({found.groups_synthetic})"
    )
    yield f"  ranks      AUC {measured.auc:.3f}, at least {measured.auc_low:.3f}; ECE {measured.ece:.3f}"
    yield f"  supports   false-positive rates of {supported_rate(found.groups_real):.2%} and more"
    yield from _grade_lines(found)
    if points.clear == 0.0:
        yield "  clears     nothing: it misses too much, a low answer counts as uncertain"


def _grade_lines(found: FittedCalibration) -> Iterator[str]:
    measured, points = found.measured, found.operating_points(1)
    rows = (("flags", "some", points.some, measured.fpr_some), ("strict", "strong", points.strong, measured.fpr_strong))
    for word, grade, threshold, rate in rows:
        if threshold == NEVER or rate is None:
            yield f"  {word:<10} nothing: {needed(RATES[grade])} independent real pictures are needed for {RATES[grade]:.1%}"
        else:
            yield f"  {word:<10} at a likelihood of {threshold:.1%}: {rate:.1%} of real pictures that no fit had seen"


def ensemble_lines(found: Ensemble) -> Iterator[str]:
    """An ensemble in figures: its members, and the proof."""
    proof = found.proof
    yield f"{found.id} – {'proved better than its best member' if found.kept == 'ensemble' else 'its best member alone'}"
    for member in found.members:
        yield f"  member     {member.detector}, weight {member.weight:.2f}"
    yield f"  proof      {proof.real} real and {proof.synthetic} synthetic pictures put aside ({proof.share:.0%} of all)"
    yield f"  ensemble   AUC {proof.auc:.3f}; best member {proof.best}: {proof.best_auc:.3f}"
    yield (
        f"  difference {proof.auc - proof.best_auc:+.3f} (90 % interval {proof.low:+.3f} to {proof.high:+.3f})"
        f"{'' if found.kept == 'ensemble' else ': not more than chance'}"
    )
    yield from calibration_lines(found.calibration)
