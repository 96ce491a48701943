"""The open invisible watermark: read back exactly, never seen where it is not."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import skimage.data
import sklearn.datasets
from PIL import Image
from provenance_pictures import codes, params, picture, views

from veriscope.domain import Frame, Signal, Status, Tendency, Views
from veriscope.provenance import watermarks
from veriscope.provenance.watermarks import MARKS, Mark, Watermarks
from veriscope.settings import Settings

Picture = npt.NDArray[np.uint8]


def read(image: Image.Image) -> Signal:
    empty: Any = views(picture("PNG"), "PNG")
    return Watermarks(Settings()).analyze(Views(empty.media, (Frame(0, image),)))


def photographs() -> dict[str, Picture]:
    return {
        "astronaut": skimage.data.astronaut(),  # type: ignore[no-untyped-call]
        "coffee": skimage.data.coffee(),  # type: ignore[no-untyped-call]
        "china": sklearn.datasets.load_sample_image("china.jpg"),
        "flower": sklearn.datasets.load_sample_image("flower.jpg"),
    }


def marked(rgb: Picture, bits: str) -> Image.Image:
    """The picture with a message, written as invisible-watermark's `EmbedMaxDct` does: in U, luma and V kept."""
    colours = rgb.astype(np.float64)
    u = np.round((colours[..., 2] - colours @ [0.299, 0.587, 0.114]) * 0.492 + 128)
    change = np.zeros_like(u)
    corners = [(top, left) for top in range(0, u.shape[0] - 7, 8) for left in range(0, u.shape[1] - 7, 8)]
    for count, (top, left) in enumerate(corners):
        halved = u[top : top + 8, left : left + 8].reshape(4, 2, 4, 2).sum(axis=(1, 3)) / 2
        row, column = divmod(int(np.abs(halved.flatten()[1:]).argmax()) + 1, 4)
        wanted = (halved[row, column] // 36 + 0.25 + 0.5 * int(bits[count % len(bits)])) * 36
        y, x = top + 2 * row, left + 2 * column
        change[y : y + 2, x : x + 2] = (wanted - halved[row, column]) / 2
    colours[..., 2] += change / 0.492
    colours[..., 1] -= change / 0.492 * 0.114 / 0.587
    return Image.fromarray(np.clip(np.round(colours), 0, 255).astype(np.uint8))


@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: mark.generator)
@pytest.mark.parametrize("name", ["china", "flower"])
def test_written_mark_is_found_and_named(mark: Mark, name: str) -> None:
    signal = read(marked(photographs()[name], mark.bits))
    assert codes(signal) == {"watermark.found": Tendency.SYNTHETIC_CLAIMED}
    assert params(signal, "watermark.found")["generator"] == mark.generator


def test_another_message_is_no_mark() -> None:
    other = "".join(str(bit) for bit in np.random.default_rng(5).integers(0, 2, 48))
    assert codes(read(marked(photographs()["astronaut"], other))) == {"watermark.none": Tendency.NEUTRAL}


@pytest.mark.parametrize("name", photographs())
def test_photograph_has_no_mark(name: str) -> None:
    assert codes(read(Image.fromarray(photographs()[name]))) == {"watermark.none": Tendency.NEUTRAL}


@pytest.mark.parametrize("level", [0, 127, 255])
def test_flat_picture_has_no_mark(level: int) -> None:
    assert codes(read(Image.new("RGB", (512, 512), (level,) * 3))) == {"watermark.none": Tendency.NEUTRAL}


def test_recompression_destroys_the_mark_and_absence_stays_neutral() -> None:
    buffer = io.BytesIO()
    marked(photographs()["astronaut"], MARKS[2].bits).save(buffer, "JPEG", quality=85)
    assert codes(read(Image.open(buffer).convert("RGB"))) == {"watermark.none": Tendency.NEUTRAL}


@pytest.mark.parametrize("size", [(255, 600), (600, 255), (16, 16)])
def test_small_picture_is_skipped(size: tuple[int, int]) -> None:
    assert read(Image.new("RGB", size)).status is Status.SKIPPED


def test_top_of_a_large_picture_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    inverse = MARKS[0].bits.translate({48: "1", 49: "0"})
    image = marked(photographs()["astronaut"], inverse)
    image.paste(marked(photographs()["astronaut"], MARKS[0].bits).crop((0, 0, 512, 192)), (0, 0))
    assert codes(read(image)) == {"watermark.none": Tendency.NEUTRAL}
    monkeypatch.setattr(watermarks, "MAX_PIXELS", 512 * 192)
    assert codes(read(image)) == {"watermark.found": Tendency.SYNTHETIC_CLAIMED}


def test_wide_extreme_is_answered() -> None:
    assert read(Image.new("RGB", (20_000, 256), (9, 99, 200))).status is Status.OK


def test_messages_have_their_published_lengths() -> None:
    assert [len(mark.bits) for mark in MARKS] == [136, 32, 48, 46]


def test_a_jpeg_is_not_searched() -> None:
    """Saving as JPEG wipes the mark out, so "not found" would say nothing about such a file."""
    given: Any = views(picture("JPEG"), "JPEG")
    image = marked(photographs()["astronaut"], MARKS[0].bits)
    signal = Watermarks(Settings()).analyze(Views(given.media, (Frame(0, image),)))
    assert signal.status is Status.SKIPPED
    assert signal.reason is not None
    assert signal.reason.code == "watermark.jpeg"
