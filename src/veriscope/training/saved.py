"""Weights out of an embedded detector's ONNX file, into a network of the same architecture; research begins with them too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn


def convolutions(path: Path) -> int:
    """How many a file holds, which tells its architecture."""
    return sum(node.op_type == "Conv" for node in onnx.load(path, load_external_data=False).graph.node)


def copy_onnx(path: Path, convolutions: Sequence[nn.Conv2d]) -> tuple[Tensor, Tensor]:
    """Fills convolutions that have a bias, and gives the head of one logit: (1, features) float32 and (1,).

    Args:
        path: the file, with normalisation folded into its convolutions.
        convolutions: in the order in which they run.

    Raises:
        ValueError: the file holds another architecture.
    """
    graph = onnx.load(path).graph
    values = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
    saved = [node for node in graph.node if node.op_type == "Conv"]
    if len(saved) != len(convolutions):
        raise ValueError(f"{path.name} has {len(saved)} convolutions, this network {len(convolutions)}")
    with torch.no_grad():
        for node, convolution in zip(saved, convolutions, strict=True):
            convolution.weight.copy_(values[node.input[1]])
            convolution.bias.copy_(values[node.input[2]])
    head = next(node for node in graph.node if node.op_type == "Gemm")
    return values[head.input[1]].reshape(1, -1), values[head.input[2]].reshape(1)
