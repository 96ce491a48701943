"""Changes that make a face or a picture a synthetic one, for training; what happens to every crop is
`veriscope.training.augment`."""

from __future__ import annotations

import random

import numpy as np
from PIL import Image, ImageFilter

from veriscope.training.augment import compressed, resampled, toned

Pixels = np.ndarray


def blended(face: Image.Image, other: Image.Image | None, chance: random.Random) -> tuple[Image.Image, Image.Image]:
    """A face blended over itself (Shiohara & Yamasaki 2022, self-blended images) or over another person's, and the mask (L).

    Both copies differ in tone, sharpness and position, as a pasted face and its surroundings do; what is left to see is
    the seam, whatever method made it.
    """
    background, foreground = face, other or face
    if chance.random() < 0.5:
        foreground = _differing(foreground, chance)
    else:
        background = _differing(background, chance)
    shift = (chance.uniform(-6, 6), chance.uniform(-6, 6))
    scale = chance.uniform(0.96, 1.04)
    half = face.width / 2
    matrix = (scale, 0, half * (1 - scale) + shift[0], 0, scale, half * (1 - scale) + shift[1])
    foreground = foreground.transform(face.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    if other is not None:
        foreground = _matched(foreground, face)
    alpha = _mask(face.width, chance) * chance.choice((1.0, 1.0, 1.0, 0.75, 0.5))
    mixed = np.asarray(foreground) * alpha[..., None] + np.asarray(background) * (1 - alpha[..., None])
    mask = Image.fromarray(((alpha > 0.1) * 255).astype(np.uint8))
    return Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8)), mask


def pasted(picture: Image.Image, patch: Image.Image, chance: random.Random) -> tuple[Image.Image, Image.Image]:
    """A soft-edged piece of `patch` over the picture, at its own place, and the mask (L): a local edit."""
    width, height = (round(picture.width * chance.uniform(0.25, 0.7)) for _ in range(2))
    left, top = chance.randint(0, picture.width - width), chance.randint(0, picture.height - height)
    mask = Image.new("L", picture.size, 0)
    mask.paste(255, (left, top, left + width, top + height))
    mask = mask.filter(ImageFilter.GaussianBlur(chance.uniform(0.5, 6)))
    return Image.composite(patch, picture, mask), mask


def _differing(picture: Image.Image, chance: random.Random) -> Image.Image:
    picture = toned(picture, chance)
    shifted = np.asarray(picture) + np.array([chance.uniform(-18, 18) for _ in range(3)])
    picture = Image.fromarray(np.clip(shifted, 0, 255).astype(np.uint8))
    match chance.randrange(3):
        case 0:
            return resampled(picture, chance)
        case 1:
            return picture.filter(ImageFilter.UnsharpMask(2, chance.randint(40, 150), 0))
    return compressed(picture, chance)


def _matched(picture: Image.Image, target: Image.Image) -> Image.Image:
    """The picture with the mean and spread of the target's middle, channel by channel (Reinhard et al. 2001)."""
    inner = slice(picture.width // 4, 3 * picture.width // 4)
    pixels, wanted = np.asarray(picture, np.float32), np.asarray(target, np.float32)
    mean, spread = pixels[inner, inner].mean((0, 1)), pixels[inner, inner].std((0, 1)) + 1
    moved = (pixels - mean) / spread * (wanted[inner, inner].std((0, 1)) + 1) + wanted[inner, inner].mean((0, 1))
    return Image.fromarray(np.clip(moved, 0, 255).astype(np.uint8))


def _mask(side: int, chance: random.Random) -> Pixels:
    """A soft uneven ellipse over the inner face, the mouth or the eyes, 0–1."""
    y, x = np.mgrid[:side, :side] / side - 0.5
    centre, flat = chance.choices(((chance.uniform(-0.02, 0.08), 1.0), (0.17, 0.5), (-0.1, 0.4)), (0.76, 0.14, 0.1))[0]
    y = (y - centre) / flat
    x = x - chance.uniform(-0.03, 0.03)
    angle = np.arctan2(y, x)
    wobble = sum(chance.uniform(-0.06, 0.06) * np.cos(n * angle + chance.uniform(0, 6.3)) for n in range(2, 6))
    radius = np.hypot(x / chance.uniform(0.2, 0.34), y / chance.uniform(0.26, 0.42)) * (1 + wobble)
    hard = Image.fromarray(((radius < 1) * 255).astype(np.uint8))
    return np.asarray(hard.filter(ImageFilter.GaussianBlur(chance.uniform(1.5, 14))), np.float32) / 255
