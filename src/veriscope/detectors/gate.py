"""What a whole-picture model must not be asked about: it was trained on photographs.

Detectors of photographs flag screenshots and documents far more often; ours says that it was not made for them.
The numbers are set on scanned receipts and photographs (`python -m research.gates` prints how many of each kind pass).
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageChops

from veriscope.domain import Finding, Frame

MIN_SIDE = 96  # a smaller picture holds too little to judge

_SAMPLE_SIDE = 512
_FLAT_SCREEN = 0.6  # share of pixels equal to their right neighbour, at native size …
_DARK, _LIGHT = 8, 247  # … leaving out what a camera clips: night skies and lamps are flat too
_BAND = 8  # levels of brightness that are counted together
_PAPER_SHARE = 0.55  # share of pixels within a narrow band around the commonest brightness …
_PAPER_BRIGHT = 160  # … which is bright …
_PAPER_COLOUR = 24  # … in a picture nearly without colour (mean of max − min over channels)


def scene_refusal(frame: Frame) -> Finding | None:
    """Why a whole-picture model must not judge the picture; None when it may."""
    side = min(frame.image.size)
    if side < MIN_SIDE:
        return Finding("scene.too_small", {"side": side, "least": MIN_SIDE})
    if _looks_like_paper(frame.overview):
        return Finding("scene.document")
    if _flatness(frame.image) > _FLAT_SCREEN:
        return Finding("scene.screenshot")
    return None


def _flatness(image: Image.Image) -> float:
    """Share of pixels equal to their right neighbour, in bands spread over the height: graphics have most, cameras few."""
    rows = np.linspace(0, image.height - 1, 24).astype(int)
    bands = [np.asarray(image.crop((0, row, image.width, row + 1))) for row in rows]
    pixels = np.concatenate(bands).astype(np.int16)
    equal = (np.diff(pixels, axis=1) == 0).all(axis=2)
    clipped = (pixels[:, 1:].max(axis=2) < _DARK) | (pixels[:, 1:].min(axis=2) > _LIGHT)
    return float((equal & ~clipped).sum() / max(1, (~clipped).sum()))


def _looks_like_paper(image: Image.Image) -> bool:
    red, green, blue = _small(image).split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    least = ImageChops.darker(ImageChops.darker(red, green), blue)
    if float(np.asarray(ImageChops.subtract(most, least)).mean()) > _PAPER_COLOUR:
        return False
    total = np.asarray(red, np.uint16) + np.asarray(green, np.uint16) + np.asarray(blue, np.uint16)
    counts = np.bincount(total.reshape(-1) // (3 * _BAND), minlength=256 // _BAND)
    peak = int(counts.argmax())
    share = counts[max(peak - 1, 0) : peak + 2].sum() / counts.sum()
    return bool(peak * _BAND >= _PAPER_BRIGHT and share >= _PAPER_SHARE)


def _small(image: Image.Image) -> Image.Image:
    return image.reduce(max(1, math.ceil(max(image.size) / _SAMPLE_SIDE)))
