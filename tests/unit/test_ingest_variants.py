"""Altered copies for stability checks."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from skimage import data

from veriscope.domain import Frame
from veriscope.ingest import halved, reencoded


@pytest.fixture
def frame() -> Frame:
    image = Image.fromarray(data.astronaut())  # type: ignore[no-untyped-call]
    image.info["comment"] = b"kept by JPEG"
    return Frame(3, image, 1.5)


def test_a_reencoded_frame_differs_a_little_and_the_original_not_at_all(frame: Frame) -> None:
    before = frame.image.tobytes()
    again = reencoded(frame)
    difference = np.abs(np.asarray(again.image).astype(int) - np.asarray(frame.image)).mean()
    assert 0.5 < difference < 8
    assert (again.index, again.time, again.image.mode, again.image.size) == (3, 1.5, "RGB", frame.image.size)
    assert frame.image.tobytes() == before
    assert again.image.info == {}


def test_a_lower_quality_changes_more(frame: Frame) -> None:
    def change(quality: int) -> float:
        return float(np.abs(np.asarray(reencoded(frame, quality).image).astype(int) - np.asarray(frame.image)).mean())

    assert change(20) > change(70) > change(95)


def test_chroma_is_halved_as_networks_do_it() -> None:
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = (255, 0, 0)
    stripes[:, 1::2] = (0, 0, 255)
    found = np.asarray(reencoded(Frame(0, Image.fromarray(stripes)), 95).image).astype(int)
    assert found[:, ::2, 0].mean() - found[:, 1::2, 0].mean() < 100


def test_halving_takes_the_mean_of_four_pixels() -> None:
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    half = halved(Frame(0, Image.fromarray(pixels)))
    wanted = pixels.reshape(2, 2, 3, 2, 3).mean(axis=(1, 3))
    assert half.image.size == (3, 2)
    assert np.abs(np.asarray(half.image) - wanted).max() <= 0.5


@pytest.mark.parametrize(("size", "wanted"), [((17, 31), (8, 15)), ((1, 1), (1, 1))], ids=str)
def test_odd_sides_are_rounded_down_to_at_least_one(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert halved(Frame(0, Image.new("RGB", size))).image.size == wanted


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        pytest.param((4000, 3000), (4000, 3000), id="12 megapixels keep their size"),
        pytest.param((8000, 6000), (2667, 2000), id="48 megapixels are shrunk first"),
    ],
)
def test_a_large_picture_is_shrunk_before_it_is_saved_again(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert reencoded(Frame(0, Image.new("RGB", size, (90, 120, 30)))).image.size == wanted
