"""What happens to a training picture: the same for both classes, so that no processing trace can stand for the label."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

Geometry = Callable[[Image.Image], Image.Image]


def augmented(picture: Image.Image, chance: random.Random, geometry: Geometry) -> Image.Image:
    """A view of a crop, degraded as pictures are degraded on their way through the web."""
    picture = geometry(picture)
    if chance.random() < 0.08:
        picture = _retouched(picture, chance)
    if chance.random() < 0.3:
        picture = resampled(picture, chance)
    if chance.random() < 0.12:
        picture = picture.filter(ImageFilter.GaussianBlur(chance.uniform(0.3, 1.6)))
    if chance.random() < 0.3:
        picture = toned(picture, chance)
    if chance.random() < 0.12:
        picture = _noised(picture, chance)
    for _ in range(chance.choices((0, 1, 2), (0.2, 0.6, 0.2))[0]):
        picture = compressed(picture, chance)
    return picture


def drawn_geometry(width: int, side: int, chance: random.Random, face: bool) -> Geometry:
    """A random cut of `side` pixels from a square of `width`, perhaps mirrored, for a crop and its mask alike."""
    cut = _face_cut(width, side, chance) if face else _square_cut(width, side, chance)
    if chance.random() < 0.5:
        return cut
    return lambda picture: cut(picture).transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def _square_cut(width: int, side: int, chance: random.Random) -> Geometry:
    left, top = chance.randint(0, width - side), chance.randint(0, width - side)
    return lambda picture: picture.crop((left, top, left + side, top + side))


def _face_cut(width: int, side: int, chance: random.Random) -> Geometry:
    """The middle 7/8 of the crop (the recipe's margin), shifted, scaled and turned a little."""
    extent = width * 7 / 8 * chance.uniform(0.9, 1.1)
    angle = math.radians(chance.uniform(-8, 8))
    step = extent / side
    cos, sin = step * math.cos(angle), step * math.sin(angle)
    reach = width * 10 / 256
    x, y = (width / 2 + chance.uniform(-reach, reach) for _ in range(2))
    half = side / 2
    matrix = (cos, -sin, x - half * (cos - sin), sin, cos, y - half * (sin + cos))
    return lambda picture: picture.transform((side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)


def _retouched(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Smoothed and sharpened as beauty filters and phones do it. Not a label: it happens to both classes."""
    smooth = picture.filter(ImageFilter.MedianFilter(3)).filter(ImageFilter.GaussianBlur(chance.uniform(0.5, 1.5)))
    picture = Image.blend(picture, smooth, chance.uniform(0.3, 0.9))
    return picture.filter(ImageFilter.UnsharpMask(chance.uniform(1, 4), chance.randint(20, 120), 2))


def resampled(picture: Image.Image, chance: random.Random) -> Image.Image:
    filters = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BOX)
    small = max(32, round(picture.width * chance.uniform(0.35, 0.95)))
    return picture.resize((small, small), chance.choice(filters)).resize(picture.size, chance.choice(filters))


def toned(picture: Image.Image, chance: random.Random) -> Image.Image:
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color, ImageEnhance.Sharpness):
        if chance.random() < 0.5:
            picture = enhancer(picture).enhance(chance.uniform(0.7, 1.3))
    return picture


def _noised(picture: Image.Image, chance: random.Random) -> Image.Image:
    noise = np.random.default_rng(chance.getrandbits(32)).normal(0, chance.uniform(1, 8), (picture.height, picture.width, 3))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def compressed(picture: Image.Image, chance: random.Random) -> Image.Image:
    buffer = io.BytesIO()
    if chance.random() < 0.15:
        picture.save(buffer, "WEBP", quality=chance.randint(40, 95), method=0)
    else:
        picture.save(buffer, "JPEG", quality=chance.randint(35, 98), subsampling=chance.choice((0, 2)))
    return Image.open(buffer).convert("RGB")
