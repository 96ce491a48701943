"""A decoded frame → upright RGB with square pixels, and a coarse grid of its brightness to compare frames by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from veriscope.ingest.decoder import tone

if TYPE_CHECKING:
    from av import VideoFrame

_HIGH_DEFINITION = 720  # lines from which an unmarked stream is taken for BT.709, as players do
_BT709, _BT601, _BT2020, _UNSPECIFIED = 1, 5, 9, 2
_TRANSFER = {16: "pq", 18: "hlg"}  # ITU-T H.273, table 3
_SQUARE = 0.02  # pixels that are off by less are taken for square
GRID = (18, 32)


def depth(frame: VideoFrame) -> int:
    """Bits of one component."""
    return max((component.bits for component in frame.format.components), default=8)


def transfer(frame: VideoFrame) -> str | None:
    """ "pq" or "hlg" for a frame of high dynamic range."""
    return _TRANSFER.get(int(frame.color_trc or 0))


def has_alpha(frame: VideoFrame) -> bool:
    return any(component.is_alpha for component in frame.format.components) or frame.format.name == "pal8"


def shown_width(frame: VideoFrame, aspect: float) -> int:
    """Width that makes pixels square; `aspect`: width of a stored pixel over its height."""
    return frame.width if abs(aspect - 1) <= _SQUARE else max(1, round(frame.width * aspect))


def upright(frame: VideoFrame, aspect: float) -> NDArray[np.uint8]:
    """(H, W, 3) RGB, or (H, W, 4) with transparency, turned as the stream's matrix asks."""
    curve = transfer(frame)
    kind = "rgb48le" if curve else "rgba" if has_alpha(frame) else "rgb24"
    flat = frame.reformat(shown_width(frame, aspect), frame.height, kind, src_colorspace=_space(frame))
    values: NDArray[Any] = flat.to_ndarray()
    array: NDArray[np.uint8] = tone.mapped(values, curve) if curve else values
    if frame.interlaced_frame:
        array = _one_field(array)
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(array, turns) if turns else array)


def _space(frame: VideoFrame) -> int | None:
    if frame.format.is_rgb:
        return None
    known = int(frame.colorspace or _UNSPECIFIED)
    if known not in (_UNSPECIFIED, 0):
        return known
    if transfer(frame):
        return _BT2020
    return _BT709 if frame.height >= _HIGH_DEFINITION else _BT601


def _one_field(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The lines of the first field, those between as the mean of their neighbours: half the detail, and no comb."""
    upper = array[0::2].astype(np.uint16)
    out = array.copy()
    below = np.concatenate([upper[1:], upper[-1:]])
    out[1::2] = ((upper + below + 1) // 2)[: out[1::2].shape[0]].astype(np.uint8)
    return out


def grid(frame: VideoFrame) -> NDArray[np.int16]:
    """Brightness 0–255 at 18 × 32 places of the first plane: no conversion, a few microseconds."""
    plane = frame.planes[0]
    bits = depth(frame)
    kind = np.dtype("<u2") if bits > 8 else np.dtype(np.uint8)
    values: NDArray[Any] = np.frombuffer(memoryview(plane), kind)
    wide = plane.line_size // kind.itemsize
    shown = wide if wide < 2 * plane.width else wide // plane.width * plane.width  # packed formats: several values a pixel
    rows = values[: plane.height * wide].reshape(plane.height, wide)[:, : shown if shown >= 2 * plane.width else plane.width]
    places = (np.linspace(0, side - 1, number).astype(int) for side, number in zip(rows.shape, GRID, strict=True))
    picked: NDArray[np.int16] = (rows[np.ix_(*places)] >> max(0, bits - 8)).astype(np.int16)
    return picked
