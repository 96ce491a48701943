"""What the result is worth: asked about the held-out pictures exactly as an analysis would ask it, beside its base."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from veriscope.detectors.hub.calibration import FittedCalibration, write_calibration
from veriscope.errors import DataError
from veriscope.evaluation.calibrated import calibrated, sample_of
from veriscope.evaluation.compare import Comparison, Judgement, Options, compare
from veriscope.evaluation.figures import Figure
from veriscope.evaluation.labelled import Example, Labelled
from veriscope.settings import Settings
from veriscope.training.control import control_auc
from veriscope.training.pictures import Prepared
from veriscope.training.split import TEST, TRAIN, Split

Tell = Callable[[int, int], object]


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """The held-out figures. The result comes first in the comparison, the base second if it can judge at all."""

    comparison: Comparison
    judgements: tuple[Judgement, ...]
    control: Figure  # AUC of a vote that sees only files, not pixels; see `control`


def measured(
    folder: Path, base: str | None, prepared: Prepared, split: Split, settings: Settings, tell: Tell | None = None
) -> Held:
    """Asks the model in a folder, and the base if there is one that can judge, about the held-out part."""
    examples = held_out(prepared, split)
    names = [reference(folder), *([base] if base else [])]

    def progress(_: str, step: object) -> None:
        if tell is not None:
            tell(getattr(step, "done", 0), getattr(step, "total", 0))

    comparison, judgements = compare("held-out", Labelled(tuple(examples)), names, settings, Options(), progress)
    return Held(comparison, judgements, _control(prepared, split))


def held_out(prepared: Prepared, split: Split) -> list[Example]:
    """The held-out pictures, with their groups: pictures that are nearly the same count as one."""
    sizes = {group: split.groups.count(group) for group in set(split.groups)}
    return [
        dataclasses.replace(prepared.examples[place], group=str(group) if sizes[group] > 1 else "")
        for place in split.of(TEST)
        for group in [split.groups[place]]
    ]


def reference(folder: Path) -> str:
    """A folder as a detector's name: written like a path, whatever it is called."""
    return str(folder.resolve())


def _control(prepared: Prepared, split: Split) -> Figure:
    known, asked = split.of(TRAIN), split.of(TEST)
    labels = [one.label for one in prepared.examples]
    return control_auc(
        [prepared.traces[place] for place in known],
        [labels[place] for place in known],
        [prepared.traces[place] for place in asked],
        [labels[place] for place in asked],
    )


def calibrate(judgements: Sequence[Judgement], detector: str, version: str) -> FittedCalibration | str:
    """A calibration from the held-out answers, or why there is none."""
    scored = [one.scored for one in judgements if one.detector == detector]
    try:
        return calibrated(sample_of(scored), detector, version, datetime.now(UTC).date())
    except DataError as error:
        return str(error)


def keep_calibration(folder: Path, fitted: FittedCalibration) -> Path:
    """Where detectors look for it."""
    return write_calibration(folder, fitted)
