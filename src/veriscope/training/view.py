"""What the model looks at: a face or a whole picture, cut for training exactly as an analysis cuts it."""

from __future__ import annotations

import dataclasses
import random

from PIL import Image

from veriscope.detectors.hub.recipe import Recipe
from veriscope.domain import CropRecipe
from veriscope.training.augment import Geometry, drawn_geometry
from veriscope.training.plan import Task

_ROOM = 8 / 7  # side of a stored picture, in sides of what is seen of it: training shifts and scales within


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """A task with the steps from a picture, or from a face's crop, to the network's input. The input is square."""

    task: Task
    recipe: Recipe
    margin: float = 1.3  # of a face's crop, as in `CropRecipe`
    rotate: bool = True

    @property
    def size(self) -> int:
        """Side of the network's input in pixels."""
        return self.recipe.size[0]

    @property
    def crop(self) -> CropRecipe | None:
        """The face crop of an analysis; None for whole pictures."""
        return CropRecipe(self.size, self.margin, self.rotate) if self.task == "face" else None

    @property
    def stored(self) -> int:
        """Side of the square that is kept of each picture for training."""
        return round((self.size if self.task == "face" else self.recipe.shorter or self.size) * _ROOM)

    @property
    def stored_crop(self) -> CropRecipe:
        """The crop of a face with room around it."""
        return CropRecipe(self.stored, self.margin * self.stored / self.size, self.rotate)

    @property
    def _extent(self) -> float:
        """Side of the part of a stored picture that an analysis sees."""
        return float(self.size) if self.task == "face" else self.size * self.stored / (self.recipe.shorter or self.size)

    def whole(self, picture: Image.Image) -> Image.Image:
        """The part of a whole picture that is stored: its middle square. The sides keep their ratio."""
        side = min(picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        box = (left, top, left + side, top + side)
        return picture.resize((self.stored, self.stored), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)

    def middle(self, stored: Image.Image) -> Image.Image:
        """What an analysis sees of a stored picture."""
        edge = (stored.width - self._extent) / 2
        return _cut(stored, edge, edge, self._extent, self.size)

    def geometry(self, chance: random.Random) -> Geometry:
        """A random view of a stored picture: shifted, scaled, mirrored, and turned a little if it is a face."""
        if self.task == "face":
            return drawn_geometry(self.stored, self.size, chance, face=True)
        extent = min(float(self.stored), self._extent * chance.uniform(0.8, 1.05))
        left, top = (chance.uniform(0, self.stored - extent) for _ in range(2))
        mirrored = chance.random() < 0.5

        def cut(picture: Image.Image) -> Image.Image:
            seen = _cut(picture, left, top, extent, self.size)
            return seen.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else seen

        return cut


def _cut(picture: Image.Image, left: float, top: float, extent: float, size: int) -> Image.Image:
    box = (left, top, left + extent, top + extent)
    if extent == size and left == int(left) and top == int(top):
        return picture.crop((int(left), int(top), int(left) + size, int(top) + size))
    return picture.resize((size, size), Image.Resampling.BICUBIC, box=box)


def unsquashed(recipe: Recipe) -> Recipe:
    """The same numbers and filter, with the ratio of the sides kept: shorter side, then the middle square.

    Many processors squash every picture to a square. Pictures of generators are square far more often than photographs, so
    squashing would print the label onto the picture (docs/decisions/0024-fine-tuning.md).
    """
    side = recipe.size[0]
    numbers = recipe.model_dump(include={"resample", "scale"})
    mean, std = recipe.mean, recipe.std
    if mean and std:
        # What EfficientNet's processor adds and divides a second time, as one mean and one deviation.
        mean = (mean[0] - recipe.offset, mean[1] - recipe.offset, mean[2] - recipe.offset)
        std = (std[0] ** 2, std[1] ** 2, std[2] ** 2) if recipe.std_twice else std
    elif recipe.offset:
        mean, std = (-recipe.offset,) * 3, (1.0, 1.0, 1.0)
    return Recipe(**numbers, shorter=recipe.shorter or side, crop=(side, side), mean=mean, std=std)


def processor_config(recipe: Recipe) -> dict[str, object]:
    """`preprocessor_config.json` of a recipe that `unsquashed` gave, for transformers and for this package alike."""
    side = recipe.size[0]
    return {
        "image_processor_type": "BitImageProcessor",  # its steps are these, with any shorter side
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": recipe.shorter},
        "resample": recipe.resample,
        "do_center_crop": True,
        "crop_size": {"height": side, "width": side},
        "do_rescale": True,
        "rescale_factor": recipe.scale,
        "do_normalize": recipe.mean is not None,
        "image_mean": list(recipe.mean or (0.0, 0.0, 0.0)),
        "image_std": list(recipe.std or (1.0, 1.0, 1.0)),
    }
