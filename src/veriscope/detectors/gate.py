"""What a whole-picture model must not be asked about: it was trained on photographs.

Detectors of others flag 4 % of screenshots and 7 % of documents; ours says that it was not made for them.
The numbers are set on scanned receipts and photographs (`python -m research.gates` prints how many of each kind pass).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veriscope.domain import Finding

MIN_SIDE = 96  # a smaller picture holds too little to judge

_SAMPLE_SIDE = 512
_FLAT_SCREEN = 0.6  # share of pixels equal to their right neighbour, at native size …
_DARK, _LIGHT = 8, 247  # … leaving out what a camera clips: night skies and lamps are flat too
_PAPER_SHARE = 0.55  # share of pixels within a narrow band around the commonest brightness …
_PAPER_BRIGHT = 160  # … which is bright …
_PAPER_COLOUR = 24  # … in a picture nearly without colour (mean of max − min over channels)


@dataclass(frozen=True, slots=True)
class Gate:
    """`refusal`: why the picture must not be judged; `notes`: what to say beside a judgement."""

    refusal: Finding | None = None
    notes: tuple[Finding, ...] = ()


def scene_gate(image: Image.Image) -> Gate:
    """Whether a whole-picture model may judge the picture."""
    if min(image.size) < MIN_SIDE:
        return Gate(Finding("scene.too_small", {"side": min(image.size), "least": MIN_SIDE}))
    if _looks_like_paper(image):
        return Gate(Finding("scene.document"))
    if _flatness(image) > _FLAT_SCREEN:
        return Gate(Finding("scene.screenshot"))
    return Gate()


def _flatness(image: Image.Image) -> float:
    """Share of pixels equal to their right neighbour, in bands spread over the height: graphics have most, cameras few."""
    rows = np.linspace(0, image.height - 1, 24).astype(int)
    bands = [np.asarray(image.crop((0, row, image.width, row + 1))) for row in rows]
    pixels = np.concatenate(bands).astype(np.int16)
    equal = (np.diff(pixels, axis=1) == 0).all(axis=2)
    clipped = (pixels[:, 1:].max(axis=2) < _DARK) | (pixels[:, 1:].min(axis=2) > _LIGHT)
    return float((equal & ~clipped).sum() / max(1, (~clipped).sum()))


def _looks_like_paper(image: Image.Image) -> bool:
    pixels = _small(image)
    if float((pixels.max(axis=2) - pixels.min(axis=2)).mean()) > _PAPER_COLOUR:
        return False
    grey = pixels.mean(axis=2)
    counts, edges = np.histogram(grey, bins=32, range=(0, 256))
    peak = int(counts.argmax())
    share = counts[max(peak - 1, 0) : peak + 2].sum() / counts.sum()
    return bool(edges[peak] >= _PAPER_BRIGHT and share >= _PAPER_SHARE)


def _small(image: Image.Image) -> NDArray[np.int16]:
    scale = min(1.0, _SAMPLE_SIDE / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0), np.int16)
