"""What training draws: an augmented crop, its label, and where in it something was changed."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from research.augment import blended, pasted
from research.network import MEAN, STD
from research.prepare import load
from research.reconstruct import load_reconstructed, middle
from veriscope.training.augment import augmented, drawn_geometry

Row = dict[str, str]
Sample = tuple[Image.Image, float, Image.Image | None]  # crop, label, mask (L) of what was changed, None = nobody knows
STRIDE = 32  # pixels of a crop per position of the network's map
LOCAL_EDIT = -1.0  # label: changed in a part only, which the whole need not answer for


class Crops(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Draws `epochs_of` augmented crops; index i of a run always gives the same crop, whatever was drawn before."""

    def __init__(self, run: Path, settings: dict[str, Any], face: bool, start: int = 0) -> None:
        self.crops, self.rows = load(run)
        self.reconstructed = load_reconstructed(run)
        self.settings, self.face, self.start = settings, face, start
        without = set(settings.get("without", ()))
        kept = ((index, row) for index, row in enumerate(self.rows) if row["split"] == "train" and row["source"] not in without)
        self.chooser = Chooser(list(kept), int(settings.get("least", 50)), settings.get("shares", {}))

    def __len__(self) -> int:
        return int(self.settings["epochs_of"]) - self.start

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """Pixels (3, S, S) float32, label () float32, mask (S/32, S/32) float32 with −1 where the truth is not known."""
        chance, side = random.Random(self.start + number), int(self.settings["side"])
        crop, label, mask = self._sample(chance)
        geometry = drawn_geometry(crop.width, side, chance, self.face)
        pixels = tensor(augmented(crop, chance, geometry))
        if mask is None:
            changed = torch.full(cells(side), -1.0)
        else:
            small = geometry(mask).resize(cells(side), Image.Resampling.BOX)
            changed = torch.from_numpy(np.array(small, np.float32)) / 255
        return pixels, torch.tensor(label), changed

    def whole(self, number: int) -> tuple[np.ndarray, tuple[int, str, str]]:
        """A crop that is real or synthetic everywhere, (S, S, 3) uint8, with label, source and kind."""
        chance, side = random.Random(self.start + number), int(self.settings["side"])
        index, label, _ = self.chooser.draw(chance)
        crop = self._crop(index)
        view = augmented(crop, chance, drawn_geometry(crop.width, side, chance, self.face))
        return np.asarray(view), (label, self.rows[index]["source"], self.rows[index]["kind"])

    def _sample(self, chance: random.Random) -> Sample:
        index, label, _ = self.chooser.draw(chance)
        if label == 0:
            crop = self._crop(index)
            return crop, 0.0, Image.new("L", crop.size, 0)
        kind = chance.random()
        if self.face and kind < self.settings.get("blend_share", 0.0):
            return self._blend(chance)
        if not self.face and self.reconstructed and kind < self.settings.get("reconstruction_share", 0.0):
            return self._reconstruction(chance)
        crop = self._crop(index)
        # A swapped face sits in a real frame, so only whole synthetic pictures are synthetic everywhere.
        return crop, 1.0, None if self.face else Image.new("L", crop.size, 255)

    def _blend(self, chance: random.Random) -> Sample:
        index, group = self.chooser.real(chance)
        other = self._crop(chance.choice(group)) if chance.random() < 0.3 else None
        crop, mask = blended(self._crop(index), other, chance)
        return crop, 1.0, mask

    def _reconstruction(self, chance: random.Random) -> Sample:
        """A reconstruction, or one of its pieces in the original; or the original itself, so that the pair is complete."""
        index = chance.choice(list(self.reconstructed))
        original, copy = Image.fromarray(middle(self.crops[index])), Image.fromarray(self.reconstructed[index])
        match chance.choices(("whole", "part", "original"), (0.5, 0.25, 0.25))[0]:
            case "whole":
                return copy, 1.0, Image.new("L", copy.size, 255)
            case "part":
                crop, mask = pasted(original, copy, chance)
                return crop, LOCAL_EDIT, mask
        return original, 0.0, Image.new("L", original.size, 0)

    def _crop(self, index: int) -> Image.Image:
        return Image.fromarray(self.crops[index])


class Chooser:
    """Half real, half synthetic, in every band of native scale: otherwise the scale alone would tell the classes apart.

    Within a band, a source counts by the square root of its size, so that no single source rules, times its entry in
    `shares` (1 by default): what is hard to learn may come more often, in both classes.
    """

    def __init__(self, rows: list[tuple[int, Row]], least: int, shares: dict[str, float]) -> None:
        groups: dict[tuple[int, int], dict[tuple[str, str], list[int]]] = defaultdict(lambda: defaultdict(list))
        size = Counter[tuple[int, int]]()
        for index, row in rows:
            place = band(float(row["scale"])), int(row["label"])
            groups[place][row["source"], row["kind"]].append(index)
            size[place] += 1
        self.bands = [scale for scale in range(5) if size[scale, 0] >= least and size[scale, 1] >= least]
        if not self.bands:
            raise ValueError(f"no band of scale holds {least} crops of each class: collect more pictures")
        self.weights = [math.sqrt(min(size[scale, 0], size[scale, 1])) for scale in self.bands]
        self.groups = {place: list(found.values()) for place, found in groups.items()}
        self.shares = {
            place: [shares.get(source, 1.0) * math.sqrt(len(group)) for (source, _), group in found.items()]
            for place, found in groups.items()
        }

    def draw(self, chance: random.Random) -> tuple[int, int, list[int]]:
        """A crop, its label, and the crops of its source."""
        place = chance.choices(self.bands, self.weights)[0], chance.randrange(2)
        group = self._group(place, chance)
        return chance.choice(group), place[1], group

    def real(self, chance: random.Random) -> tuple[int, list[int]]:
        """A real crop and the crops of its source."""
        group = self._group((chance.choices(self.bands, self.weights)[0], 0), chance)
        return chance.choice(group), group

    def _group(self, place: tuple[int, int], chance: random.Random) -> list[int]:
        return chance.choices(self.groups[place], self.shares[place])[0]


def cells(side: int) -> tuple[int, int]:
    """Positions of the network's map over a crop of `side` pixels."""
    return (math.ceil(side / STRIDE),) * 2


def band(scale: float) -> int:
    """Which of five bands of native scale a crop belongs to."""
    return sum(scale > limit for limit in (0.8, 1.25, 2.0, 3.2))


def tensor(picture: Image.Image) -> Tensor:
    """(3, H, W) float32, (value − 127.5) / 127.5."""
    return (torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() - MEAN) / STD
