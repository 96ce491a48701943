"""How a model wants its pictures: resize, crop, numbers. Pixel by pixel what the library that trained it does.

The steps and their order are those of transformers' image processors on Pillow (5.24, `image_processing_backends.py`) and of
timm's evaluation transform (`timm.data.transforms_factory`); tests/torch compares every value with the former. Only Pillow
and NumPy are needed. `processors.py` reads a recipe from a repository; a catalogue card may state one instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_SIDE = 2048  # of what a network is fed; none of those we know takes more than 1024
MAX_RATIO = 16.0
"""A longer picture loses its ends before it is resized: by its shorter side it would grow to gigabytes, and a network that
looks at the middle never sees them. The only difference from the libraries, and none for a picture that a camera makes."""

Side = Annotated[int, Field(ge=16, le=MAX_SIDE)]
Channels = tuple[float, float, float]


class Recipe(BaseModel):
    """The steps, in their order; a step that is None is left out. In TOML, for instance:

    shorter = 440
    resample = 3
    crop = [384, 384]
    mean = [0.485, 0.456, 0.406]
    std = [0.229, 0.224, 0.225]
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    resize: tuple[Side, Side] | None = None  # height, width; the ratio of the sides is not kept
    shorter: Side | None = None  # instead: the shorter side gets so many pixels, the ratio is kept
    resample: Annotated[int, Field(ge=0, le=5)] = (
        2  # Pillow's filter: 0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic, 4 box, 5 Hamming
    )
    crop: tuple[Side, Side] | None = None  # height, width around the middle; what is missing is black
    crop_rounding: Literal["down", "even"] = "down"  # where the crop begins when half a pixel is left: transformers, timm
    scale: Annotated[float, Field(gt=0.0, le=1.0)] = 1 / 255  # times the 8-bit value
    offset: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.0  # added after that
    mean: Channels | None = None
    std: Channels | None = None
    std_twice: bool = False  # EfficientNet in transformers divides once more (`include_top`)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.resize and self.shorter:
            raise ValueError("give either resize or shorter")
        if not self.crop and not self.resize:
            raise ValueError("give resize or crop: otherwise every picture has another size")
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std come together")
        if self.std_twice and not self.std:
            raise ValueError("std_twice needs std")
        if self.std and min(self.std) <= 0:
            raise ValueError("std must be above zero")
        return self

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of what the network is fed."""
        return self.crop or self.resize or (0, 0)  # _complete leaves no third case

    def view(self, image: Image.Image) -> Image.Image:
        """An RGB picture, resized and cropped: what the model sees of it."""
        if self.resize:
            image = image.resize(self.resize[::-1], self.resample)
        elif self.shorter:
            image = _shortened(image)
            image = image.resize(_kept_ratio(image.size, self.shorter), self.resample)
        return _cropped(image, self.crop, self.crop_rounding) if self.crop else image

    def pixels(self, views: Sequence[Image.Image]) -> NDArray[np.float32]:
        """(N, 3, H, W) float32 from pictures that `view` gave."""
        tables = _tables(self)
        height, width = self.size
        batch = np.empty((len(views), 3, height, width), np.float32)
        for number, view in enumerate(views):
            values = np.asarray(view)
            for channel in range(3):
                # mode="clip": otherwise NumPy works on a copy of `out`. No 8-bit value is outside a table of 256.
                np.take(tables[channel], values[:, :, channel], out=batch[number, channel], mode="clip")
        return batch


@lru_cache(maxsize=64)
def _tables(recipe: Recipe) -> NDArray[np.float32]:
    """(3, 256): what becomes of each 8-bit value in each channel, in the precision of each of the libraries' steps."""
    values = (np.arange(256, dtype=np.float64) * recipe.scale).astype(np.float32) + np.float32(recipe.offset)
    tables = np.repeat(values[None], 3, axis=0)
    if recipe.mean and recipe.std:
        mean, std = (np.array(numbers, np.float32)[:, None] for numbers in (recipe.mean, recipe.std))
        tables = (tables - mean) / std
        if recipe.std_twice:
            tables /= std
    return tables.astype(np.float32)


def _kept_ratio(size: tuple[int, int], shorter: int) -> tuple[int, int]:
    """Width and height. The longer side is rounded down, as in torchvision and transformers."""
    width, height = size
    longer = int(shorter * max(size) / min(size))
    return (shorter, longer) if width <= height else (longer, shorter)


def _cropped(image: Image.Image, size: tuple[int, int], rounding: str) -> Image.Image:
    height, width = size
    left, top = (_start(have, want, rounding) for have, want in zip(image.size, (width, height), strict=True))
    return image.crop((left, top, left + width, top + height))


def _start(have: int, want: int, rounding: str) -> int:
    """Where the middle part begins; negative when the picture is smaller."""
    return round((have - want) / 2) if rounding == "even" else (have - want) // 2


def _shortened(image: Image.Image) -> Image.Image:
    most = int(MAX_RATIO * min(image.size))
    if max(image.size) <= most:
        return image
    width, height = (min(side, most) for side in image.size)
    return _cropped(image, (height, width), "down")
