"""Labelled pictures whose answers are known: the brighter, the more suspicious to the detectors of `models_made`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from models_made import brightness_model, offer_package, write_card
from PIL import Image

from veriscope.settings import Settings

PLUGINS = Settings(allow_plugins=True, threads=1)


def speckled(brightness: float, seed: int, size: tuple[int, int] = (120, 100)) -> Image.Image:
    """Coloured noise around a brightness of 0–255: no document, no screenshot, and no two alike."""
    noise = np.random.default_rng(seed).normal(0, 25, (size[1], size[0], 3))
    return Image.fromarray(np.clip(brightness + noise, 0, 255).astype(np.uint8))


def write_pictures(folder: Path, levels: Sequence[float], seed: int = 0) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:03}.png" for number in range(len(levels))]
    for number, (path, level) in enumerate(zip(paths, levels, strict=True)):
        speckled(level, seed + number).save(path)
    return paths


def made_set(folder: Path, real: Sequence[float] = (60, 80, 100), fake: Sequence[float] = (150, 170, 190)) -> Path:
    """A folder with `real/camera` and `fake/gan`, each picture of a brightness."""
    write_pictures(folder / "real" / "camera", real)
    write_pictures(folder / "fake" / "gan", fake, seed=1000)
    return folder


def offer_detectors(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installs two detectors: `bright` finds bright pictures suspicious, `dark` dark ones."""
    cards = offer_package(folder, monkeypatch)
    write_card(cards, id="bright")
    write_card(cards, brightness_model(gain=-4.0), id="dark")
