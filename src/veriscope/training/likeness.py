"""Which pictures are nearly the same: they must not be on both sides of a split.

A difference hash says for each cell of a 17 × 16 grid whether the next one is brighter. It survives resizing, compression and
changes of tone; it does not survive a crop, a mirror image or another view of the same scene, for which the data need a column
`group`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Hashes = NDArray[np.uint8]  # (N, 32)

GRID = 16
NEAR = 32  # differing bits of 256; unrelated photographs differ in about half of them
_ROWS = 256  # compared at a time: bounds memory


def difference_hash(picture: Image.Image) -> NDArray[np.uint8]:
    """(32,) uint8: 256 bits."""
    small = np.asarray(picture.convert("L").resize((GRID + 1, GRID), Image.Resampling.BOX), np.int16)
    return np.packbits(small[:, 1:] > small[:, :-1])


def joined(count: int, hashes: Hashes | None = None, names: Iterable[Sequence[str]] = ()) -> list[int]:
    """The group of each of `count` pictures: a number that all which belong together share.

    Args:
        count: how many pictures there are.
        hashes: (count, 32); two within `NEAR` bits of each other belong together.
        names: for each kind of name (person, clip, folder) the names of all pictures; equal ones that are not empty belong
            together.
    """
    parent = list(range(count))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for first, second in _pairs(hashes, names):
        one, other = sorted((root(first), root(second)))
        parent[other] = one
    return [root(place) for place in range(count)]


def _pairs(hashes: Hashes | None, names: Iterable[Sequence[str]]) -> Iterable[tuple[int, int]]:
    for kind in names:
        first: dict[str, int] = {}
        for place, name in enumerate(kind):
            if name:
                yield first.setdefault(name, place), place
    if hashes is None:
        return
    words = np.ascontiguousarray(hashes).view(np.uint64)
    for start in range(0, len(words), _ROWS):
        rows = words[start : start + _ROWS]
        distance = np.bitwise_count(rows[:, None] ^ words[None, start:]).sum(2, dtype=np.uint16)
        for row, column in zip(*np.nonzero(distance <= NEAR), strict=True):
            if column > row:
                yield start + int(row), start + int(column)
