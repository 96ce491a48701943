"""One detector and what it needs in order to look: its own answer, before calibration, about pictures, copies and clips.

The verdict's rules, rechecks and provenance are left out: they are the product's, and a comparison is about detectors.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from types import MappingProxyType

import numpy as np
from PIL import Image

from veriscope import detectors
from veriscope._version import __version__
from veriscope.clips import ClipAnalysis
from veriscope.detectors.hub.ensemble import EnsembleDetector
from veriscope.domain import CropRecipe, Detector, Finding, Frame, Media, OperatingPoints, Signal, Status, Views
from veriscope.evaluation.metrics import Values
from veriscope.faces import FaceDetector, crop_face
from veriscope.settings import Settings

Alter = Callable[[Image.Image], Image.Image]

UNCALIBRATED_THRESHOLD = 0.5
"""Where a detector without thresholds of its own is said to flag a picture. Marked wherever it is shown."""

_UTMOST = 60.0  # logit of a pooled clip whose likelihood is 0 or 1 in floating point


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What a detector said. `logit` rises with suspicion; None exactly when the status is not ok."""

    status: Status
    reason: str = ""  # code of a finding or error, when the status is not ok
    logit: float | None = None
    error: float = 0.0  # standard error of the logit over the views of a picture
    subjects: int = 1  # faces or views among which the most suspicious one spoke

    def __post_init__(self) -> None:
        if (self.logit is None) == (self.status is Status.OK):
            raise ValueError("an answer has a logit exactly when its status is ok")


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """What a detector looks at in one picture, or the answer that it gives without looking."""

    pieces: tuple[Image.Image, ...] = ()
    answer: Answer | None = None


class Judge:
    """A detector by its name, ready to be asked from many threads."""

    def __init__(self, name: str, settings: Settings) -> None:
        """Opens the model.

        Raises:
            DataError: there is no such detector.
            ModelError: it cannot run here.
        """
        self.settings = dataclasses.replace(settings, detectors=(name,))
        (self.detector,) = detectors.load(detectors.chosen(self.settings), self.settings)
        self._faces = FaceDetector(settings.threads) if self.detector.crops else None

    @property
    def id(self) -> str:
        return self.detector.id

    @property
    def version(self) -> str:
        """Everything that an uncalibrated answer depends on, so that what was kept of another version is not used."""
        sampling = self.settings.sampling
        return f"{self.detector.version} veriscope {__version__} frames {sampling.frames} {sampling.fps} {sampling.max_seconds}"

    @property
    def calibrated(self) -> bool:
        """Whether it has measured thresholds: without them its likelihood is its own claim."""
        return _points(self.detector, 1) is not None

    def look(self, media: Media, alter: Alter | None = None) -> Look:
        """What the detector wants to see of a picture, or its answer if it must not judge; a clip is judged at once."""
        if media.clip is not None:
            return Look(answer=self._of_clip(media))
        frame = media.frames[0] if alter is None else Frame(0, alter(media.frames[0].image))
        if isinstance(self.detector, EnsembleDetector):
            return Look(answer=self._together(self.detector, media, frame))
        recipe = self.detector.recipe
        found = self.detector.looks(frame) if recipe is None else self._crops(frame, recipe)
        if isinstance(found, Finding):
            return Look(answer=Answer(Status.SKIPPED, found.code))
        return Look(pieces=tuple(found))

    def answers(self, looks: Sequence[Look]) -> list[Answer]:
        """The answers about several pictures, whose pieces go through the model together."""
        pieces = [piece for look in looks for piece in look.pieces]
        logits = np.asarray(self.detector.logits(pieces), np.float64) if pieces else np.empty(0)
        found, start = [], 0
        for look in looks:
            end = start + len(look.pieces)
            found.append(look.answer or self._pooled(logits[start:end]))
            start = end
        return found

    def probability(self, answer: Answer) -> float:
        """The likelihood that it gives: calibrated if it is, else its own sigmoid, which nothing was subtracted from."""
        if answer.logit is None:
            raise ValueError("only an answer with a logit has a likelihood")
        opinion = self.detector.opinion(answer.logit, answer.error)
        return opinion.probability if self.calibrated else opinion.raw

    def flags(self, answer: Answer) -> bool:
        """Whether it calls the picture suspicious: at its shipped threshold, or at one half if it has none."""
        points = _points(self.detector, answer.subjects)
        return self.probability(answer) >= (UNCALIBRATED_THRESHOLD if points is None else points.some)

    def _crops(self, frame: Frame, recipe: CropRecipe) -> list[Image.Image] | Finding:
        faces = self._faces.detect(frame, self.settings.limits.max_faces) if self._faces else ()
        usable = [face for face in faces if face.assessable]
        if not usable:
            return Finding("face.none_assessable", {"count": len(faces)}) if faces else Finding("face.none")
        return [crop_face(frame.image, face, recipe) for face in usable]

    def _together(self, ensemble: EnsembleDetector, media: Media, frame: Frame) -> Answer:
        """The answer of all members to one picture, combined as in an analysis."""
        faces = tuple(self._faces.detect(frame, self.settings.limits.max_faces)) if self._faces else ()
        usable = [face for face in faces if face.assessable]
        crops = {recipe: {face.id: crop_face(frame.image, face, recipe) for face in usable} for recipe in ensemble.crops}
        signal = ensemble.analyze(Views(media, (frame,), faces, MappingProxyType(crops)))
        if signal.raw is None:
            return Answer(signal.status, signal.reason.code if signal.reason else "")
        return Answer(Status.OK, logit=_logit(signal.raw), subjects=max(1, len(usable)))

    def _pooled(self, logits: Values) -> Answer:
        """The most suspicious face speaks; the views of a whole picture speak together (as in `OnnxDetector.analyze`)."""
        if not np.isfinite(logits).all():
            return Answer(Status.FAILED, "not_a_number")
        if self.detector.recipe is not None:
            return Answer(Status.OK, logit=float(logits.max()), subjects=len(logits))
        error = float(logits.std(ddof=1) / math.sqrt(len(logits))) if len(logits) > 1 else 0.0
        return Answer(Status.OK, logit=float(logits.mean()), error=error)

    def _of_clip(self, media: Media) -> Answer:
        if media.clip is None:
            raise ValueError("this is a picture")
        analysis = ClipAnalysis(media, media.clip, (self.detector,), self._faces, ())
        for _ in analysis.run():
            pass
        signal = analysis.looked.signals[0]
        if signal.status is not Status.OK or signal.raw is None:
            return Answer(signal.status, signal.reason.code if signal.reason else "")
        return Answer(Status.OK, logit=_logit(signal.raw), subjects=_spoken_of(signal))


def _points(detector: Detector, count: int) -> OperatingPoints | None:
    return detector.operating_points(count)


def _spoken_of(signal: Signal) -> int:
    return max(1, sum(score.subject in ("track", "clip") for score in signal.scores))


def _logit(probability: float) -> float:
    if not 0 < probability < 1:
        return math.copysign(_UTMOST, probability - 0.5)
    return math.log(probability / (1 - probability))
