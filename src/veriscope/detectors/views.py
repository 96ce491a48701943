"""Pieces of a picture that a whole-picture model looks at: the whole, and squares at native size."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veriscope.domain import Box


def whole_view(image: Image.Image, size: int) -> tuple[Image.Image, Box]:
    """The largest centred square, shrunk to `size`; the sides keep their ratio. A smaller picture is enlarged."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    picture = image.resize((size, size), Image.Resampling.BICUBIC, box=box, reducing_gap=1.5)
    return picture, Box(left, top, side, side)


def native_tiles(image: Image.Image, size: int, count: int) -> list[tuple[Image.Image, Box]]:
    """Up to `count` squares of `size` pixels, not resampled, spread over the picture; none when it is hardly larger.

    Squares at native size keep the traces of a generator's last layers, which shrinking wipes out.
    """
    if count < 1 or min(image.size) < size or max(image.size) < 1.25 * size:
        return []
    columns = max(1, min(count, round(math.sqrt(count * image.width / image.height))))
    rows = max(1, count // columns)
    boxes = [
        (_place(column, columns, image.width, size), _place(row, rows, image.height, size))
        for row in range(rows)
        for column in range(columns)
    ]
    return [(image.crop((x, y, x + size, y + size)), Box(x, y, size, size)) for x, y in dict.fromkeys(boxes)]


def _place(index: int, count: int, length: int, size: int) -> int:
    """Start of the square number `index` of `count` along a side: centres at equal distances."""
    centre = length * (index + 0.5) / count
    return int(min(max(centre - size / 2, 0), length - size))


def batch(pictures: list[Image.Image], mean: tuple[float, ...], std: tuple[float, ...]) -> NDArray[np.float32]:
    """(N, 3, H, W) float32, (value − mean) / std, from RGB pictures of one size."""
    planes = np.stack([np.asarray(picture) for picture in pictures]).transpose(0, 3, 1, 2)
    pixels = np.ascontiguousarray(planes).astype(np.float32)
    pixels -= np.asarray(mean, np.float32)[:, None, None]
    pixels /= np.asarray(std, np.float32)[:, None, None]
    return pixels
