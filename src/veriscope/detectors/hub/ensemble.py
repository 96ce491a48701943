"""Several detectors that speak with one voice: `<hub folder>/ensembles/NAME.toml`, used as `ensemble:NAME`.

`veriscope calibrate --ensemble NAME` fits one and proves it on pictures that the fit has not seen
(veriscope.evaluation.ensemble). Each member's logit is calibrated, so that zero means "as likely as not"; the ensemble's
logit is offset + Σ weight × calibrated logit. A member that has nothing to judge adds zero, which is what it knows.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from veriscope.detectors import ENSEMBLE
from veriscope.detectors.card import Probability, sigmoid
from veriscope.detectors.hub.calibration import FittedCalibration, write_toml
from veriscope.domain import (
    CropRecipe,
    Detector,
    Finding,
    Frame,
    OperatingPoints,
    Opinion,
    Score,
    Signal,
    SignalKind,
    Status,
    Tendency,
    Views,
)
from veriscope.errors import DataError, ModelError, WeightsUnavailable

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
_UTMOST = 60.0  # logit of a likelihood that is 0 or 1 in floating point


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Member(_Part):
    """One detector of an ensemble."""

    reference: Annotated[str, Field(min_length=1, max_length=4000)]  # as it was given to --detector
    detector: Annotated[str, Field(min_length=1, max_length=300)]  # as in reports
    version: Annotated[str, Field(min_length=1, max_length=300)]
    a: Annotated[float, Field(gt=0.0)]  # calibrated logit = a × logit + b
    b: float
    weight: Annotated[float, Field(gt=0.0)]


class Proof(_Part):
    """What the ensemble and its best member did on pictures that no fit had seen."""

    real: Annotated[int, Field(gt=0)]
    synthetic: Annotated[int, Field(gt=0)]
    share: Probability  # of all pictures
    auc: Probability
    best: str  # the member with the highest AUC there
    best_auc: Probability
    low: float  # 90 % interval of the difference, over pictures drawn in pairs
    high: float


class Ensemble(_Part):
    """Members, weights, calibration and proof. `kept` = member: it did not beat its best member, which stands alone."""

    format: Literal[1] = 1
    name: str
    created: date
    kept: Literal["ensemble", "member"]
    offset: float
    members: Annotated[tuple[Member, ...], Field(min_length=1, max_length=16)]
    calibration: FittedCalibration
    proof: Proof

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not _NAME.fullmatch(self.name):
            raise ValueError("a name has small letters, digits, dots, dashes and underscores")
        if (self.kept == "member") != (len(self.members) == 1):
            raise ValueError("an ensemble has two members or more, and a member alone is one")
        if self.kept == "ensemble" and self.proof.low <= 0:
            raise ValueError("an ensemble that does not beat its best member must not be used")
        if self.calibration.version != self.version:
            raise ValueError("the calibration is that of other weights")
        return self

    @property
    def id(self) -> str:
        return ENSEMBLE + self.name

    @property
    def version(self) -> str:
        """What the answer depends on: members, their versions and their weights."""
        return ensemble_version(self.members, self.offset)

    def logit(self, logits: Mapping[str, float]) -> float:
        """The ensemble's logit from those of the members that could judge, by detector."""
        parts = (one.weight * (one.a * logits[one.detector] + one.b) for one in self.members if one.detector in logits)
        return self.offset + sum(parts)


def ensemble_version(members: Sequence[Member], offset: float) -> str:
    """A digest of members and weights."""
    text = json.dumps([[member.model_dump() for member in members], offset], sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def ensemble_path(folder: Path, name: str) -> Path:
    """Where an ensemble lies below the hub folder. Raises `DataError` for what is no name."""
    if not _NAME.fullmatch(name):
        told = f'"{name[:60]}" is no name of an ensemble. Use small letters, digits, dots, dashes and underscores.'
        raise DataError(told)
    return folder / "ensembles" / f"{name}.toml"


def read_ensemble(folder: Path, name: str) -> Ensemble:
    """The ensemble of that name.

    Raises:
        DataError: there is none, or its file is damaged.
    """
    path = ensemble_path(folder, name)
    try:
        return Ensemble(**tomllib.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        known = ", ".join(ensemble_names(folder)) or "none"
        told = f'There is no ensemble "{name}" (known: {known}). Make one with `veriscope calibrate … --ensemble {name}`.'
        raise DataError(told) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError, TypeError) as error:
        told = f"The ensemble {path.name} cannot be read ({error}). Remove it, or run `veriscope calibrate` again."
        raise DataError(told) from error


def ensemble_names(folder: Path) -> list[str]:
    """Names of all ensembles."""
    return sorted(path.stem for path in (folder / "ensembles").glob("*.toml"))


def write_ensemble(folder: Path, ensemble: Ensemble) -> Path:
    """Stores an ensemble in place of an older one of its name."""
    head = "# Written by `veriscope calibrate --ensemble`: run it again rather than change a number."
    return write_toml(ensemble_path(folder, ensemble.name), ensemble, head)


class EnsembleDetector:
    """An ensemble as one detector: asks each member once and combines what they say. Judges pictures, not clips."""

    kind = SignalKind.MODEL
    recipe: CropRecipe | None = None  # its members have their own
    task = "ensemble"

    def __init__(self, ensemble: Ensemble, members: Sequence[Detector]) -> None:
        """Raises `WeightsUnavailable` when a member is another version than the one that was fitted."""
        self.ensemble, self.members = ensemble, tuple(members)
        versions = {member.id: member.version for member in members}
        for member in ensemble.members:
            if versions.get(member.detector) != member.version:
                raise WeightsUnavailable(
                    f"The ensemble {ensemble.name} was fitted with {member.detector} {member.version}, and here is "
                    f"{versions.get(member.detector, 'none')}. Run `veriscope calibrate --ensemble {ensemble.name}` again."
                )

    @property
    def id(self) -> str:
        return self.ensemble.id

    @property
    def version(self) -> str:
        return self.ensemble.version

    @property
    def crops(self) -> tuple[CropRecipe, ...]:
        return tuple(dict.fromkeys(recipe for member in self.members for recipe in member.crops))

    @property
    def notes(self) -> tuple[Finding, ...]:
        return self.ensemble.calibration.notes

    def looks(self, frame: Frame) -> Sequence[Image.Image] | Finding:
        """Why it judges no frame: what was proved on pictures is not proved on the frames of a clip."""
        del frame
        return Finding("ensemble.clip")

    def logits(self, pictures: Sequence[Image.Image]) -> Sequence[float]:
        """None, because `looks` gives no pictures. Raises `ModelError` for pictures: only its members judge them."""
        if pictures:
            raise ModelError(f"{self.id} judges whole inputs by what its members say, not single views. Use `analyze`.")
        return []

    def opinion(self, logit: float, error: float) -> Opinion:
        return self.ensemble.calibration.opinion(logit, error)

    def operating_points(self, count: int) -> OperatingPoints:
        return self.ensemble.calibration.operating_points(count)

    def analyze(self, views: Views) -> Signal:
        """One probability from all members that can judge; skipped when none can."""
        answers = {member.id: member.analyze(views) for member in self.members}
        return self.combined(answers)

    def combined(self, answers: Mapping[str, Signal]) -> Signal:
        """The signal from those of its members, by their ids."""
        raw = {name: signal.raw for name, signal in answers.items() if signal.raw is not None}
        if not raw:
            first = next(iter(answers.values()))
            return Signal(self.id, self.kind, first.status, reason=first.reason)
        said = self.opinion(self.ensemble.logit({name: logit_of(value) for name, value in raw.items()}), 0.0)
        count = max(len(signal.scores) for signal in answers.values() if signal.raw is not None)
        points = self.operating_points(count)
        return Signal(
            self.id,
            self.kind,
            Status.OK,
            probability=said.probability,
            raw=said.raw,
            interval=said.interval,
            findings=(_verdict(said.probability, points, count), *map(self._told, answers.values()), *self.notes),
            scores=(Score("picture", said.raw, said.probability),),
            points=points,
        )

    def _told(self, signal: Signal) -> Finding:
        if signal.raw is None:
            return Finding("ensemble.silent", {"detector": signal.source})
        member = next(one for one in self.ensemble.members if one.detector == signal.source)
        likelihood = sigmoid(member.a * logit_of(signal.raw) + member.b)
        return Finding("ensemble.member", {"detector": signal.source, "percent": round(100 * min(max(likelihood, 0.01), 0.99))})


def _verdict(probability: float, points: OperatingPoints, count: int) -> Finding:
    if probability >= points.some:
        return Finding("ensemble.suspicious", {"count": count}, Tendency.SUSPICIOUS)
    return Finding(f"ensemble.{'unclear' if probability >= points.clear else 'unsuspicious'}", {"count": count})


def logit_of(probability: float) -> float:
    """Inverse of the logistic function; what floating point has made 0 or 1 is taken as ±60."""
    if not 0 < probability < 1:
        return math.copysign(_UTMOST, probability - 0.5)
    return math.log(probability / (1 - probability))
