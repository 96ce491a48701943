"""A model's calibration on somebody's own labelled pictures: `<hub folder>/calibration/<id>.toml`.

`veriscope calibrate` writes it (veriscope.evaluation.fit), a detector reads it. It belongs to one version of one model: of
another version it says nothing. What it cannot support it does not promise: a grade whose false-positive rate is below
3 / number of independent real pictures (rule of three, Hanley & Lippman-Hand 1983) is never given.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from veriscope.detectors.card import Calibration, FalsePositive, Probability, sigmoid
from veriscope.domain import Finding, OperatingPoints, Opinion, Scalar
from veriscope.errors import DataError

RATES = {"clear": 0.2, "some": 0.02, "strong": 0.005}
"""False-positive rates at which the grade changes, as those of the embedded detectors."""

NEVER = 1.0
"""A threshold that no probability reaches: they are kept below it."""

LEAST_AUC_TO_CLEAR = 0.75
"""Below it a low answer is no reason to say that nothing was found: too many synthetic pictures get one."""

_UTMOST = 1e-4  # distance of a calibrated probability from 0 and 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Measured(_Part):
    """What a fit on four fifths of the pictures did on the fifth that it had not seen, five times over."""

    auc: Probability
    auc_low: Probability  # lower end of the 90 % interval
    ece: Probability
    fpr_some: Probability | None = None  # None: the set is too small for this grade
    fpr_strong: Probability | None = None
    recall_some: Probability | None = None


class FittedCalibration(_Part):
    """Platt scaling of one model with thresholds, and what they were fitted on."""

    format: Literal[1] = 1
    detector: Annotated[str, Field(min_length=1, max_length=300)]  # as in reports: hf:OWNER/NAME, local:NAME, face
    version: Annotated[str, Field(min_length=1, max_length=300)]  # commit and weights that were asked
    a: Annotated[float, Field(gt=0.0)]
    b: float
    covariance: tuple[float, float, float]  # var(a), cov(a, b), var(b), by bootstrap
    fitted: date
    n_real: Annotated[int, Field(gt=0)]
    n_synthetic: Annotated[int, Field(gt=0)]
    groups_real: Annotated[int, Field(gt=0)]  # independent ones: pictures of one person or clip count once
    groups_synthetic: Annotated[int, Field(gt=0)]
    curve: Annotated[tuple[FalsePositive, ...], Field(min_length=1)]
    measured: Measured

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        rates = [point.rate for point in self.curve]
        thresholds = [point.probability for point in self.curve]
        if rates != sorted(rates, reverse=True) or thresholds != sorted(thresholds):
            raise ValueError("the curve goes from high rates to low ones, with rising probabilities")
        return self

    @property
    def platt(self) -> Calibration:
        """The same as a card has it."""
        count = self.n_real + self.n_synthetic
        return Calibration(
            a=self.a, b=self.b, covariance=self.covariance, fitted_on="own pictures", n=count, fitted=self.fitted
        )

    def opinion(self, logit: float, error: float = 0.0) -> Opinion:
        """A mean logit with its standard error, calibrated. Never 0 and never 1."""
        low, high = self.platt.interval(logit, error)
        return Opinion(sigmoid(logit), _inside(self.platt.probability(logit)), (_inside(low), _inside(high)))

    @property
    def notes(self) -> tuple[Finding, ...]:
        """On which pictures the thresholds were fitted, and whether they were enough to call a picture suspicious."""
        about: dict[str, Scalar] = {
            "real": self.n_real,
            "synthetic": self.n_synthetic,
            "date": self.fitted.isoformat(),
        }
        fitted = Finding("calibration.own", about)
        if self.supports(RATES["some"]):
            return (fitted,)
        return fitted, Finding("calibration.few", {"independent": self.groups_real, "needed": needed(RATES["some"])})

    def supports(self, rate: float) -> bool:
        """Whether so many independent real pictures can show a false-positive rate this small (rule of three)."""
        return rate >= supported_rate(self.groups_real) - 1e-9

    def threshold(self, rate: float) -> float:
        """The probability that at most `rate` of real pictures reach; `NEVER` when the set is too small to say."""
        if not self.supports(rate):
            return NEVER
        return next((point.probability for point in self.curve if point.rate <= rate), NEVER)

    def operating_points(self, count: int) -> OperatingPoints:
        """Thresholds when the most suspicious of `count` subjects speaks; each gets the rate divided by the count."""
        clear, some, strong = (self.threshold(rate / count) for rate in RATES.values())
        if self.measured.auc < LEAST_AUC_TO_CLEAR or clear == NEVER:
            clear = 0.0
        measured = self.measured
        # None of n flagged does not mean never: with 95 % confidence at most 3 of n.
        bound = min(1.0, 3 / self.groups_real)
        return OperatingPoints(
            min(clear, some), some, max(some, strong), measured.fpr_some or bound, measured.fpr_strong or bound
        )


def supported_rate(groups: int) -> float:
    """The smallest false-positive rate that so many independent real pictures can show (rule of three)."""
    return 3 / groups


def needed(rate: float) -> int:
    """How many independent real pictures a rate needs (rule of three)."""
    return math.ceil(3 / rate - 1e-9)


def _inside(probability: float) -> float:
    return min(max(probability, _UTMOST), 1 - _UTMOST)


def calibration_path(folder: Path, detector: str) -> Path:
    """Where the calibration of a detector, as it is called in reports, lies below the hub folder."""
    return folder / "calibration" / f"{file_name(detector)}.toml"


def file_name(identity: str) -> str:
    """A detector's id as part of a file's name. What two ids could share, a reader tells apart by the id in the file."""
    return re.sub(r"[^\w.-]", lambda match: {"/": "--", ":": "__"}.get(match[0], "_"), identity)[:120]


def read_calibration(folder: Path, detector: str, version: str) -> FittedCalibration | None:
    """The calibration of exactly this version of a model; None when there is none.

    Raises:
        DataError: the file is damaged, or is another model's.
    """
    found = stored_calibration(calibration_path(folder, detector))
    if found is not None and found.detector != detector:
        raise DataError(f"The calibration {file_name(detector)}.toml is that of {found.detector}. Calibrate {detector} again.")
    return found if found is not None and found.version == version else None


def stored_calibration(path: Path) -> FittedCalibration | None:
    """The calibration in a file, whatever its model's version; None when there is no file."""
    try:
        return FittedCalibration(**tomllib.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError, TypeError) as error:
        told = f"The calibration {path.name} cannot be read ({error}). Remove it, or run `veriscope calibrate` again."
        raise DataError(told) from error


def write_calibration(folder: Path, calibration: FittedCalibration) -> Path:
    """Stores a calibration in place of an older one; the file appears whole or not at all."""
    head = "# Written by `veriscope calibrate`: run it again rather than change a number."
    return write_toml(calibration_path(folder, calibration.detector), calibration, head)


def write_toml(path: Path, model: BaseModel, head: str) -> Path:
    """Stores a model as TOML, atomically. Raises `DataError` when the place cannot be written."""
    text = head + "\n" + "".join(toml_lines(model.model_dump(mode="python", exclude_none=True)))
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=path.parent) as place:
            unfinished = Path(place) / path.name
            unfinished.write_text(text, "utf-8")
            unfinished.replace(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error.strerror}). Make room, or choose another hub folder.") from error
    return path


def toml_lines(values: dict[str, object], table: str = "") -> list[str]:
    """TOML of plain values, lists, tables and lists of tables, in their order; tables after what is not one."""
    plain = [f"{key} = {_toml(value)}\n" for key, value in values.items() if not isinstance(value, dict)]
    tables: list[str] = []
    for key, value in values.items():
        if isinstance(value, dict):
            name = f"{table}{key}"
            tables += [f"\n[{name}]\n", *toml_lines(value, f"{name}.")]
    return plain + tables


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case date():
            return value.isoformat()
        case float() if math.isfinite(value):
            return repr(value)
        case int():
            return str(value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(map(_toml, value)) + "]"
    raise TypeError(f"{value!r} has no place in TOML")
