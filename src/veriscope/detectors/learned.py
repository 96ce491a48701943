"""What all learned detectors share: views of a picture or of its faces in, one signal out."""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veriscope.detectors.gate import scene_refusal
from veriscope.domain import (
    Box,
    CropRecipe,
    DenseMap,
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


@dataclass(frozen=True, slots=True)
class Answer:
    """Logits of the views of one subject, and their maps."""

    logits: NDArray[np.float32]
    maps: tuple[DenseMap, ...] = ()

    @property
    def mean(self) -> float:
        return float(self.logits.mean())

    @property
    def spread(self) -> float:
        """Standard error of the mean over views: how far the views disagree."""
        count = len(self.logits)
        return float(self.logits.std(ddof=1) / math.sqrt(count)) if count > 1 else 0.0


class LearnedDetector(abc.ABC):
    """The `Detector` of domain/signal.py over whatever runs the network. One object serves many threads."""

    kind = SignalKind.MODEL

    @property
    @abc.abstractmethod
    def id(self) -> str: ...

    @property
    @abc.abstractmethod
    def version(self) -> str: ...

    @property
    @abc.abstractmethod
    def recipe(self) -> CropRecipe | None: ...

    @property
    def crops(self) -> tuple[CropRecipe, ...]:
        """The face crop that it wants, if it wants one."""
        return (self.recipe,) if self.recipe is not None else ()

    @property
    @abc.abstractmethod
    def task(self) -> str: ...

    @abc.abstractmethod
    def pieces(self, frame: Frame) -> list[tuple[Image.Image, Box]]:
        """What a whole-picture model looks at, and which part of the picture each piece covers."""

    @abc.abstractmethod
    def answer(self, pictures: Sequence[Image.Image], boxes: Sequence[Box] = ()) -> Answer:
        """Logits of pieces or face crops; maps too when `boxes` say where the pieces lie."""

    @abc.abstractmethod
    def opinion(self, logit: float, error: float) -> Opinion:
        """A mean logit with its standard error, calibrated if the model is."""

    @abc.abstractmethod
    def operating_points(self, count: int) -> OperatingPoints | None:
        """Thresholds when the most suspicious of `count` subjects speaks; None when nobody measured any."""

    @property
    def notes(self) -> tuple[Finding, ...]:
        """What a reader must know about this model whatever it answers."""
        return ()

    def looks(self, frame: Frame) -> Sequence[Image.Image] | Finding:
        """The views of a whole frame, or why the model must not judge it."""
        return scene_refusal(frame) or [picture for picture, _ in self.pieces(frame)]

    def logits(self, pictures: Sequence[Image.Image]) -> Sequence[float]:
        """One logit for each view or crop."""
        return [float(value) for value in self.answer(pictures).logits]

    def analyze(self, views: Views) -> Signal:
        """A probability for the picture, or the most suspicious face's; skipped when the model does not apply."""
        if self.recipe is None:
            return self._analyze_scene(views.frames[0])
        return self._analyze_faces(views, self.recipe)

    def _analyze_scene(self, frame: Frame) -> Signal:
        refusal = scene_refusal(frame)
        if refusal is not None:
            return self._skipped(refusal)
        pieces = self.pieces(frame)
        answer = self.answer([picture for picture, _ in pieces], [box for _, box in pieces])
        said = self.opinion(answer.mean, 0.0)
        return self._signal([Score("picture", said.raw, said.probability, frame=frame.index)], answer)

    def _analyze_faces(self, views: Views, recipe: CropRecipe) -> Signal:
        faces = [face for face in views.faces if face.assessable]
        if not faces:
            return self._skipped(
                Finding("face.none_assessable", {"count": len(views.faces)}) if views.faces else Finding("face.none")
            )
        answers = [self.answer([views.crops[recipe][face.id]], [face.box]) for face in faces]
        said = [self.opinion(answer.mean, 0.0) for answer in answers]
        scores = [Score("face", one.raw, one.probability, face.id) for face, one in zip(faces, said, strict=True)]
        worst = max(range(len(scores)), key=lambda index: scores[index].raw)
        return self._signal(scores, answers[worst])

    def _signal(self, scores: Sequence[Score], answer: Answer) -> Signal:
        worst = max(scores, key=lambda score: score.raw)
        points = self.operating_points(len(scores))
        return Signal(
            self.id,
            self.kind,
            Status.OK,
            probability=worst.probability,
            raw=worst.raw,
            interval=self.opinion(answer.mean, answer.spread).interval,
            findings=(self._finding(worst, len(scores), points), *self.notes),
            scores=tuple(scores),
            maps=answer.maps,
            points=points,
        )

    def _finding(self, worst: Score, count: int, points: OperatingPoints | None) -> Finding:
        if points is None:
            return Finding("hub.uncalibrated", face=worst.face)
        suspicious = worst.probability >= points.some
        if suspicious:
            code = f"{self.task}.suspicious"
        else:
            code = f"{self.task}.{'unclear' if worst.probability >= points.clear else 'unsuspicious'}"
        tendency = Tendency.SUSPICIOUS if suspicious else Tendency.NEUTRAL
        params = {"count": count, **({"face": worst.face} if worst.face is not None else {})}
        return Finding(code, params, tendency, face=worst.face)

    def _skipped(self, reason: Finding) -> Signal:
        return Signal(self.id, self.kind, Status.SKIPPED, reason=reason)
