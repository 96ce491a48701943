"""Models that each see half of a picture, in the layout of the Hub, and pictures whose halves are known.

Each half of a picture has a brightness of its own, so a model of the left half and one of the right err independently: an
ensemble of the two must be better than either.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image

SIDE = 32
SPREAD = 20.0  # of the halves' brightness
GAP = 34.0  # between real and synthetic


def half_model(left: float, right: float) -> bytes:
    """An ONNX file with outputs (real, fake): the halves' brightness, −1 to 1, each times its weight."""
    nodes = [
        helper.make_node("ReduceMean", ["pixel_values"], ["grey"], axes=[1], keepdims=0),
        helper.make_node("Mul", ["grey", "weights"], ["weighted"]),
        helper.make_node("ReduceMean", ["weighted"], ["score"], axes=[1, 2], keepdims=0),
        helper.make_node("Unsqueeze", ["score", "one"], ["column"]),
        helper.make_node("Mul", ["column", "signs"], ["logits"]),
    ]
    weights = np.repeat([[left] * (SIDE // 2) + [right] * (SIDE // 2)], SIDE, axis=0).astype(np.float32)
    constants = [
        helper.make_tensor("weights", TensorProto.FLOAT, [SIDE, SIDE], weights.reshape(-1).tolist()),
        helper.make_tensor("one", TensorProto.INT64, [1], [1]),
        helper.make_tensor("signs", TensorProto.FLOAT, [1, 2], [-1.0, 1.0]),
    ]
    graph = helper.make_graph(
        nodes,
        "halves",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def hub_folder(path: Path, left: float, right: float) -> Path:
    """A model's folder as the Hub has it, whole pictures, labels 0 real and 1 fake."""
    path.mkdir(parents=True)
    (path / "model.onnx").write_bytes(half_model(left, right))
    config = {"model_type": "vit", "id2label": {"0": "real", "1": "fake"}, "veriscope": {"task": "scene"}}
    processor = {
        "image_processor_type": "ViTImageProcessor",
        "size": {"height": SIDE, "width": SIDE},
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }
    (path / "config.json").write_text(json.dumps(config))
    (path / "preprocessor_config.json").write_text(json.dumps(processor))
    return path


def halved_picture(left: float, right: float, seed: int) -> Image.Image:
    """128 × 112 pixels of coloured noise, each half around a brightness of 0–255."""
    noise = np.random.default_rng(seed).normal(0, 25, (112, 128, 3))
    levels = np.repeat([left, right], 64)[None, :, None]
    return Image.fromarray(np.clip(levels + noise, 0, 255).astype(np.uint8))


def halved_set(folder: Path, real: int, fake: int, seed: int = 0) -> Path:
    """Pictures in real/ and fake/, whose halves' brightness is `GAP` apart on average, each half on its own."""
    chance = np.random.default_rng(seed)
    for name, count, middle in (("real", real, 128 - GAP / 2), ("fake", fake, 128 + GAP / 2)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            left, right = middle + SPREAD * chance.normal(size=2)
            halved_picture(left, right, seed=int(chance.integers(1 << 30))).save(folder / name / f"{number:03}.png")
    return folder
