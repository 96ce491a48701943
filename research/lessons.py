"""What a student learns from a teacher (research.teach): crops, the teacher's opinion of each, and what it saw in them."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from research.clip import WIDTH
from research.samples import Crops, cells, tensor
from veriscope.training.augment import compressed, drawn_geometry

BLOCKS = (3, 7, 11)  # of twelve: what research.frozen_clip found best
PER_FILE = 100
TOKENS = len(BLOCKS) * WIDTH


class Lesson(NamedTuple):
    """One crop, or a batch of them."""

    pixels: Tensor  # (3, S, S) float32
    label: Tensor  # () float32: 1 synthetic, 0 real, below zero where the whole need not answer
    mask: Tensor  # (S/32, S/32) float32: changed share, below zero where nobody knows
    opinion: Tensor  # () float32: the teacher's logit, NaN where it was not asked
    tokens: Tensor  # (2304,) float32: the teacher's class tokens, standardised; zero where it was not asked


class Taught:
    """What a run's teacher was asked: crops, opinions and tokens, where they came from."""

    def __init__(self, run: Path) -> None:
        files = pixel_files(run)
        self._pixels = [np.load(file, mmap_mode="r") for file in files]
        self.tokens = np.concatenate([np.load(beside(file, "tokens.npy")) for file in files]).reshape(-1, TOKENS)
        with (run / "taught.csv").open(newline="") as handle:
            rows = list(csv.DictReader(handle))
        self.labels = [float(row["label"]) for row in rows]
        self.opinions = [float(row["opinion"]) for row in rows]
        if len(rows) != len(self.tokens):
            raise ValueError(f"{run}/taught.csv has {len(rows)} rows for {len(self.tokens)} crops: run research.teach again")

    def __len__(self) -> int:
        return len(self.labels)

    def pixels(self, number: int) -> np.ndarray:
        """(224, 224, 3) uint8."""
        return self._pixels[number // PER_FILE][number % PER_FILE]


def pixel_files(run: Path) -> list[Path]:
    """One per hundred crops; tokens and origins lie beside each."""
    return sorted((run / "taught").glob("*.pixels.npy"))


def beside(pixels: Path, name: str) -> Path:
    return pixels.with_name(pixels.name.removesuffix("pixels.npy") + name)


class Lessons(Dataset[Lesson]):
    """The crops of a run; a share `taught_share` of them are those that the teacher was asked about."""

    def __init__(self, run: Path, settings: dict[str, Any], face: bool, start: int = 0) -> None:
        self.crops = Crops(run, settings, face, start)
        self.share = float(settings.get("taught_share", 0.0))
        self.start, self.side = start, int(settings["side"])
        if self.share:
            self.taught = Taught(run)
            values = self.taught.tokens.astype(np.float32)
            self.mean, self.spread = values.mean(0), values.std(0) + 1e-6

    def __len__(self) -> int:
        return len(self.crops)

    def __getitem__(self, number: int) -> Lesson:
        """Index i of a run always gives the same lesson, whatever was drawn before."""
        chance = random.Random(f"lesson {self.start + number}")
        if chance.random() >= self.share:
            nothing = torch.tensor(float("nan")), torch.zeros(TOKENS if self.share else 0)
            return Lesson(*self.crops[number], *nothing)
        index = chance.randrange(len(self.taught))
        picture = Image.fromarray(self.taught.pixels(index))
        picture = drawn_geometry(picture.width, self.side, chance, False)(picture)
        if chance.random() < 0.25:
            picture = compressed(picture, chance)  # otherwise a crop would come back with the same traces each time
        label = self.taught.labels[index]
        tokens = (self.taught.tokens[index].astype(np.float32) - self.mean) / self.spread
        return Lesson(
            tensor(picture),
            torch.tensor(label),
            torch.full(cells(self.side), label),
            torch.tensor(self.taught.opinions[index]),
            torch.from_numpy(tokens),
        )
