"""Views → Signal: what one analyser has to say, and the contract that analysers keep."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence
from typing import Literal, Protocol

from PIL import Image

from veriscope.domain.finding import Box, Finding
from veriscope.domain.media import CropRecipe, Frame, Views


class Status(enum.StrEnum):
    """What became of one analyser."""

    OK = "ok"
    SKIPPED = "skipped"  # not applicable to this input, and `reason` says why
    UNAVAILABLE = "unavailable"  # cannot run here: missing package, weights or trust list
    FAILED = "failed"  # a defect of ours; the rest of the report stands


class SignalKind(enum.StrEnum):
    MODEL = "model"  # learned: an opinion with an error rate
    PROVENANCE = "provenance"  # declared: what the file says about itself
    MEASUREMENT = "measurement"  # measured without a model: a clip's rhythm; informs, and moves no verdict


def _probability_or_none(name: str, value: float | None) -> None:
    if value is not None and not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} must be between 0 and 1, not {value!r}")


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """What a model said about one subject.

    Of a picture: "picture", "face". Of a clip, one frame at a time: "frame", "face"; pooled over frames, with an interval:
    "clip" for whole frames, "track" for one person.
    """

    subject: Literal["picture", "face", "frame", "track", "clip"]
    raw: float
    probability: float
    face: int | None = None
    frame: int | None = None
    time: float | None = None
    track: int | None = None
    interval: tuple[float, float] | None = None  # 90 %, of what is pooled

    def __post_init__(self) -> None:
        _probability_or_none("raw", self.raw)
        _probability_or_none("probability", self.probability)


@dataclasses.dataclass(frozen=True, slots=True)
class DenseMap:
    """Scores over a grid of the picture: where the model looked, not proof of where an edit is."""

    code: str
    rows: int
    columns: int
    values: tuple[float, ...]  # row by row, 0–1, higher = more suspicious
    box: Box  # the part of the picture that the grid covers

    def __post_init__(self) -> None:
        if len(self.values) != self.rows * self.columns:
            raise ValueError("a map needs rows × columns values")


@dataclasses.dataclass(frozen=True, slots=True)
class OperatingPoints:
    """Calibrated probabilities at which a detector's grade changes, and the false-positive rates they stand for.

    `clear` ≤ `some` ≤ `strong`. The rates are measured on real pictures that the model never saw (card, `[evidence]`).
    """

    clear: float
    some: float
    strong: float
    fpr_some: float
    fpr_strong: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.clear <= self.some <= self.strong <= 1.0:
            raise ValueError("operating points must satisfy 0 ≤ clear ≤ some ≤ strong ≤ 1")


@dataclasses.dataclass(frozen=True, slots=True)
class Recheck:
    """The same question asked again about an altered copy of the picture."""

    variant: str  # "jpeg70", "half"
    probability: float


@dataclasses.dataclass(frozen=True, slots=True)
class Signal:
    """What one analyser has to say.

    An `ok` model signal has a probability; any other status has none, and says why: missing is never zero. A model whose
    error rates nobody measured has no operating points: it neither accuses nor clears.
    """

    source: str
    kind: SignalKind
    status: Status
    probability: float | None = None
    raw: float | None = None
    interval: tuple[float, float] | None = None  # 90 %, same scale as probability
    findings: tuple[Finding, ...] = ()
    scores: tuple[Score, ...] = ()
    maps: tuple[DenseMap, ...] = ()
    points: OperatingPoints | None = None
    rechecks: tuple[Recheck, ...] = ()
    reason: Finding | None = None  # why the status is not ok

    def __post_init__(self) -> None:
        _probability_or_none("raw", self.raw)
        _probability_or_none("probability", self.probability)
        if (self.status is Status.OK) == (self.reason is not None):
            raise ValueError("a signal gives a reason exactly when its status is not ok")
        speaks = self.kind is SignalKind.MODEL and self.status is Status.OK
        if any((value is not None) != speaks for value in (self.probability, self.raw)):
            raise ValueError("a model signal has probability and raw score exactly when it is ok")
        if self.points is not None and not speaks:
            raise ValueError("only a model signal that is ok has operating points")


class Analyser(Protocol):
    """One source of evidence, learned or declared. Must be safe to call from many threads."""

    @property
    def id(self) -> str: ...

    @property
    def kind(self) -> SignalKind: ...

    def analyze(self, views: Views) -> Signal:
        """Judges the views. Raises nothing on purpose except `VeriscopeError`; the engine turns that into a status."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Opinion:
    """An answer, calibrated if the model is: an uncalibrated one has its own likelihood, and no interval."""

    raw: float
    probability: float
    interval: tuple[float, float] | None  # 90 %


class Detector(Analyser, Protocol):
    """A learned analyser. `analyze` judges a picture; of a clip it is asked for logits, which are pooled over frames."""

    @property
    def recipe(self) -> CropRecipe | None:
        """The face crop it wants; None when it looks at whole pictures."""
        ...

    @property
    def crops(self) -> tuple[CropRecipe, ...]:
        """All face crops that `analyze` wants to find in the views: its own, or those of its members."""
        ...

    @property
    def version(self) -> str: ...

    @property
    def task(self) -> str:
        """First part of its findings' codes: "scene", "face"."""
        ...

    def looks(self, frame: Frame) -> Sequence[Image.Image] | Finding:
        """What it looks at in a whole frame, or why it must not judge the frame. Only asked when it has no recipe."""
        ...

    def logits(self, pictures: Sequence[Image.Image]) -> Sequence[float]:
        """One logit for each picture that `looks` or the face crop gave; higher = more suspicious."""
        ...

    def opinion(self, logit: float, error: float) -> Opinion:
        """A mean logit with its standard error, calibrated if the model is."""
        ...

    def operating_points(self, count: int) -> OperatingPoints | None:
        """Thresholds when the most suspicious of `count` subjects speaks; None when nobody measured any."""
        ...

    @property
    def notes(self) -> tuple[Finding, ...]:
        """What a reader must know about this model whatever it answers."""
        ...
