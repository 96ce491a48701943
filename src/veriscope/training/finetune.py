"""The flow on one screen: base → labelled pictures → prepared → split → training → result → held-out figures → card."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.detectors.hub.reference import Reference
from veriscope.detectors.hub.repository import open_repository
from veriscope.errors import MissingExtra, ModelError
from veriscope.evaluation.compare import Comparison
from veriscope.evaluation.figures import Figure
from veriscope.evaluation.labelled import Problem, read_labelled
from veriscope.runtime.folders import hub_folder
from veriscope.settings import Settings
from veriscope.training import measure, networks
from veriscope.training.base import Base, read_base
from veriscope.training.likeness import joined
from veriscope.training.model_card import Outcome, model_card
from veriscope.training.pictures import Prepared, digest, prepare, require_space
from veriscope.training.place import README, Place
from veriscope.training.plan import EMBEDDED, Plan
from veriscope.training.split import TRAIN, VALIDATION, Split, divided

_PARITY_PICTURES = 16
_CHECKPOINTS = 3 * 3 + 1  # at most three kept, each with weights and two means of the optimiser; and the result


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How far a fine-tuning is."""

    stage: str  # "reading", "preparing", "training", "measuring"
    done: int
    total: int
    loss: float | None = None
    auc: float | None = None  # on the validation part


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What came out."""

    folder: Path
    resumed: bool
    comparison: Comparison
    control: Figure  # see `training.control`
    onnx_problem: str  # empty: model.onnx is there
    calibration: Path | None
    calibration_problem: str
    problems: tuple[Problem, ...]
    validation_auc: float


Tell = Callable[[Progress], object]


def finetune(plan: Plan, settings: Settings, tell: Tell | None = None) -> Result:
    """Fine-tunes a base on labelled pictures and leaves a detector in `plan.output`.

    Args:
        plan: what to do.
        settings: limits, and whether anything may be fetched.
        tell: is told how far it is; whatever it raises ends the work, which the same call goes on with later.

    Raises:
        MissingExtra: the extra `train` is not installed.
        DataError: too few or one-sided pictures, no room, a folder in use, an unknown base.
        ModelError: a base that cannot be had, or cannot be run safely, or whose labels do not say what they mean.
    """
    networks.require_extra()
    say = tell or (lambda _: None)
    base = read_base(plan, settings)
    labelled = read_labelled(plan.data, plan.root, lambda done, total: say(Progress("reading", done, total)))
    place = Place(plan.output)
    resumed = place.open()
    place.claim(plan.fingerprint(base.commit, digest(labelled.examples, base.view)))
    require_space(place.work, _CHECKPOINTS * base.weights_bytes, "checkpoints and the result")
    prepared = prepare(
        labelled.examples, base.view, place.work, settings, plan.workers, lambda *n: say(Progress("preparing", *n))
    )
    split = _split(prepared, plan)
    place.write_split(prepared.examples, split)
    problems = (*labelled.problems, *prepared.problems)
    place.write_problems(problems)
    made = _made(plan, base, prepared, split, place, say)
    held = measure.measured(
        place.folder, _asked_base(plan), prepared, split, settings, lambda *n: say(Progress("measuring", *n))
    )
    outcome = Outcome(
        place.folder.resolve().name, plan, base, prepared.examples, split, len(problems), held, made.learned, made.steps,
        made.difference, made.problem,
    )  # fmt: skip
    calibration, why_not = _described(outcome, place, settings)
    place.close()
    return Result(
        place.folder, resumed, held.comparison, held.control, made.problem, calibration, why_not, problems, made.best_auc
    )


def _split(prepared: Prepared, plan: Plan) -> Split:
    examples = prepared.examples
    names = [[one.group for one in examples]]
    if plan.by_folder:
        names.append([str(one.path.parent) for one in examples])
    return divided(examples, joined(len(examples), prepared.hashes, names), plan.seed)


@dataclasses.dataclass(frozen=True, slots=True)
class _Made:
    """The trained model on disk."""

    learned: tuple[int, int]
    steps: int
    best_auc: float
    difference: float | None
    problem: str


def _made(plan: Plan, base: Base, prepared: Prepared, split: Split, place: Place, say: Tell) -> _Made:
    """Trains, and puts the model into its place."""
    from veriscope.training import export, layers, session
    from veriscope.training.samples import Drawn, Seen

    trains = split.of(TRAIN)
    drawn = Drawn(prepared, trains, base.view, plan.seed, len(trains) * plan.epochs)
    seen = Seen(prepared, split.of(VALIDATION), base.view)
    result = place.work / "result"
    result.mkdir(exist_ok=True)
    with session.quiet():
        model = networks.opened(base, plan.seed)
        learned = layers.freeze(model, plan.layers)
        curve = session.train(model, drawn, seen, plan, place.work, place.logs, lambda moment: say(_progress(moment)))
        export.save(model, base.view, result)
        difference, problem = _onnx(model, base, seen, result)
    place.keep(result)
    (place.private / "curve.json").write_text(json.dumps(curve.history, indent=1), "utf-8")
    return _Made(learned, curve.steps, curve.best_auc, difference, problem)


def _progress(moment: Any) -> Progress:
    return Progress("training", moment.step, moment.steps, moment.loss, moment.auc)


def _onnx(model: Any, base: Base, seen: Any, result: Path) -> tuple[float | None, str]:
    """The largest difference, or why there is no ONNX file. An embedded base runs as ONNX only, and must have one."""
    from veriscope.training import export

    pictures = np.stack([seen[place]["pixel_values"] for place in range(min(len(seen), _PARITY_PICTURES))])
    try:
        return export.write_onnx(model, base.view, pictures, result), ""
    except ModelError as error:
        if base.card is not None:
            raise
        return None, str(error)


def _asked_base(plan: Plan) -> str | None:
    """The base as a detector's name; None when its last layer was thrown away, because it is none."""
    return None if plan.new_head else plan.base.removeprefix(EMBEDDED)


def _described(outcome: Outcome, place: Place, settings: Settings) -> tuple[Path | None, str]:
    """Writes the card and the calibration; where the latter is, or why there is none.

    The card is one of the files that make the version, so it comes first, and the calibration belongs to what is then there.
    """
    contender = outcome.result
    trial = measure.calibrate(outcome.held.judgements, contender.id, contender.version)
    told = (
        dataclasses.replace(outcome, calibration_problem=trial)
        if isinstance(trial, str)
        else dataclasses.replace(outcome, calibrated_ece=trial.measured.ece)
    )
    (place.folder / README).write_text(model_card(told), "utf-8")
    if isinstance(trial, str):
        return None, trial
    version = open_repository(Reference.parse(measure.reference(place.folder)), settings).version
    fitted = trial.model_copy(update={"version": version})
    (place.private / "calibration.json").write_text(fitted.model_dump_json(indent=1), "utf-8")
    try:
        return measure.keep_calibration(hub_folder(settings), fitted), ""
    except MissingExtra as error:
        return None, str(error)
