"""A model that is not in the wheel, as a detector like any other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from veriscope.detectors.card import sigmoid
from veriscope.detectors.hub.backends import Backend, open_backend
from veriscope.detectors.hub.calibration import FittedCalibration, read_calibration
from veriscope.detectors.hub.lock import Lock, Outcome
from veriscope.detectors.hub.plan import Plan, read_plan
from veriscope.detectors.hub.reference import Reference
from veriscope.detectors.hub.repository import Repository, open_repository
from veriscope.detectors.hub.selftest import SUSPECT, self_test
from veriscope.detectors.learned import Answer, LearnedDetector
from veriscope.domain import SHOWN_MAX, SHOWN_MIN, Box, CropRecipe, Finding, Frame, OperatingPoints, Opinion
from veriscope.errors import MissingExtra
from veriscope.runtime.folders import hub_folder
from veriscope.settings import Settings

_BATCH = 8  # pictures per run: a large network keeps hundreds of megabytes of activations for each


class HubDetector(LearnedDetector):
    """A network with its plan. Without a calibration it has no operating points: it neither accuses nor clears."""

    def __init__(
        self, repository: Repository, plan: Plan, backend: Backend, calibration: FittedCalibration | None = None
    ) -> None:
        self.plan = plan
        self.outcome: Outcome = {}  # of the self-test
        self._repository, self._backend, self._calibration = repository, backend, calibration

    @property
    def id(self) -> str:
        return self._repository.id

    @property
    def version(self) -> str:
        return self._repository.version

    @property
    def recipe(self) -> CropRecipe | None:
        return self.plan.crop

    @property
    def task(self) -> str:
        return self.plan.task

    @property
    def notes(self) -> tuple[Finding, ...]:
        suspect = self.outcome.get("outcome") == SUSPECT
        fitted = self._calibration.notes if self._calibration is not None else ()
        return (*fitted, *self.plan.notes, *((Finding("hub.suspect"),) if suspect else ()))

    def pieces(self, frame: Frame) -> list[tuple[Image.Image, Box]]:
        """The picture as the model's own recipe prepares it."""
        return [(self.plan.recipe.view(frame.image), Box(0, 0, frame.image.width, frame.image.height))]

    def answer(self, pictures: Sequence[Image.Image], boxes: Sequence[Box] = ()) -> Answer:  # noqa: ARG002 no maps of strangers
        recipe = self.plan.recipe
        # A face crop is a picture like those that the model was trained with; a piece of a scene is prepared already.
        views = list(pictures) if self.recipe is None else [recipe.view(picture) for picture in pictures]
        logits = [np.empty(0)]
        for start in range(0, len(views), _BATCH):
            outputs = self._backend.run(recipe.pixels(views[start : start + _BATCH]))
            logits.append(self.plan.meaning.logits(outputs))
        return Answer(np.concatenate(logits).astype(np.float32))

    def opinion(self, logit: float, error: float) -> Opinion:
        if self._calibration is not None:
            return self._calibration.opinion(logit, error)
        own = sigmoid(logit)
        return Opinion(own, min(max(own, SHOWN_MIN), SHOWN_MAX), None)

    def operating_points(self, count: int) -> OperatingPoints | None:
        return self._calibration.operating_points(count) if self._calibration else None


def open_model(reference: Reference, settings: Settings) -> HubDetector:
    """The detector that a reference names, verified, tested and calibrated if a calibration of this version exists.

    Raises:
        ModelError: it cannot be had, or not be run here; every error of its files, licence and form is one.
        RemoteError: the Hub could not be reached.
        DataError: the lock or the calibration is damaged.
    """
    return open_detector(open_repository(reference, settings), settings)


def open_detector(repository: Repository, settings: Settings) -> HubDetector:
    """The same over files that are open already."""
    plan = read_plan(repository)
    backend = open_backend(repository, plan.config, plan.recipe.size, len(plan.meaning.words), settings.threads)
    detector = HubDetector(repository, plan, backend, _calibration(repository, settings))
    detector.outcome = _tested(detector, repository, settings)
    return detector


def _calibration(repository: Repository, settings: Settings) -> FittedCalibration | None:
    try:
        folder = hub_folder(settings)
    except MissingExtra:  # a folder of the user's runs without the extra; what was never kept cannot be found
        return None
    return read_calibration(folder, repository.id, repository.version)


def _tested(detector: HubDetector, repository: Repository, settings: Settings) -> Outcome:
    """What the self-test found: of a Hub model once, and kept in the lock; of a folder each time, and nothing is kept."""
    if repository.reference.folder is not None:
        return self_test(detector)
    lock = Lock.of(settings)
    known = lock.selftest(repository)
    if known is None:
        known = self_test(detector)
        lock.record_selftest(repository, known)
    return known
