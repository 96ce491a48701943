"""Detectors and labelled files → calibrations, and an ensemble if one is wanted: all that `veriscope calibrate` does."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from veriscope.detectors.hub.calibration import FittedCalibration, write_calibration
from veriscope.detectors.hub.ensemble import Ensemble, ensemble_path, write_ensemble
from veriscope.errors import DataError, ModelError
from veriscope.evaluation.asking import Judge
from veriscope.evaluation.calibrated import calibrated, sample_of
from veriscope.evaluation.ensemble import Candidate, fitted_ensemble, joint_of
from veriscope.evaluation.labelled import Labelled
from veriscope.evaluation.scoring import BATCH, Step, score
from veriscope.settings import Settings

Progress = Callable[[str, Step], object]


@dataclasses.dataclass(frozen=True, slots=True)
class Fitted:
    """What came of one detector: a calibration with its file, or a problem."""

    detector: str
    judged: int = 0
    asked: int = 0
    calibration: FittedCalibration | None = None
    file: Path | None = None
    problem: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What came of all detectors, and of the ensemble if one was wanted."""

    fitted: tuple[Fitted, ...]
    ensemble: Ensemble | None = None
    ensemble_file: Path | None = None
    ensemble_problem: str = ""

    @property
    def problems(self) -> int:
        return sum(bool(one.problem) for one in self.fitted) + bool(self.ensemble_problem)


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What is wanted, and how to go about it."""

    names: tuple[str, ...]
    folder: Path  # the hub folder
    ensemble: str = ""  # its name; empty = none
    answers: Path | None = None  # where answers are kept; None = nowhere
    jobs: int = 1
    batch: int = BATCH


def calibrate(labelled: Labelled, plan: Plan, settings: Settings, progress: Progress | None = None) -> Outcome:
    """Fits each detector and stores its calibration; one that fails is named with its reason, and the others go on.

    Raises:
        DataError: a detector or an ensemble of that name cannot exist, or nothing can be written.
    """
    if plan.ensemble:
        ensemble_path(plan.folder, plan.ensemble)
    today = datetime.now(UTC).date()
    candidates: list[Candidate] = []
    fitted: list[Fitted] = []
    for name in dict.fromkeys(plan.names):
        candidate = _asked(name, labelled, plan, settings, progress)
        if isinstance(candidate, Fitted):
            fitted.append(candidate)
            continue
        candidates.append(candidate)
        sample = sample_of(candidate.scored)
        about = Fitted(candidate.detector, len(sample.labels), len(candidate.scored))
        try:
            calibration = calibrated(sample, candidate.detector, candidate.version, today)
        except DataError as error:
            fitted.append(dataclasses.replace(about, problem=str(error)))
        else:
            file = write_calibration(plan.folder, calibration)
            fitted.append(dataclasses.replace(about, calibration=calibration, file=file))
    return _with_ensemble(Outcome(tuple(fitted)), candidates, plan)


def _asked(name: str, labelled: Labelled, plan: Plan, settings: Settings, progress: Progress | None) -> Candidate | Fitted:
    try:
        judge = Judge(name, settings)
    except ModelError as error:
        return Fitted(name, problem=str(error))

    def tell(step: Step) -> None:
        if progress is not None:
            progress(judge.id, step)

    scored = score(judge, labelled.examples, plan.answers, plan.jobs, plan.batch, progress=tell)
    return Candidate(name, judge.id, judge.detector.version, scored)


def _with_ensemble(outcome: Outcome, candidates: Sequence[Candidate], plan: Plan) -> Outcome:
    if not plan.ensemble:
        return outcome
    today = datetime.now(UTC).date()
    try:
        found = fitted_ensemble(plan.ensemble, candidates, joint_of(candidates), today)
    except DataError as error:
        return dataclasses.replace(outcome, ensemble_problem=str(error))
    return dataclasses.replace(outcome, ensemble=found, ensemble_file=write_ensemble(plan.folder, found))


def grouped_by_folder(labelled: Labelled) -> Labelled:
    """The same files, those of one folder as one group: a person's, a clip's, a place's."""
    examples = (dataclasses.replace(one, group=str(PurePosixPath(one.name).parent)) for one in labelled.examples)
    return dataclasses.replace(labelled, examples=tuple(examples))


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
        return
    yield from calibration_lines(one.calibration)
    if one.judged < one.asked:
        yield f"  not judged {one.asked - one.judged} of {one.asked} files"
    yield f"  saved      {one.file}"


def calibration_lines(found: FittedCalibration) -> Iterator[str]:
    """A calibration in figures: what it was fitted on, how well the model ranks, and which grades it can support."""
    measured, points = found.measured, found.operating_points(1)
    yield (
        f"  calibrated {found.fitted}, {found.n_real} real ({found.groups_real} independent) and "
        f"{found.n_synthetic} synthetic ({found.groups_synthetic})"
    )
    yield f"  ranks      AUC {measured.auc:.3f}, at least {measured.auc_low:.3f}; ECE {measured.ece:.3f}"
    yield f"  supports   false-positive rates of {3 / found.groups_real:.2%} and more"
    yield from _grade_lines(found)
    if points.clear == 0.0:
        yield "  clears     nothing: it misses too much, a low answer counts as uncertain"


def _grade_lines(found: FittedCalibration) -> Iterator[str]:
    from veriscope.detectors.hub.calibration import NEVER, RATES
    from veriscope.evaluation.calibrated import needed

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
