"""What the networks are fed, pinned apart from what they answer.

A model judges well only what is prepared as its training pictures were: another filter, margin or channel order lowers
its answers silently, and no test of the answers says why.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import golden_report
import numpy as np
import pytest
from golden_media import MEDIA, package_file
from numpy.typing import NDArray
from PIL import Image

from veriscope.detectors import catalogue
from veriscope.detectors.card import Card
from veriscope.detectors.views import batch, native_tiles, whole_view
from veriscope.domain import Box, Face
from veriscope.faces import crop_face, detect
from veriscope.ingest import open_media
from veriscope.settings import Settings

# Decoders and filters of Pillow differ by a level or two of 255 between versions; blocks average that out.
TOLERANCE = {"blocks": 0.01, "mean": 0.005, "std": 0.005}

# Where the astronaut's face is, given by hand so that no face detector has a part in it.
EYES_LEVEL = ((204.0, 113.0), (241.0, 112.0), (224.0, 136.0), (208.0, 151.0), (241.0, 150.0))
EYES_TILTED = ((204.0, 100.0), (241.0, 121.0), *EYES_LEVEL[2:])
FACE = Face(1, 0, Box(177.0, 66.0, 88.0, 117.0), EYES_LEVEL, 0.9, 1.0)
TILTED = Face(1, 0, Box(177.0, 66.0, 88.0, 117.0), EYES_TILTED, 0.9, 1.0)
AT_THE_EDGE = Face(1, 0, Box(440.0, 400.0, 110.0, 140.0), EYES_LEVEL, 0.9, 1.0)


@pytest.fixture(scope="module")
def cards() -> dict[str, Card]:
    return {card.task: card for card in catalogue(Settings())}


def opened(package: str, name: str) -> Image.Image:
    return Image.open(io.BytesIO(package_file(package, name))).convert("RGB")


def astronaut() -> Image.Image:
    return opened("skimage.data", "astronaut.png")


def china() -> Image.Image:
    return opened("sklearn.datasets.images", "china.jpg")


def scene_input(image: Image.Image, card: Card) -> NDArray[np.float32]:
    size = card.input.size
    pieces = [picture for picture, _ in (whole_view(image, size), *native_tiles(image, size, card.input.tiles))]
    return batch(pieces, card.input.mean, card.input.std)


def face_input(face: Face, card: Card) -> NDArray[np.float32]:
    assert card.recipe is not None
    return batch([crop_face(astronaut(), face, card.recipe)], card.input.mean, card.input.std)


CASES: dict[str, Callable[[dict[str, Card]], NDArray[np.float32]]] = {
    "input-scene-photo": lambda cards: scene_input(china(), cards["scene"]),
    "input-scene-square": lambda cards: scene_input(astronaut(), cards["scene"]),
    "input-scene-small": lambda cards: scene_input(china().crop((200, 150, 360, 270)), cards["scene"]),
    "input-scene-turned": lambda cards: scene_input(
        open_media(MEDIA["camera.jpg"](), Settings()).frames[0].image, cards["scene"]
    ),
    "input-face": lambda cards: face_input(FACE, cards["face"]),
    "input-face-tilted": lambda cards: face_input(TILTED, cards["face"]),
    "input-face-at-the-edge": lambda cards: face_input(AT_THE_EDGE, cards["face"]),
    "input-search": lambda _: detect._network_input(china().resize((1280, 854)))[0] / np.float32(255),
}


def summary(tensor: NDArray[np.float32]) -> dict[str, Any]:
    """Shape, mean and deviation of each channel, and every view as 8 × 8 block means of each channel."""
    views, channels, height, width = tensor.shape
    cropped = tensor[:, :, : height // 8 * 8, : width // 8 * 8]
    blocks = cropped.reshape(views, channels, 8, height // 8, 8, width // 8).mean(axis=(3, 5))
    return {
        "shape": list(tensor.shape),
        "dtype": str(tensor.dtype),
        "mean": [round(float(value), 4) for value in tensor.mean(axis=(0, 2, 3))],
        "std": [round(float(value), 4) for value in tensor.std(axis=(0, 2, 3))],
        "blocks": np.round(blocks, 3).reshape(views, channels, 64).tolist(),
    }


@pytest.mark.parametrize("name", list(CASES))
def test_a_network_is_fed_as_expected(name: str, cards: dict[str, Card]) -> None:
    golden_report.check(name, summary(CASES[name](cards)), TOLERANCE)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda tensor: tensor[:, ::-1],
        lambda tensor: tensor[:, :, :, ::-1],
        lambda tensor: tensor.transpose(0, 1, 3, 2),
        lambda tensor: np.roll(tensor, 3, axis=3),
        lambda tensor: tensor * 1.05,
        lambda tensor: tensor[:, :, :-8, :-8],
    ],
    ids=["channel order", "mirrored", "transposed", "moved by three pixels", "another scale", "smaller"],
)
def test_another_preparation_is_noticed(spoil: Any, cards: dict[str, Card]) -> None:
    tensor = face_input(FACE, cards["face"])
    assert golden_report.differences(summary(spoil(tensor)), summary(tensor), TOLERANCE)
