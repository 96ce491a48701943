"""Labelled pictures made for tests: clouds of noise, warm ones called real and cold ones called fake."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def cloud(seed: int, cold: bool, side: int = 96) -> Image.Image:
    """A picture unlike any other of another seed, with the grain of a photograph."""
    chance = np.random.default_rng(seed)
    coarse = Image.fromarray(chance.integers(40, 200, (6, 6, 3), np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    tint = np.array([-35.0, 0.0, 35.0]) if cold else np.array([35.0, 0.0, -35.0])
    pixels = np.asarray(coarse, np.float64) * 0.7 + 30 + tint + chance.normal(0, 6, (side, side, 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def write_clouds(folder: Path, count: int, side: int = 96, first: int = 0) -> Path:
    """`count` real and as many fake pictures in real/ and fake/warp, fake/swirl; the folder."""
    for label, names in (("real", ("",)), ("fake", ("warp", "swirl"))):
        for number in range(count):
            place = folder / label / names[number % len(names)]
            place.mkdir(parents=True, exist_ok=True)
            seed = 2 * (first + number) + (label == "fake")
            cloud(seed, label == "fake", side).save(place / f"{seed:04}.jpg", quality=88)
    return folder
