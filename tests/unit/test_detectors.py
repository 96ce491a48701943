"""What a model is shown, what it is not asked, and how its answer becomes a signal."""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from domain_made import face, photograph, views
from models_made import FACE, SIDE, brightness_model, made_card
from PIL import Image, ImageDraw
from sklearn.datasets import load_sample_image

from veriscope.detectors import load
from veriscope.detectors.gate import MIN_SIDE, scene_refusal
from veriscope.detectors.onnx import OnnxDetector
from veriscope.detectors.views import batch, native_tiles, whole_view
from veriscope.domain import Box, Frame, Signal, Status, Views
from veriscope.errors import ModelError
from veriscope.settings import Settings

SIZES = [(64, 64), (79, 64), (80, 64), (128, 128), (1000, 80), (80, 1000), (30_000, 64), (333, 517), (1920, 1080)]


def grey(value: int, size: tuple[int, int] = (100, 100)) -> Image.Image:
    return Image.new("RGB", size, (value, value, value))


def ramp(size: tuple[int, int], low: int = 0, high: int = 255) -> Image.Image:
    """Dark on the left, bright on the right, with a grain that no screenshot has."""
    columns = np.linspace(low, high, size[0])
    pixels = np.repeat(np.tile(columns, (size[1], 1))[:, :, None], 3, axis=2)
    grain = np.random.default_rng(1).normal(0, 2, pixels.shape)
    return Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8))


# Views


@pytest.mark.parametrize("size", [*SIZES, (20, 500), (16, 16)], ids=str)
def test_the_whole_view_is_the_largest_centred_square(size: tuple[int, int]) -> None:
    picture, box = whole_view(Image.new("RGB", size), SIDE)
    assert picture.size == (SIDE, SIDE)
    assert box.width == box.height == min(size)
    assert abs(2 * box.x + box.width - size[0]) <= 1
    assert abs(2 * box.y + box.height - size[1]) <= 1


def test_the_whole_view_keeps_the_ratio_of_the_sides() -> None:
    picture = Image.new("RGB", (400, 200), (0, 0, 0))
    ImageDraw.Draw(picture).ellipse((160, 60, 240, 140), fill=(255, 255, 255))
    view = np.asarray(whole_view(picture, 100)[0])[:, :, 0] > 128
    assert view.any(axis=0).sum() == pytest.approx(view.any(axis=1).sum(), abs=1)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9, 16])
def test_tiles_are_distinct_squares_inside_the_picture(size: tuple[int, int], count: int) -> None:
    tiles = native_tiles(Image.new("RGB", size), SIDE, count)
    assert len(tiles) <= count
    assert len({(box.x, box.y) for _, box in tiles}) == len(tiles)
    for picture, box in tiles:
        assert picture.size == (SIDE, SIDE)
        assert box.width == box.height == SIDE
        assert 0 <= box.x <= size[0] - SIDE
        assert 0 <= box.y <= size[1] - SIDE


def test_tiles_are_not_resampled() -> None:
    picture = ramp((300, 200))
    for tile, box in native_tiles(picture, SIDE, 4):
        x, y = int(box.x), int(box.y)
        assert tile.tobytes() == picture.crop((x, y, x + SIDE, y + SIDE)).tobytes()


@pytest.mark.parametrize(
    ("size", "count", "wanted"),
    [
        pytest.param((300, 300), 4, 4, id="square"),
        pytest.param((2000, 70), 4, 4, id="panorama, side by side"),
        pytest.param((70, 2000), 4, 4, id="tower, one above the other"),
        pytest.param((300, 300), 0, 0, id="none wanted"),
        pytest.param((70, 70), 4, 0, id="hardly larger than a tile"),
        pytest.param((300, 63), 4, 0, id="lower than a tile"),
        pytest.param((81, 64), 4, 2, id="rows that coincide count once"),
    ],
)
def test_the_number_of_tiles(size: tuple[int, int], count: int, wanted: int) -> None:
    assert len(native_tiles(Image.new("RGB", size), SIDE, count)) == wanted


def test_a_batch_holds_normalised_channels_first() -> None:
    pictures = [Image.new("RGB", (4, 2), (10, 20, 30)), Image.new("RGB", (4, 2), (40, 50, 60))]
    found = batch(pictures, (10.0, 10.0, 10.0), (10.0, 5.0, 2.0))
    assert found.shape == (2, 3, 2, 4)
    assert found.dtype == np.float32
    assert found[0, :, 0, 0].tolist() == [0, 2, 10]
    assert found[1, :, 1, 3].tolist() == [3, 8, 25]


# The gate

PHOTOGRAPHS = ["astronaut", "coffee", "chelsea", "rocket", "retina", "hubble_deep_field", "camera", "coins", "grass", "brick"]


@pytest.mark.parametrize("name", [*PHOTOGRAPHS, "china.jpg", "flower.jpg"])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_photograph_may_be_judged(name: str, scale: float) -> None:
    picture = Image.fromarray(load_sample_image(name)) if name.endswith(".jpg") else photograph(name)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BOX)
    assert scene_refusal(Frame(0, picture)) is None


def in_the_studio(backdrop: Image.Image) -> Image.Image:
    """A person before a backdrop, strongly compressed as galleries do it."""
    person = photograph("camera").resize((500, 500)).convert("RGB").point(lambda value: value // 2)
    outline = Image.new("L", person.size, 0)
    ImageDraw.Draw(outline).ellipse((60, 20, 440, 500), fill=255)
    backdrop.paste(person, (200, 380), outline)
    return compressed(backdrop, 40)


def compressed(picture: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


@pytest.mark.parametrize(
    "backdrop",
    [
        pytest.param(Image.linear_gradient("L").resize((900, 900)).point(lambda v: 100 + v // 4), id="grey, slowly darker"),
        pytest.param(Image.effect_noise((900, 900), 8).point(lambda value: value + 115), id="white, with grain"),
    ],
)
def test_a_studio_portrait_is_no_screenshot_and_no_document(backdrop: Image.Image) -> None:
    assert scene_refusal(Frame(0, in_the_studio(backdrop.convert("RGB")))) is None


@pytest.mark.parametrize("quality", [90, 50, 30])
def test_a_compressed_screenshot_is_still_one(quality: int) -> None:
    refusal = scene_refusal(Frame(0, compressed(screenshot(), quality)))
    assert refusal is not None
    assert refusal.code == "scene.screenshot"


def document() -> Image.Image:
    picture = Image.new("RGB", (800, 1100), (250, 250, 248))
    draw = ImageDraw.Draw(picture)
    for line in range(60, 1040, 22):
        draw.text((60, line), "Invoice of the company, with many words in a line, 12.50 " * 2, fill=(20, 20, 20))
    return picture


def scan() -> Image.Image:
    pixels = np.asarray(document()).astype(float) * 0.9 + np.random.default_rng(2).normal(0, 3, (1100, 800, 1))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def screenshot() -> Image.Image:
    picture = Image.new("RGB", (1280, 800), (30, 60, 120))
    draw = ImageDraw.Draw(picture)
    for column in range(6):
        draw.rectangle((40 + column * 200, 80, 200 + column * 200, 700), fill=(60 + 20 * column, 120, 90))
        draw.text((60 + column * 200, 100), "Settings\nSave\nCancel", fill=(240, 200, 30))
    return picture


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        pytest.param(document(), "scene.document", id="document"),
        pytest.param(scan(), "scene.document", id="scan with grain"),
        pytest.param(screenshot(), "scene.screenshot", id="screenshot"),
        pytest.param(Image.new("RGB", (500, 500), (200, 30, 30)), "scene.screenshot", id="one colour"),
        pytest.param(ramp((300, MIN_SIDE - 1)), "scene.too_small", id="low strip"),
        pytest.param(ramp((20, 20)), "scene.too_small", id="icon"),
    ],
)
def test_what_is_no_photograph_is_not_judged(picture: Image.Image, code: str, scenes: OnnxDetector) -> None:
    refusal = scene_refusal(Frame(0, picture))
    assert refusal is not None
    assert refusal.code == code
    signal = scenes.analyze(views(picture))
    assert (signal.status, signal.reason, signal.probability) == (Status.SKIPPED, refusal, None)


def test_the_smallest_picture_that_is_judged() -> None:
    assert scene_refusal(Frame(0, ramp((MIN_SIDE, MIN_SIDE)))) is None


# Detectors


@pytest.fixture
def scenes(tmp_path: Path) -> OnnxDetector:
    return OnnxDetector(made_card(tmp_path, input={"tiles": 4}), threads=1)


@pytest.fixture
def faces(tmp_path: Path) -> OnnxDetector:
    return OnnxDetector(made_card(tmp_path, **FACE), threads=1)


def group(faces: OnnxDetector, *values: int, **changes: Any) -> Views:
    """Faces whose crops have one brightness each."""
    crops = {number: grey(value, (SIDE, SIDE)) for number, value in enumerate(values, start=1)}
    found = [face(number, Box(10 * number, 20, 90, 110), **changes) for number in crops]
    assert faces.recipe is not None
    return views(grey(128, (400, 300)), faces=found, crops={faces.recipe: crops})


def sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))


def logit(brightness: float) -> float:
    """What the made model says about a view of one brightness (0–255)."""
    return 4 * (brightness - 127.5) / 127.5


@pytest.mark.parametrize("value", [0, 60, 128, 200, 255])
def test_raw_and_probability_follow_the_card(tmp_path: Path, value: int) -> None:
    detector = OnnxDetector(made_card(tmp_path, **FACE, calibration={"a": 0.5, "b": -1.0}))
    signal = detector.analyze(group(detector, value))
    assert signal.raw == pytest.approx(sigmoid(logit(value)), abs=1e-5)
    assert signal.probability == pytest.approx(sigmoid(0.5 * logit(value) - 1), abs=1e-5)


def test_brighter_is_more_suspicious_and_never_less(scenes: OnnxDetector) -> None:
    signals = [scenes.analyze(views(ramp((300, 200), low, low + 60))) for low in range(0, 200, 20)]
    for lower, higher in itertools.pairwise(signals):
        assert _both(lower) < _both(higher)


def _both(signal: Signal) -> tuple[float, float]:
    assert signal.raw is not None
    assert signal.probability is not None
    return signal.raw, signal.probability


@pytest.mark.parametrize(
    ("value", "code"), [(60, "face.unsuspicious"), (140, "face.unclear"), (168, "face.suspicious"), (250, "face.suspicious")]
)
def test_the_finding_says_what_the_threshold_says(faces: OnnxDetector, value: int, code: str) -> None:
    signal = faces.analyze(group(faces, value))
    (finding,) = signal.findings
    assert (finding.code, finding.face, dict(finding.params)) == (code, 1, {"count": 1, "face": 1})


def test_the_most_suspicious_face_speaks(faces: OnnxDetector) -> None:
    signal = faces.analyze(group(faces, 40, 230, 90))
    assert [score.face for score in signal.scores] == [1, 2, 3]
    assert signal.probability == max(score.probability for score in signal.scores)
    assert signal.findings[0].face == 2
    assert signal.findings[0].params["count"] == 3
    assert all(grid.box == Box(20, 20, 90, 110) for grid in signal.maps)


def test_a_group_is_judged_more_strictly_than_a_portrait(faces: OnnxDetector) -> None:
    alone, crowd = faces.analyze(group(faces, 168)), faces.analyze(group(faces, 168, 10))
    assert alone.probability == crowd.probability
    assert alone.findings[0].code == "face.suspicious"
    assert crowd.findings[0].code == "face.unclear"
    assert alone.points is not None
    assert crowd.points is not None
    assert alone.points.some < crowd.points.some


def test_each_face_is_judged_as_if_it_were_alone(faces: OnnxDetector) -> None:
    values = (10, 60, 128, 200, 250)
    together = faces.analyze(group(faces, *values)).scores
    for score, value in zip(together, values, strict=True):
        (single,) = faces.analyze(group(faces, value)).scores
        assert score.raw == pytest.approx(single.raw, abs=1e-6)


def test_more_views_than_a_batch_give_the_same_answer(tmp_path: Path) -> None:
    many = OnnxDetector(made_card(tmp_path, input={"tiles": 16}))
    signal = many.analyze(views(ramp((640, 640))))
    assert len(signal.maps) == 17
    assert signal.raw == pytest.approx(0.5, abs=0.02)


def test_faces_that_cannot_be_judged_are_left_out(faces: OnnxDetector) -> None:
    blurred = group(faces, 250, 250, reason="face.blurred")
    assert faces.analyze(blurred).reason is not None
    assert faces.analyze(blurred).status is Status.SKIPPED
    mixed = Views(blurred.media, blurred.frames, (blurred.faces[0], face(2)), blurred.crops)
    assert [score.face for score in faces.analyze(mixed).scores] == [2]


def test_without_a_face_the_face_model_is_not_asked(faces: OnnxDetector) -> None:
    signal = faces.analyze(views(ramp((300, 200))))
    assert (signal.status, signal.probability, signal.raw) == (Status.SKIPPED, None, None)
    assert signal.reason is not None
    assert signal.reason.code == "face.none"


def _width(signal: Signal) -> float:
    assert signal.interval is not None
    assert signal.probability is not None
    assert signal.interval[0] <= signal.probability <= signal.interval[1]
    return signal.interval[1] - signal.interval[0]


@pytest.mark.parametrize("value", [0, 90, 128, 255])
def test_the_interval_contains_the_probability(faces: OnnxDetector, value: int) -> None:
    assert 0 < _width(faces.analyze(group(faces, value))) < 1


def test_views_that_disagree_widen_the_interval(scenes: OnnxDetector) -> None:
    agreeing = scenes.analyze(views(ramp((400, 400), 120, 136)))
    disagreeing = scenes.analyze(views(ramp((400, 400), 28, 228)))
    assert agreeing.probability == pytest.approx(disagreeing.probability, abs=0.02)
    assert _width(disagreeing) > 1.2 * _width(agreeing)


def test_an_uncertain_calibration_widens_the_interval(tmp_path: Path) -> None:
    widths = []
    for index, variance in enumerate((0.0, 0.1, 1.0)):
        card = made_card(tmp_path / str(index), **FACE, calibration={"covariance": [0.0, 0.0, variance]})
        detector = OnnxDetector(card)
        widths.append(_width(detector.analyze(group(detector, 150))))
    assert widths[0] == 0
    assert widths[0] < widths[1] < widths[2]


def test_the_map_is_the_answer_place_by_place(scenes: OnnxDetector) -> None:
    whole = scenes.analyze(views(ramp((200, 200)))).maps[0]
    assert (whole.code, whole.rows, whole.columns) == ("scene.map", 2, 2)
    assert whole.box == Box(0, 0, 200, 200)
    assert whole.values[0] == pytest.approx(sigmoid(logit(255 / 4)), abs=0.02)
    assert whole.values[1] == pytest.approx(sigmoid(logit(3 * 255 / 4)), abs=0.02)


def test_a_card_without_a_map_gives_none(tmp_path: Path) -> None:
    card = made_card(tmp_path)
    quiet = card.model_copy(update={"output": card.output.model_copy(update={"map": None})})
    assert OnnxDetector(quiet).analyze(views(ramp((200, 200)))).maps == ()


def test_two_numbers_a_picture_are_refused_and_not_guessed(tmp_path: Path) -> None:
    detector = OnnxDetector(made_card(tmp_path, brightness_model(numbers=2)))
    with pytest.raises(ModelError, match="2 numbers for 1 pictures, not one logit each"):
        detector.analyze(views(ramp((104, 104))))


def test_a_detector_says_which_file_answered(scenes: OnnxDetector) -> None:
    assert scenes.id == "made"
    assert scenes.version == f"1.0.0 sha256:{scenes.card.weights.sha256[:16]}"


def test_loading_opens_what_the_cards_describe(tmp_path: Path) -> None:
    cards = [made_card(tmp_path / "a", id="one"), made_card(tmp_path / "b", id="two", **FACE)]
    assert [(detector.id, detector.recipe) for detector in load(cards, Settings())] == [("one", None), ("two", cards[1].recipe)]


def test_the_map_of_a_large_picture_lies_where_the_picture_was_looked_at(scenes: OnnxDetector) -> None:
    """The whole view starts from an overview half the size; its map speaks of the picture itself."""
    large = views(ramp((2700, 1800)))
    assert large.frames[0].shrink == 2
    assert scenes.analyze(large).maps[0].box == Box(450, 0, 1800, 1800)
