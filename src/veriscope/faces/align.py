"""Cutting a face out of a picture, by a recipe that a detector's card records.

The same function makes the training crops and the crops of an analysis: another margin or another detector takes
published face models down to chance.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from veriscope.domain import CropRecipe, Face

# Seen from the side, the eyes nearly coincide and the line through them says nothing about the head's tilt.
_MIN_EYE_DISTANCE = 0.2  # of the face's width


def crop_face(image: Image.Image, face: Face, recipe: CropRecipe) -> Image.Image:
    """The face as a square RGB picture of `recipe.size` pixels.

    The square is centred on the face's box, its side is `margin` × the longer side of the box, and it is turned until
    the eyes lie level. What lies outside the picture repeats the picture's edge, so that no black corner can become a
    clue. Shrinking is done with an anti-aliasing filter before the turn.
    """
    side = recipe.margin * max(face.box.width, face.box.height)
    centre = (face.box.x + face.box.width / 2, face.box.y + face.box.height / 2)
    angle = tilt(face) if recipe.rotate else 0.0
    reach = side * (abs(math.cos(angle)) + abs(math.sin(angle))) / 2 + 2
    left, top = math.floor(centre[0] - reach), math.floor(centre[1] - reach)
    reach_side = math.ceil(2 * reach)
    shrink = min(1.0, recipe.size / side)
    length = max(1, round(reach_side * shrink))
    region = _region(image, left, top, reach_side, length)
    shrink = length / reach_side
    step = side * shrink / recipe.size  # region pixels per result pixel
    cos, sin = step * math.cos(angle), step * math.sin(angle)
    middle = recipe.size / 2
    x, y = (centre[0] - left) * shrink, (centre[1] - top) * shrink
    matrix = (cos, -sin, x - middle * (cos - sin), sin, cos, y - middle * (sin + cos))
    return region.transform((recipe.size, recipe.size), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def tilt(face: Face) -> float:
    """The head's turn in the picture plane, in radians; 0.0 when the eyes lie level or cannot tell."""
    (right_x, right_y), (left_x, left_y) = face.landmarks[0], face.landmarks[1]
    if math.hypot(left_x - right_x, left_y - right_y) < _MIN_EYE_DISTANCE * face.box.width:
        return 0.0
    return math.atan2(left_y - right_y, left_x - right_x)


def _region(image: Image.Image, left: int, top: int, side: int, length: int) -> Image.Image:
    """A square piece of the picture, shrunk to `length`; beyond the picture's border the outermost pixels repeat."""
    inside = (max(left, 0), max(top, 0), min(left + side, image.width), min(top + side, image.height))
    if inside == (left, top, left + side, top + side):
        return _shrunk(image, length, inside)
    before = (inside[0] - left, inside[1] - top)
    after = (left + side - inside[2], top + side - inside[3])
    edges = ((before[1], after[1]), (before[0], after[0]), (0, 0))
    padded = Image.fromarray(np.pad(np.asarray(image.crop(inside)), edges, mode="edge"))
    return _shrunk(padded, length, (0, 0, side, side))


def _shrunk(image: Image.Image, length: int, box: tuple[int, int, int, int]) -> Image.Image:
    if length == box[2] - box[0]:
        return image.crop(box)
    return image.resize((length, length), Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
