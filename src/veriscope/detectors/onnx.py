"""Runs any ONNX file that a card describes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veriscope.detectors.card import Card, sigmoid
from veriscope.detectors.gate import scene_refusal
from veriscope.detectors.views import batch, native_tiles, whole_view
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
from veriscope.errors import ModelError
from veriscope.runtime.sessions import open_session

_BATCH = 16  # views per run: bounds memory for a group photo of a hundred faces


@dataclass(frozen=True, slots=True)
class _Answer:
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


class OnnxDetector:
    """One embedded or foreign model; one object serves many threads."""

    kind = SignalKind.MODEL

    def __init__(self, card: Card, threads: int = 0) -> None:
        self.card = card
        self._session = open_session(card.weights_path, card.weights.sha256, threads)
        self._input = self._session.get_inputs()[0].name
        self._outputs = [name for name in (card.output.logit, card.output.map) if name]

    @property
    def id(self) -> str:
        return self.card.id

    @property
    def version(self) -> str:
        return f"{self.card.version} sha256:{self.card.weights.sha256[:16]}"

    @property
    def recipe(self) -> CropRecipe | None:
        return self.card.recipe

    @property
    def task(self) -> str:
        return self.card.task

    def looks(self, frame: Frame) -> Sequence[Image.Image] | Finding:
        """The views of a whole frame, or why the model must not judge it."""
        return scene_refusal(frame) or [picture for picture, _ in self._pieces(frame)]

    def logits(self, pictures: Sequence[Image.Image]) -> Sequence[float]:
        """One logit for each view or crop."""
        return [float(value) for value in self._answer(pictures, []).logits]

    def opinion(self, logit: float, error: float) -> Opinion:
        """A mean logit with its standard error, calibrated as the card says."""
        calibration = self.card.calibration
        return Opinion(sigmoid(logit), calibration.probability(logit), calibration.interval(logit, error))

    def operating_points(self, count: int) -> OperatingPoints:
        return self.card.operating_points(count)

    def analyze(self, views: Views) -> Signal:
        """A probability for the picture, or the most suspicious face's; skipped when the model does not apply."""
        if self.recipe is None:
            return self._analyze_scene(views.frames[0])
        return self._analyze_faces(views, self.recipe)

    def _analyze_scene(self, frame: Frame) -> Signal:
        refusal = scene_refusal(frame)
        if refusal is not None:
            return self._skipped(refusal)
        pieces = self._pieces(frame)
        answer = self._answer([picture for picture, _ in pieces], [box for _, box in pieces])
        score = self._score(answer, "picture", frame=frame.index)
        return self._signal([score], answer)

    def _pieces(self, frame: Frame) -> list[tuple[Image.Image, Box]]:
        size = self.card.input.size
        whole, box = whole_view(frame.overview, size)
        return [(whole, box.scaled(frame.shrink)), *native_tiles(frame.image, size, self.card.input.tiles)]

    def _analyze_faces(self, views: Views, recipe: CropRecipe) -> Signal:
        faces = [face for face in views.faces if face.assessable]
        if not faces:
            return self._skipped(
                Finding("face.none_assessable", {"count": len(views.faces)}) if views.faces else Finding("face.none")
            )
        answers = [self._answer([views.crops[recipe][face.id]], [face.box]) for face in faces]
        scores = [self._score(answer, "face", face=face.id) for face, answer in zip(faces, answers, strict=True)]
        worst = max(range(len(scores)), key=lambda index: scores[index].raw)
        return self._signal(scores, answers[worst])

    def _answer(self, pictures: Sequence[Image.Image], boxes: Sequence[Box]) -> _Answer:
        recipe = self.card.input
        logits: list[float] = []
        maps: list[DenseMap] = []
        for start in range(0, len(pictures), _BATCH):
            pixels = batch(list(pictures[start : start + _BATCH]), recipe.mean, recipe.std)
            found = self._session.run(self._outputs, {self._input: pixels})
            if found[0].size != len(pixels):
                # Two numbers per picture are two classes, and guessing which of them is "synthetic" inverts every answer.
                raise ModelError(
                    f"The model {self.id} gives {found[0].size} numbers for {len(pixels)} pictures, not one logit each. "
                    "Export it with one logit that rises with synthetic pictures."
                )
            logits.extend(float(value) for value in found[0].reshape(-1))
            if self.card.output.map and boxes:
                maps.extend(
                    _dense_map(self.card, grid, box) for grid, box in zip(found[1], boxes[start : start + _BATCH], strict=True)
                )
        return _Answer(np.array(logits, np.float32), tuple(maps))

    def _score(self, answer: _Answer, subject: str, face: int | None = None, frame: int | None = None) -> Score:
        raw = sigmoid(answer.mean)
        probability = self.card.calibration.probability(answer.mean)
        return Score("face" if subject == "face" else "picture", raw, probability, face, frame)

    def _signal(self, scores: Sequence[Score], answer: _Answer) -> Signal:
        worst = max(scores, key=lambda score: score.raw)
        points = self.card.operating_points(len(scores))
        suspicious = worst.probability >= points.some
        if suspicious:
            code = f"{self.card.task}.suspicious"
        else:
            code = f"{self.card.task}.{'unclear' if worst.probability >= points.clear else 'unsuspicious'}"
        tendency = Tendency.SUSPICIOUS if suspicious else Tendency.NEUTRAL
        params = {"count": len(scores), **({"face": worst.face} if worst.face is not None else {})}
        return Signal(
            self.id,
            self.kind,
            Status.OK,
            probability=worst.probability,
            raw=worst.raw,
            interval=self.card.calibration.interval(answer.mean, answer.spread),
            findings=(Finding(code, params, tendency, face=worst.face),),
            scores=tuple(scores),
            maps=answer.maps,
            points=points,
        )

    def _skipped(self, reason: Finding) -> Signal:
        return Signal(self.id, self.kind, Status.SKIPPED, reason=reason)


def _dense_map(card: Card, grid: NDArray[np.float32], box: Box) -> DenseMap:
    calibration = card.calibration
    values = tuple(round(calibration.probability(float(value)), 3) for value in grid.reshape(-1))
    return DenseMap(f"{card.task}.map", grid.shape[0], grid.shape[1], values, box)
