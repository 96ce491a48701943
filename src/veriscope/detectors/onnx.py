"""Runs any ONNX file that a card describes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veriscope.detectors.card import Calibration, Card, sigmoid
from veriscope.detectors.hub.calibration import FittedCalibration
from veriscope.detectors.learned import Answer, LearnedDetector
from veriscope.detectors.views import batch, native_tiles, whole_view
from veriscope.domain import Box, CropRecipe, DenseMap, Finding, Frame, OperatingPoints, Opinion
from veriscope.errors import ModelError
from veriscope.runtime.sessions import open_session

_BATCH = 16  # views per run: bounds memory for a group photo of a hundred faces


class OnnxDetector(LearnedDetector):
    """One embedded or foreign model; one object serves many threads."""

    def __init__(self, card: Card, threads: int = 0, own: FittedCalibration | None = None) -> None:
        """`own` replaces the card's calibration and thresholds by those fitted to the user's pictures."""
        self.card, self._own = card, own
        self._platt = card.calibration if own is None else own.platt
        self._session = open_session(card.weights_path, card.weights.sha256, threads)
        self._input = self._session.get_inputs()[0].name
        self._outputs = [name for name in (card.output.logit, card.output.map) if name]

    @property
    def id(self) -> str:
        return self.card.id

    @property
    def version(self) -> str:
        return self.card.pinned_version

    @property
    def recipe(self) -> CropRecipe | None:
        return self.card.recipe

    @property
    def task(self) -> str:
        return self.card.task

    def opinion(self, logit: float, error: float) -> Opinion:
        """A mean logit with its standard error, calibrated as the card says."""
        if self._own is not None:
            return self._own.opinion(logit, error)
        return Opinion(sigmoid(logit), self._platt.probability(logit), self._platt.interval(logit, error))

    def operating_points(self, count: int) -> OperatingPoints:
        return (self._own or self.card).operating_points(count)

    @property
    def notes(self) -> tuple[Finding, ...]:
        return self._own.notes if self._own is not None else ()

    def pieces(self, frame: Frame) -> list[tuple[Image.Image, Box]]:
        """The whole, and squares at native size if the card wants them."""
        size = self.card.input.size
        whole, box = whole_view(frame.overview, size)
        return [(whole, box.scaled(frame.shrink)), *native_tiles(frame.image, size, self.card.input.tiles)]

    def answer(self, pictures: Sequence[Image.Image], boxes: Sequence[Box] = ()) -> Answer:
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
                    _dense_map(self.task, self._platt, grid, box)
                    for grid, box in zip(found[1], boxes[start : start + _BATCH], strict=True)
                )
        return Answer(np.array(logits, np.float32), tuple(maps))


def _dense_map(task: str, calibration: Calibration, grid: NDArray[np.float32], box: Box) -> DenseMap:
    values = tuple(round(calibration.probability(float(value)), 3) for value in grid.reshape(-1))
    return DenseMap(f"{task}.map", grid.shape[0], grid.shape[1], values, box)
