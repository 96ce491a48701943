"""Folders in the layout of the Hub, made without PyTorch: an ONNX file whose answer is known, and what belongs to it.

Class c of a picture gets the score `gains`[c] × brightness + `biases`[c], where brightness runs from −1 (black) to 1 (white).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 64
PROCESSOR: dict[str, Any] = {"image_processor_type": "ViTImageProcessor", "size": {"height": SIDE, "width": SIDE}}


def classifier(
    gains: Sequence[float] = (-2.0, 2.0),
    biases: Sequence[float] | None = None,
    side: int | str = SIDE,
    batch: int | str = "batch",
    channels: int | str = 3,
    half: bool = False,
    outputs: Sequence[str] = ("logits",),
    last: str | None = None,
) -> onnx.ModelProto:
    """A network of one linear layer over the mean brightness; `last` is an operator after it ("Softmax")."""
    kind, number = (TensorProto.FLOAT16, np.float16) if half else (TensorProto.FLOAT, np.float32)
    constants = [
        numpy_helper.from_array(np.array([gains], number), "gains"),
        numpy_helper.from_array(np.array([biases or [0.0] * len(gains)], number), "biases"),
    ]
    nodes = [
        helper.make_node("ReduceMean", ["pixel_values"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "one"], ["column"]),
        helper.make_node("MatMul", ["column", "gains"], ["scaled"]),
        helper.make_node("Add", ["scaled", "biases"], ["scores"]),
        *(helper.make_node(last or "Identity", ["scores"], [name]) for name in outputs),
    ]
    constants.append(helper.make_tensor("one", TensorProto.INT64, [1], [1]))
    graph = helper.make_graph(
        nodes,
        "classifier",
        [helper.make_tensor_value_info("pixel_values", kind, [batch, channels, side, side])],
        [helper.make_tensor_value_info(name, kind, [batch, len(gains)]) for name in outputs],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def make_folder(
    folder: Path,
    labels: Sequence[str] = ("real", "fake"),
    network: onnx.ModelProto | None = None,
    processor: Mapping[str, Any] | None = PROCESSOR,
    **config: Any,
) -> Path:
    """A model's folder: config.json, preprocessor_config.json, model.onnx."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {"model_type": "vit", "id2label": {str(number): word for number, word in enumerate(labels)}, **config}
    (folder / "config.json").write_text(json.dumps(values))
    if processor is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    onnx.save(network or classifier(), str(folder / "model.onnx"))
    return folder
