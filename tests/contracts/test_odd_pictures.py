"""Valid pictures of odd shape and content: every analyser answers or says why not, and none breaks."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from veriscope.domain import Grade, Status
from veriscope.engine import Engine
from veriscope.i18n import catalogue
from veriscope.report.as_text import render
from veriscope.settings import Settings


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8))


def face(left: int, top: int, right: int, bottom: int) -> Image.Image:
    """A piece of the astronaut's portrait, whose face lies at (177, 66) to (265, 183)."""
    return Image.open(Path(str(files("skimage.data")), "astronaut.png")).convert("RGB").crop((left, top, right, bottom))


def grid(side: int, count: int) -> Image.Image:
    one = face(150, 30, 290, 210).resize((side, side))
    canvas = Image.new("RGB", (side * count, side * count))
    for place in range(count * count):
        canvas.paste(one, (place % count * side, place // count * side))
    return canvas


PICTURES: dict[str, Callable[[], Image.Image]] = {
    "smallest": lambda: noise(16, 16),
    "one pixel under the scene's least": lambda: noise(95, 400),
    "scene's least": lambda: noise(96, 96),
    "one tile": lambda: noise(224, 224),
    "hardly more than a tile": lambda: noise(225, 281),
    "a thread across": lambda: noise(30_000, 16),
    "a thread down": lambda: noise(16, 30_000),
    "a ribbon with tiles": lambda: noise(9_000, 230),
    "a tall ribbon with tiles": lambda: noise(230, 9_000),
    "black": lambda: Image.new("RGB", (400, 300)),
    "white": lambda: Image.new("RGB", (400, 300), "white"),
    "one colour": lambda: Image.new("RGB", (400, 300), (90, 120, 70)),
    "gradient": lambda: Image.linear_gradient("L").resize((500, 400)).convert("RGB"),
    "face fills the picture": lambda: face(180, 70, 262, 180).resize((820, 1100)),
    "face over the left edge": lambda: face(210, 20, 400, 220),
    "face over the top edge": lambda: face(120, 105, 320, 305),
    "face over the corner": lambda: face(0, 0, 235, 150),
    "face upside down": lambda: face(100, 0, 350, 250).rotate(180),
    "face on its side": lambda: face(100, 0, 350, 250).rotate(90),
    "face stretched": lambda: face(100, 0, 350, 250).resize((1500, 250)),
    "tiny face": lambda: face(100, 0, 350, 250).resize((60, 60)),
    "144 faces": lambda: grid(90, 12),
}


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(Settings())


@pytest.mark.parametrize("name", list(PICTURES))
def test_an_odd_picture_gives_a_whole_report(name: str, engine: Engine) -> None:
    packed = io.BytesIO()
    PICTURES[name]().save(packed, "PNG", compress_level=1)
    report = engine.analyze(packed.getvalue())
    assert [(signal.source, signal.reason) for signal in report.signals if signal.status is Status.FAILED] == []
    assert report.verdict.grade is not Grade.DECLARED_SYNTHETIC
    assert json.loads(report.to_json())["verdict"]["grade"] == report.verdict.grade
    assert str(report.media.width) in render(report, catalogue())


def test_no_more_faces_are_judged_than_allowed(engine: Engine) -> None:
    packed = io.BytesIO()
    grid(90, 12).save(packed, "PNG", compress_level=1)
    report = engine.analyze(packed.getvalue())
    assert 20 < len(report.faces) <= engine.settings.limits.max_faces
    assert [face.id for face in report.faces] == list(range(1, len(report.faces) + 1))
