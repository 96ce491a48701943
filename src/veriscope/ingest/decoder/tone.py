"""High dynamic range → what an ordinary screen shows, so that detectors see the colours they were trained on.

References: SMPTE ST 2084 (PQ), ITU-R BT.2100 (HLG), BT.2087 (primaries), BT.2408 (reference white at 203 cd/m²),
Reinhard et al. 2002, equation 4 (the curve).
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

WHITE = 203.0  # cd/m²
PEAK = 1000.0 / WHITE  # what maps to full white
_TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)


def mapped(pixels: NDArray[np.uint16], transfer: str) -> NDArray[np.uint8]:
    """(H, W, 3) BT.2020 code values 0–65535 → sRGB 0–255. `transfer`: "pq" or "hlg"."""
    out = np.empty(pixels.shape, np.uint8)
    table, display = _linear(transfer), _display()
    for top in range(0, pixels.shape[0], 64):  # in bands: whole frames of floats would cost 200 MB at 4K
        light = table[pixels[top : top + 64]]
        peak = light.max(axis=2, keepdims=True)
        light *= (1 + peak / PEAK**2) / (1 + peak)
        np.clip(light @ _TO_709.T, 0, 1, out=light)
        out[top : top + 64] = display[(light * 4095 + 0.5).astype(np.uint16)]
    return out


@functools.cache
def _linear(transfer: str) -> NDArray[np.float32]:
    """Light relative to reference white for each code value."""
    code = np.linspace(0, 1, 65_536)
    if transfer == "pq":
        root = code ** (1 / 78.84375)
        nits = 10_000 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
    else:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
        nits = 1000 * scene**1.2
    return (nits / WHITE).astype(np.float32)


@functools.cache
def _display() -> NDArray[np.uint8]:
    light = np.linspace(0, 1, 4096)
    code = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (code * 255 + 0.5).astype(np.uint8)
