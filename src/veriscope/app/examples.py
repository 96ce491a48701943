"""Pictures to try the app with, free of rights and part of the package. `scripts/make_examples.py` makes them again."""

from __future__ import annotations

import functools
import io
from importlib.resources import files

from PIL import Image

NAMES = ("portrait", "altered", "rocket", "declared")


@functools.cache
def data(name: str) -> bytes:
    """The file of an example."""
    return files("veriscope.app").joinpath("examples", f"{name}.jpg").read_bytes()


@functools.cache
def thumbnail(name: str, side: int = 240) -> bytes:
    """A square JPEG from the middle of an example, shown beside its button."""
    with Image.open(io.BytesIO(data(name))) as picture:
        square = min(picture.size)
        left, top = (picture.width - square) // 2, (picture.height - square) // 4
        small = picture.convert("RGB").crop((left, top, left + square, top + square)).resize((side, side))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=82)
    return out.getvalue()
