"""A detector's card: one TOML file that says all about one model.

Discovery by file: a card that lies in `cards/` is a detector. Nothing is imported to list it.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from veriscope.domain import CropRecipe, OperatingPoints
from veriscope.errors import DataError

Probability = Annotated[float, Field(ge=0.0, le=1.0)]

_Z90 = 1.645  # half width of a 90 % interval in standard deviations


def sigmoid(value: float) -> float:
    """Logistic function, without overflow for any input."""
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Weights(_Part):
    """The file, beside the card, and how to know it."""

    file: Annotated[str, Field(pattern=r"^[\w.-]+\.onnx$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(gt=0)]


class Input(_Part):
    """What the network is fed: (N, 3, size, size) float32 RGB, (value − mean) / std of 8-bit values."""

    size: Annotated[int, Field(ge=32, le=1024)]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    tiles: Annotated[int, Field(ge=0, le=16)] = 0  # native-size squares beside the view of the whole (task scene)
    margin: Annotated[float, Field(ge=0.5, le=3.0)] = 1.0  # of the face crop (task face)
    rotate: bool = False  # turn the face upright (task face)


class Output(_Part):
    """What comes out. `logit`: one number per view, above 0 = synthetic; the map is its terms per position."""

    logit: str
    map: str | None = None


class Calibration(_Part):
    """Platt scaling (Platt 1999): probability = sigmoid(a × logit + b), with the fit's own uncertainty."""

    a: Annotated[float, Field(gt=0.0)]
    b: float
    covariance: tuple[float, float, float]  # var(a), cov(a, b), var(b), by bootstrap
    fitted_on: str
    n: Annotated[int, Field(gt=0)]
    fitted: date

    def probability(self, logit: float) -> float:
        """P(synthetic) of a mean logit, 0–1."""
        return sigmoid(self.a * logit + self.b)

    def interval(self, logit: float, error: float) -> tuple[float, float]:
        """90 % interval of the probability: the fit's uncertainty and the disagreement of views or frames.

        Both are variances on the calibrated logit scale, by the delta method:
        var = x² var(a) + 2 x cov(a, b) + var(b) + a² (standard error of x)².
        """
        var_a, cov, var_b = self.covariance
        variance = logit * logit * var_a + 2 * logit * cov + var_b + (self.a * error) ** 2
        middle, half = self.a * logit + self.b, _Z90 * math.sqrt(max(variance, 0.0))
        return sigmoid(middle - half), sigmoid(middle + half)


class FalsePositive(_Part):
    """At this calibrated probability, this share of real pictures is at or above it."""

    rate: Probability
    probability: Probability


class Points(_Part):
    """False-positive rates at which the grade changes, and the measured curve that turns a rate into a threshold."""

    clear: Probability
    some: Probability
    strong: Probability
    curve: Annotated[tuple[FalsePositive, ...], Field(min_length=3)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.clear >= self.some >= self.strong > 0:
            raise ValueError("rates must satisfy clear ≥ some ≥ strong > 0")
        rates = [point.rate for point in self.curve]
        thresholds = [point.probability for point in self.curve]
        if rates != sorted(rates, reverse=True) or thresholds != sorted(thresholds):
            raise ValueError("the curve goes from high rates to low ones, with rising probabilities")
        return self

    def threshold(self, rate: float) -> float:
        """The probability that at most `rate` of real pictures reach.

        Beyond the measured curve the room left above its end shrinks with the rate: nothing is promised there, and the
        threshold must not stand still while a group grows.
        """
        for point in self.curve:
            if point.rate <= rate:
                return point.probability
        last = self.curve[-1]
        return 1.0 - (1.0 - last.probability) * rate / last.rate

    def for_subjects(self, count: int) -> OperatingPoints:
        """Operating points when `count` faces are judged and the most suspicious one speaks.

        Each face gets the rate divided by the count (Bonferroni), so that a group photo is not flagged more often than
        a portrait.
        """
        clear, some, strong = (self.threshold(rate / count) for rate in (self.clear, self.some, self.strong))
        return OperatingPoints(min(clear, some), some, max(some, strong), self.some, self.strong)


class Evidence(_Part):
    """Measured on pictures that neither training nor calibration saw; `command` prints it again."""

    command: str
    measured: date
    real: int
    synthetic: int
    auc: Probability
    eer: Probability
    tpr_at_fpr_1: Probability
    tpr_at_fpr_5: Probability
    fpr_some: Probability
    fpr_strong: Probability
    ece: Probability
    unseen: dict[str, Probability]  # AUC per generator or source that training never saw
    known_failures: tuple[str, ...]


class Card(_Part):
    """All about one detector."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    version: str
    name: str
    summary: str
    task: Literal["scene", "face"]
    engine: Literal["onnx"]
    default: bool = False
    licence: str
    commercial_use: Literal["yes", "no", "unclear"]
    terms: str  # of the training data, in one sentence
    weights: Weights
    input: Input
    output: Output
    calibration: Calibration
    points: Points
    evidence: Evidence
    folder: Path = Field(exclude=True)

    @property
    def recipe(self) -> CropRecipe | None:
        """The face crop that the model was trained with; None for whole pictures."""
        if self.task == "scene":
            return None
        return CropRecipe(self.input.size, self.input.margin, self.input.rotate)

    def operating_points(self, count: int) -> OperatingPoints:
        """Thresholds for `count` subjects, with the false-positive rates that were measured on unseen pictures."""
        points, measured = self.points.for_subjects(count), self.evidence
        # None of n flagged does not mean never: with 95 % confidence at most 3 of n (Hanley & Lippman-Hand 1983).
        bound = min(1.0, 3 / max(measured.real, 1))
        return dataclasses.replace(points, fpr_some=measured.fpr_some or bound, fpr_strong=measured.fpr_strong or bound)

    @property
    def pinned_version(self) -> str:
        """Version and weights, as a report names them."""
        return f"{self.version} sha256:{self.weights.sha256[:16]}"

    @property
    def weights_path(self) -> Path:
        return self.folder / self.weights.file


@cache
def read_card(path: Path) -> Card:
    """The card in a file; `DataError` says what is wrong with it."""
    try:
        return Card(folder=path.parent, **tomllib.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError, TypeError) as error:
        raise DataError(f"The detector card {path.name} is invalid: {error}. Correct the file or remove it.") from error
