"""Altered copies of a frame: an answer that flips when a picture is merely saved again should not be trusted."""

from __future__ import annotations

import base64
import io
import math

from PIL import Image

from veriscope.domain import Box, Frame

LARGE, MESSENGER = 12_000_000, 6_000_000
"""Pixels: a picture above `LARGE` is shrunk to `MESSENGER` before it is saved again, as every messenger does; a second
picture of 48 megapixels would not fit the memory that an analysis may take."""


def reencoded(frame: Frame, quality: int = 70) -> Frame:
    """The frame after one trip through JPEG with 4:2:0 chroma, as messengers and networks do it. `quality`: 1–95."""
    packed = io.BytesIO()
    pixels = frame.image.width * frame.image.height
    shrink = math.ceil(math.sqrt(pixels / MESSENGER)) if pixels > LARGE else 1
    small = frame.image.reduce(shrink) if shrink > 1 else frame.image
    small.save(packed, "JPEG", quality=quality, subsampling="4:2:0")
    del small  # before the next copy is decoded
    image = Image.open(packed, formats=["JPEG"])
    image.load()
    image.info = {}
    return Frame(frame.index, image, frame.time)


def halved(frame: Frame) -> Frame:
    """The frame at half its width and height, each pixel the mean of four (box filter); at least one pixel."""
    width, height = frame.image.size
    if min(width, height) < 2:
        return Frame(frame.index, frame.image.resize((max(1, width // 2), max(1, height // 2))), frame.time)
    whole = (0, 0, width // 2 * 2, height // 2 * 2)  # a last odd row or column has no partner
    return Frame(frame.index, frame.image.reduce(2, box=whole), frame.time)


THUMBNAIL = 192  # pixels of the longer side


def thumbnail(frame: Frame, box: Box | None) -> str:
    """A small JPEG of the frame, or of a face with its surroundings, as base64."""
    picture = frame.image
    if box is not None:
        margin = max(box.width, box.height) / 2
        left, top = max(0, int(box.x - margin)), max(0, int(box.y - margin))
        right = min(picture.width, max(left + 1, int(box.x + box.width + margin)))
        picture = picture.crop((left, top, right, min(picture.height, max(top + 1, int(box.y + box.height + margin)))))
    small = picture.copy() if box is None else picture
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    packed = io.BytesIO()
    small.save(packed, "JPEG", quality=80)
    return base64.b64encode(packed.getvalue()).decode("ascii")
