"""Detectors and labelled files → calibrations, and an ensemble if one is wanted: all that `veriscope calibrate` does."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from veriscope.detectors import ENSEMBLE
from veriscope.detectors.hub.calibration import FittedCalibration, write_calibration
from veriscope.detectors.hub.ensemble import Ensemble, ensemble_path, write_ensemble
from veriscope.detectors.hub.reference import Reference, is_reference
from veriscope.domain import Status
from veriscope.errors import DataError, ModelError, RemoteError
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
    not_judged: Mapping[str, int] = dataclasses.field(default_factory=dict)  # code of the reason → files
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
        about = Fitted(candidate.detector, len(sample.labels), len(candidate.scored), _not_judged(candidate))
        try:
            calibration = calibrated(sample, candidate.detector, candidate.version, today)
        except DataError as error:
            fitted.append(dataclasses.replace(about, problem=str(error)))
        else:
            file = write_calibration(plan.folder, calibration)
            fitted.append(dataclasses.replace(about, calibration=calibration, file=file))
    return _with_ensemble(Outcome(tuple(fitted)), candidates, plan)


def _asked(name: str, labelled: Labelled, plan: Plan, settings: Settings, progress: Progress | None) -> Candidate | Fitted:
    if name.startswith(ENSEMBLE):
        return Fitted(name, problem="An ensemble brings a calibration of its own. Name its members instead.")
    try:
        judge = Judge(name, settings)
    except (ModelError, RemoteError) as error:
        return Fitted(name, problem=str(error))

    def tell(step: Step) -> None:
        if progress is not None:
            progress(judge.id, step)

    scored = score(judge, labelled.examples, plan.answers, plan.jobs, plan.batch, progress=tell)
    return Candidate(_lasting(name), judge.id, judge.detector.version, scored)


def _not_judged(candidate: Candidate) -> dict[str, int]:
    answers = (one.answer for one in candidate.scored)
    return dict(Counter(answer.reason for answer in answers if answer.status is not Status.OK).most_common())


def _lasting(name: str) -> str:
    """A detector's name that means the same from any folder."""
    reference = Reference.parse(name) if is_reference(name) else None
    return str(reference.folder.resolve()) if reference is not None and reference.folder is not None else name


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
