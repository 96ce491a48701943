"""What training draws: half real, half synthetic, each source by the square root of its size, each drawing reproducible."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Sequence

from veriscope.training.augment import augmented
from veriscope.training.pictures import Prepared
from veriscope.training.view import View

Sample = dict[str, object]  # pixel_values (3, S, S) float32, labels int


class Drawn:
    """Drawing number n of a run is always the same picture in the same view, whatever was drawn before.

    That is what lets a killed run go on as if nothing had happened. Even numbers are real, odd ones synthetic, so every
    batch of even size holds as many of each, and neither the size of a class nor of a source in it can become a prior.
    """

    def __init__(self, prepared: Prepared, places: Sequence[int], view: View, seed: int, count: int) -> None:
        self._prepared, self._view, self._seed, self._count = prepared, view, seed, count
        self._sources = [_by_source(prepared, places, label) for label in (0, 1)]

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Sample:
        label = number % 2
        chance = random.Random(f"{self._seed}:{number}")  # noqa: S311 not for secrets
        sources = self._sources[label]
        source = chance.choices(sources, [math.sqrt(len(members)) for members in sources])[0]
        seen = augmented(self._prepared.picture(chance.choice(source)), chance, self._view.geometry(chance))
        return {"pixel_values": self._view.recipe.pixels([seen])[0], "labels": label}


def _by_source(prepared: Prepared, places: Sequence[int], label: int) -> list[list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for place in places:
        example = prepared.examples[place]
        if example.label == label:
            found[example.generator or example.kind].append(place)
    return list(found.values())


class Seen:
    """Pictures as an analysis sees them, nothing random, in the order of `places`."""

    def __init__(self, prepared: Prepared, places: Sequence[int], view: View) -> None:
        self._prepared, self._places, self._view = prepared, tuple(places), view

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, number: int) -> Sample:
        place = self._places[number]
        seen = self._view.middle(self._prepared.picture(place))
        return {"pixel_values": self._view.recipe.pixels([seen])[0], "labels": self._prepared.examples[place].label}
