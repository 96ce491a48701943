"""Detectors made for tests: an ONNX file whose answer is known, and the card that describes it.

The logit is linear in the mean brightness of a view: `gain` × brightness + `bias`, where brightness runs from −1 (black) to 1
(white). The map holds the same term for each quarter of the view, so the logit is its mean, as in the embedded models.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from veriscope.detectors.card import Card, read_card

SIDE = 64

CARD: dict[str, Any] = {
    "id": "made",
    "version": "1.0.0",
    "name": "Made",
    "summary": "Calls bright pictures synthetic.",
    "task": "scene",
    "engine": "onnx",
    "licence": "Apache-2.0",
    "commercial_use": "yes",
    "terms": "trained on nothing",
    "weights": {"file": "made.onnx", "sha256": "0" * 64, "bytes": 1},
    "input": {"size": SIDE, "mean": [127.5] * 3, "std": [127.5] * 3},
    "output": {"logit": "logit", "map": "map"},
    "calibration": {
        "a": 1.0,
        "b": 0.0,
        "covariance": [0.01, 0.0, 0.04],
        "fitted_on": "nothing",
        "n": 100,
        "fitted": "2026-01-01",
    },
    "points": {
        "clear": 0.2,
        "some": 0.05,
        "strong": 0.01,
        "curve": [
            {"rate": 0.5, "probability": 0.3},
            {"rate": 0.2, "probability": 0.5},
            {"rate": 0.05, "probability": 0.7},
            {"rate": 0.02, "probability": 0.8},
            {"rate": 0.01, "probability": 0.9},
            {"rate": 0.002, "probability": 0.95},
        ],
    },
    "evidence": {
        "command": "none",
        "measured": "2026-01-01",
        "real": 100,
        "synthetic": 100,
        "auc": 0.9,
        "eer": 0.1,
        "tpr_at_fpr_1": 0.5,
        "tpr_at_fpr_5": 0.7,
        "fpr_some": 0.06,
        "fpr_strong": 0.012,
        "ece": 0.02,
        "unseen": {"other": 0.8},
        "known_failures": ["everything"],
    },
}
FACE: dict[str, Any] = {"task": "face", "input": {"margin": 1.2, "rotate": True}}


def brightness_model(gain: float = 4.0, bias: float = 0.0, side: int = SIDE, numbers: int = 1) -> bytes:
    """An ONNX file with the inputs and outputs of the embedded models; `numbers` > 1 gives that many per view."""
    half = side // 2
    nodes = [
        helper.make_node("ReduceMean", ["pixels"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("AveragePool", ["grey"], ["quarters"], kernel_shape=[half, half], strides=[half, half]),
        helper.make_node("Mul", ["quarters", "gain"], ["scaled"]),
        helper.make_node("Add", ["scaled", "bias"], ["terms"]),
        helper.make_node("Squeeze", ["terms", "channel"], ["map"]),
        helper.make_node("ReduceMean", ["map"], ["one"], axes=[1, 2], keepdims=0),
        helper.make_node("Concat", ["one"] * numbers, ["logit"], axis=0),
    ]
    constants = [
        helper.make_tensor("gain", TensorProto.FLOAT, [], [gain]),
        helper.make_tensor("bias", TensorProto.FLOAT, [], [bias]),
        helper.make_tensor("channel", TensorProto.INT64, [1], [1]),
    ]
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["views", 3, side, side])],
        [
            helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["numbers"]),
            helper.make_tensor_value_info("map", TensorProto.FLOAT, ["views", 2, 2]),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def card_values(**changes: Any) -> dict[str, Any]:
    """The values of a valid card; a mapping changes a table in part."""
    values = copy.deepcopy(CARD)
    for key, change in changes.items():
        values[key] = {**values[key], **change} if isinstance(change, Mapping) and key in values else change
    return values


def write_card(folder: Path, model: bytes | None = None, **changes: Any) -> Path:
    """A card in `folder` with its model beside it; the path of the card."""
    values = card_values(**changes)
    data = brightness_model(side=values["input"]["size"]) if model is None else model
    pinned = {"file": f"{values['id']}.onnx", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    values["weights"] = pinned | dict(changes.get("weights", {}))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{values['id']}.onnx").write_bytes(data)
    path = folder / f"{values['id']}.toml"
    path.write_text(toml(values), "utf-8")
    return path


def made_card(folder: Path, model: bytes | None = None, **changes: Any) -> Card:
    return read_card(write_card(folder, model, **changes))


def offer_package(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str = "made_cards") -> Path:
    """Pretends that a package with detector cards is installed; the folder in which its cards belong."""
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[veriscope.detectors]\nany = {name}.cards\n")
    monkeypatch.syspath_prepend(str(folder))
    return folder / name / "cards"


def toml(values: Mapping[str, Any]) -> str:
    """TOML text of nested tables; dates are given as text."""
    return "\n".join(f"{key} = {_toml_value(value)}" for key, value in values.items()) + "\n"


def _toml_value(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case Mapping():
            return "{" + ", ".join(f"{key} = {_toml_value(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(_toml_value(item) for item in value) + "]"
        case str() if len(value) == 10 and value[4] == value[7] == "-":
            return value
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)
