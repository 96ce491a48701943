"""What every detector promises, whoever made it: one suite over all cards.

Nothing here depends on what a model says about a picture, only on how it says it.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageDraw
from sklearn.datasets import load_sample_image

from veriscope.detectors import catalogue, chosen, load, why_unavailable
from veriscope.detectors.card import Card
from veriscope.detectors.onnx import OnnxDetector
from veriscope.detectors.views import batch
from veriscope.domain import Face, Frame, Media, MediaFacts, MediaKind, Signal, SignalKind, Source, SourceKind, Status, Views
from veriscope.faces import FaceDetector, crop_face
from veriscope.runtime.sessions import open_session
from veriscope.settings import Settings

FOLDER = Path(skimage.data.__file__).parent
ROOT = Path(__file__).parents[2]
CARDS = catalogue(Settings())
MAX_BYTES = 30_000_000
CURVE_REACHES = 0.5  # of the strict rate: what two faces share
PARITY = 1e-5  # of a probability, between a batch and single pictures
LICENCES = {"Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0"}

every_card = pytest.mark.parametrize("card", [pytest.param(card, id=card.id) for card in CARDS])


@cache
def detector(identity: str) -> OnnxDetector:
    card = next(card for card in CARDS if card.id == identity)
    return cast("OnnxDetector", load([card], Settings(threads=1))[0])


@cache
def faces() -> FaceDetector:
    return FaceDetector(threads=1)


@cache
def pictures() -> tuple[Image.Image, ...]:
    """Photographs of several sizes, with one face, three faces, and none."""
    astronaut, cat = (np.asarray(Image.open(FOLDER / f"{name}.png").convert("RGB")) for name in ("astronaut", "chelsea"))
    real = [astronaut, np.tile(astronaut, (1, 3, 1)), cat, load_sample_image("china.jpg")]
    return tuple(Image.fromarray(pixels) for pixels in real)


def views(picture: Image.Image, *detectors: OnnxDetector, limit: int = 100) -> Views:
    """What the engine would show the detectors."""
    frame = Frame(0, picture)
    source = Source(SourceKind.BYTES, "bytes")
    facts = MediaFacts(source, MediaKind.IMAGE, "0" * 64, 0, "PNG", *picture.size)
    wanted = {one.recipe for one in detectors if one.recipe is not None}
    found: tuple[Face, ...] = faces().detect(frame, limit) if wanted else ()
    crops = {recipe: {face.id: crop_face(picture, face, recipe) for face in found if face.assessable} for recipe in wanted}
    return Views(Media(facts, b"", (frame,)), (frame,), found, crops)


def answers(card: Card) -> Iterator[Signal]:
    one = detector(card.id)
    for picture in pictures():
        signal = one.analyze(views(picture, one))
        if signal.status is Status.OK:
            yield signal


# The card


def test_there_are_detectors_and_defaults() -> None:
    assert CARDS
    assert chosen(Settings())


@every_card
def test_the_weights_are_the_pinned_file(card: Card) -> None:
    data = card.weights_path.read_bytes()
    assert hashlib.sha256(data).hexdigest() == card.weights.sha256
    assert len(data) == card.weights.bytes
    assert why_unavailable(card) == ""


@every_card
def test_the_weights_are_small_enough_to_ship(card: Card) -> None:
    assert card.weights.bytes < MAX_BYTES


@every_card
def test_the_licence_is_named_and_fits_a_free_product(card: Card) -> None:
    assert card.licence in LICENCES
    if card.default:
        assert card.commercial_use in ("yes", "unclear"), "weights that forbid commercial use cannot be a default"
    assert len(card.terms) > 10, "the terms of the training data, in one sentence"


@every_card
def test_the_card_is_written_for_people(card: Card) -> None:
    assert card.name
    assert card.summary.endswith((".", "?"))
    assert re.fullmatch(r"\d+\.\d+\.\d+", card.version)


@every_card
def test_the_crop_recipe_is_recorded(card: Card) -> None:
    if card.task == "face":
        assert card.recipe is not None
        assert (card.recipe.size, card.recipe.margin) == (card.input.size, card.input.margin)
        assert card.input.margin >= 1.0
        assert card.input.tiles == 0
    else:
        assert card.recipe is None


@every_card
def test_the_evidence_is_measured_and_sane(card: Card) -> None:
    evidence = card.evidence
    assert evidence.real >= 200, "a false-positive rate of some per cent needs hundreds of real pictures"
    assert evidence.synthetic >= 100
    assert 0.5 < evidence.auc <= 1
    assert 0 <= evidence.eer < 0.5
    assert evidence.tpr_at_fpr_1 <= evidence.tpr_at_fpr_5
    assert evidence.fpr_strong <= evidence.fpr_some < 0.5
    assert 0 <= evidence.ece < 0.5
    assert card.calibration.fitted <= evidence.measured <= datetime.now(UTC).date()
    assert card.calibration.n >= 100


@every_card
def test_the_evidence_includes_what_training_never_saw(card: Card) -> None:
    assert card.evidence.unseen, "in-set numbers alone say nothing about the next generator"
    assert all(0 <= value <= 1 for value in card.evidence.unseen.values())


@every_card
def test_the_command_that_measures_exists(card: Card) -> None:
    module = re.search(r"python -m research\.(\w+)", card.evidence.command)
    assert module is not None, card.evidence.command
    assert (ROOT / "research" / f"{module[1]}.py").is_file()


@every_card
def test_the_curve_resolves_the_rates_that_grades_rest_on(card: Card) -> None:
    rates = [point.rate for point in card.points.curve]
    assert rates[0] >= card.points.clear
    assert rates[-1] <= card.points.strong * CURVE_REACHES, "two faces share the strict rate"
    assert {card.points.clear, card.points.some, card.points.strong} <= set(rates), "thresholds are measured, not rounded"


@every_card
@pytest.mark.parametrize("count", [1, 2, 5, 100])
def test_thresholds_are_ordered(card: Card, count: int) -> None:
    points = card.operating_points(count)
    assert 0 < points.clear <= points.some <= points.strong < 1
    if count == 1:
        assert points.clear < points.strong, "a card whose thresholds coincide has no grades"


@every_card
def test_the_calibration_has_an_uncertainty(card: Card) -> None:
    var_a, cov, var_b = card.calibration.covariance
    assert var_a > 0
    assert var_b > 0
    assert cov * cov <= var_a * var_b * (1 + 1e-4), "a covariance matrix is positive semidefinite"


# The model


@every_card
def test_answers_are_complete_and_in_range(card: Card) -> None:
    found = list(answers(card))
    assert found, "no picture could be judged"
    for signal in found:
        assert (signal.source, signal.kind) == (card.id, SignalKind.MODEL)
        assert signal.probability is not None
        assert signal.raw is not None
        assert signal.interval is not None
        assert 0 <= signal.interval[0] <= signal.probability <= signal.interval[1] <= 1
        assert signal.scores
        assert signal.probability == max(score.probability for score in signal.scores)
        assert len(signal.findings) >= 1
        for grid in signal.maps:
            assert 0 <= min(grid.values) <= max(grid.values) <= 1


@every_card
def test_answers_are_repeatable(card: Card) -> None:
    one = detector(card.id)
    for picture in pictures():
        shown = views(picture, one)
        assert one.analyze(shown) == one.analyze(shown)


@every_card
def test_another_session_gives_the_same_answer(card: Card) -> None:
    one, other = detector(card.id), OnnxDetector(card, threads=2)
    shown = views(pictures()[0], one)
    assert one.analyze(shown).probability == pytest.approx(other.analyze(shown).probability, abs=PARITY)


@every_card
def test_a_batch_answers_like_single_pictures(card: Card) -> None:
    session = open_session(card.weights_path, card.weights.sha256, threads=1)
    name, size = session.get_inputs()[0].name, (card.input.size, card.input.size)
    pixels = batch([picture.resize(size) for picture in pictures()] * 2, card.input.mean, card.input.std)
    together = session.run([card.output.logit], {name: pixels})[0].reshape(-1)
    single = [session.run([card.output.logit], {name: pixels[n : n + 1]})[0].reshape(-1)[0] for n in range(len(pixels))]
    assert len(together) == len(pixels), "one logit a picture"
    assert 1 / (1 + np.exp(-together)) == pytest.approx(1 / (1 + np.exp(-np.array(single))), abs=PARITY)


@every_card
def test_the_map_adds_up_to_the_answer(card: Card) -> None:
    """The map is the logit place by place, not a second model's guess."""
    if card.output.map is None:
        pytest.skip("no map")
    session = open_session(card.weights_path, card.weights.sha256, threads=1)
    size = (card.input.size, card.input.size)
    pixels = batch([picture.resize(size) for picture in pictures()], card.input.mean, card.input.std)
    logits, grids = session.run([card.output.logit, card.output.map], {session.get_inputs()[0].name: pixels})
    assert grids.reshape(len(pixels), -1).mean(axis=1) == pytest.approx(logits.reshape(-1), abs=1e-3)


@every_card
def test_the_probability_rises_with_the_raw_score(card: Card) -> None:
    scores = sorted((score.raw, score.probability) for signal in answers(card) for score in signal.scores)
    for (raw, probability), (higher, other) in itertools.pairwise(scores):
        assert probability < other if raw < higher else probability == other


@every_card
def test_nothing_is_changed(card: Card) -> None:
    one = detector(card.id)
    for picture in pictures():
        shown = views(picture, one)
        looked_at = [picture, *(crop for crops in shown.crops.values() for crop in crops.values())]
        before = [image.tobytes() for image in looked_at]
        one.analyze(shown)
        assert [image.tobytes() for image in looked_at] == before


def empty() -> Image.Image:
    return Image.new("RGB", (400, 300), (90, 120, 160))


def document() -> Image.Image:
    page = Image.new("RGB", (600, 800), (252, 252, 250))
    for line in range(40, 760, 20):
        ImageDraw.Draw(page).text((40, line), "A letter with many words in every line, and no face at all.", fill=(10, 10, 10))
    return page


def icon() -> Image.Image:
    return pictures()[0].resize((32, 32))


@every_card
@pytest.mark.parametrize("make", [empty, document, icon], ids=lambda make: make.__name__)
def test_what_a_model_does_not_know_is_skipped_with_a_reason(card: Card, make: Callable[[], Image.Image]) -> None:
    one = detector(card.id)
    signal = one.analyze(views(make(), one))
    assert signal.status is Status.SKIPPED
    assert (signal.probability, signal.raw, signal.points) == (None, None, None)
    assert signal.reason is not None


@every_card
def test_faces_that_cannot_be_judged_are_no_answer(card: Card) -> None:
    if card.recipe is None:
        pytest.skip("looks at whole pictures")
    one = detector(card.id)
    assert one.analyze(views(pictures()[2], one)).status is Status.SKIPPED, "a cat has no human face"
    small = Image.new("RGB", (640, 640), (90, 90, 90))
    small.paste(pictures()[0].resize((256, 256)), (50, 50))
    shown = views(small, one)
    assert shown.faces
    assert one.analyze(shown).status is Status.SKIPPED


@every_card
def test_every_face_is_judged_and_the_worst_one_speaks(card: Card) -> None:
    if card.recipe is None:
        pytest.skip("looks at whole pictures")
    one = detector(card.id)
    signal = one.analyze(views(pictures()[1], one))
    assert [score.face for score in signal.scores] == [1, 2, 3]
    assert signal.findings[0].face == max(signal.scores, key=lambda score: score.raw).face
