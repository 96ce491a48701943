"""What a whole-picture model must not be asked about: it was trained on photographs.

Detectors of photographs flag screenshots and documents far more often; ours says that it was not made for them.
The numbers are set on scanned receipts, screenshots of this product (also recompressed and shrunk) and photographs, among
them studio portraits before one colour (`python -m research.gates` prints how many of each kind pass).
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from veriscope.domain import Finding, Frame

MIN_SIDE = 96  # a smaller picture holds too little to judge

_SAMPLE_SIDE = 512
_FLAT_SCREEN = 0.6  # share of pixels equal to their right neighbour, at native size …
_DARK, _LIGHT = 8, 247  # … leaving out what a camera clips: night skies and lamps are flat too
_FEW_COLOURS = 0.35  # share of such pixels that have one of the four commonest colours: a smooth backdrop has many
_BAND = 8  # levels of brightness that are counted together
_PAPER_SHARE = 0.55  # share of pixels within a narrow band around the commonest brightness …
_PAPER_BRIGHT = 160  # … which is bright …
_PAPER_COLOUR = 24  # … in a picture nearly without colour (mean of max − min over channels) …
_STROKE = 9  # … where what is not paper is thinner than this, at _SAMPLE_SIDE: a person before a white wall is not …
_SOLID_SHARE = 0.1  # … but for this share of the picture


def scene_refusal(frame: Frame) -> Finding | None:
    """Why a whole-picture model must not judge the picture; None when it may."""
    side = min(frame.image.size)
    if side < MIN_SIDE:
        return Finding("scene.too_small", {"side": side, "least": MIN_SIDE})
    if _looks_like_paper(frame.overview):
        return Finding("scene.document")
    if _looks_like_a_screen(frame.image):
        return Finding("scene.screenshot")
    return None


def _looks_like_a_screen(image: Image.Image) -> bool:
    """Neighbours are equal, and few colours fill most of it, in bands spread over the height.

    Strong compression makes a backdrop flat as well, but leaves a slow change of colour over it.
    """
    rows = np.linspace(0, image.height - 1, 24).astype(int)
    bands = [np.asarray(image.crop((0, row, image.width, row + 1))) for row in rows]
    pixels = np.concatenate(bands).astype(np.int32)
    clipped = (pixels.max(axis=2) < _DARK) | (pixels.min(axis=2) > _LIGHT)
    counted = ~(clipped[:, 1:] & clipped[:, :-1])
    equal = (np.diff(pixels, axis=1) == 0).all(axis=2)
    if (equal & counted).sum() <= _FLAT_SCREEN * max(1, counted.sum()):
        return False
    colours = pixels[~clipped] @ np.array([1 << 16, 1 << 8, 1])
    commonest = np.sort(np.unique(colours, return_counts=True)[1])[-4:]
    return bool(commonest.sum() > _FEW_COLOURS * colours.size)


def _looks_like_paper(image: Image.Image) -> bool:
    red, green, blue = _small(image).split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    least = ImageChops.darker(ImageChops.darker(red, green), blue)
    if float(np.asarray(ImageChops.subtract(most, least)).mean()) > _PAPER_COLOUR:
        return False
    total = np.asarray(red, np.uint16) + np.asarray(green, np.uint16) + np.asarray(blue, np.uint16)
    level = (total // (3 * _BAND)).astype(np.int16)
    peak = int(np.bincount(level.reshape(-1)).argmax())
    paper = abs(level - peak) <= 1
    if peak * _BAND < _PAPER_BRIGHT or paper.mean() < _PAPER_SHARE:
        return False
    solid = Image.fromarray(np.where(paper, 0, 255).astype(np.uint8)).filter(ImageFilter.MinFilter(_STROKE))
    return bool(np.asarray(solid).mean() / 255 <= _SOLID_SHARE)


def _small(image: Image.Image) -> Image.Image:
    return image.reduce(max(1, math.ceil(max(image.size) / _SAMPLE_SIDE)))
