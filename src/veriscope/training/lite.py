"""EfficientNet-Lite0 as the embedded detectors have it, in a form that transformers can train and save.

Tan & Le 2019, the "lite" variant: no squeeze-and-excitation, ReLU6 everywhere. Normalisation is already folded into the
convolutions of the embedded weights, so training goes on without it: small batches cannot disturb statistics that
are not there. Two logits, real and synthetic, instead of one: that is what the Hub's image classification expects.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import ImageClassifierOutputWithNoAttention

from veriscope.errors import WeightsUnavailable
from veriscope.training.labels import LABELS
from veriscope.training.saved import copy_onnx

_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
"""Expansion, channels, blocks, stride of the first block, kernel."""

_STEM, _FEATURES = 32, 1280


class LiteConfig(PretrainedConfig):  # type: ignore[misc]
    """`mirror`: an analysis judges each picture together with its mirror image, as the embedded face detector does."""

    model_type = "veriscope_lite0"

    def __init__(self, mirror: bool = False, **others: Any) -> None:
        super().__init__(**others)
        self.mirror = mirror


class _Convolution(nn.Conv2d):  # type: ignore[misc]
    """Padded as TensorFlow does it ("same"), which puts the odd pixel of a stride behind the picture."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups)
        total = kernel - stride if stride > 1 else kernel - 1
        self._ends = (total // 2, total - total // 2) * 2

    def forward(self, pixels: Tensor) -> Tensor:
        return super().forward(nn.functional.pad(pixels, self._ends) if any(self._ends) else pixels)


class _Block(nn.Module):  # type: ignore[misc]
    """Inverted bottleneck: expand, filter each channel, project."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = _Convolution(inputs, wide) if expansion > 1 else None
        self.depthwise = _Convolution(wide, wide, kernel, stride, wide)
        self.project = _Convolution(wide, outputs)
        self.keeps_shape = stride == 1 and inputs == outputs

    def forward(self, pixels: Tensor) -> Tensor:
        found = pixels if self.expand is None else nn.functional.relu6(self.expand(pixels))
        found = self.project(nn.functional.relu6(self.depthwise(found)))
        return found + pixels if self.keeps_shape else found


class LiteForImageClassification(PreTrainedModel):  # type: ignore[misc]
    """(N, 3, S, S) float32, (value − 127.5) / 127.5 → logits (N, 2): real, synthetic."""

    config_class = LiteConfig
    main_input_name = "pixel_values"
    supports_gradient_checkpointing = True

    def __init__(self, config: LiteConfig) -> None:
        super().__init__(config)
        self.stem = _Convolution(3, _STEM, 3, 2)
        blocks, channels = [], _STEM
        for expansion, outputs, count, stride, kernel in _STAGES:
            for number in range(count):
                blocks.append(_Block(channels, outputs, expansion, stride if number == 0 else 1, kernel))
                channels = outputs
        self.blocks = nn.ModuleList(blocks)
        self.last = _Convolution(channels, _FEATURES)
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(_FEATURES, config.num_labels)
        self.gradient_checkpointing = False
        self.post_init()

    def forward(self, pixel_values: Tensor, labels: Tensor | None = None, **_: Any) -> ImageClassifierOutputWithNoAttention:
        logits = self._logits(pixel_values)
        if self.config.mirror and not self.training:
            logits = (logits + self._logits(pixel_values.flip(3))) / 2
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return ImageClassifierOutputWithNoAttention(loss=loss, logits=logits)

    def _logits(self, pixels: Tensor) -> Tensor:
        found = nn.functional.relu6(self.stem(pixels))
        for block in self.blocks:
            if self.gradient_checkpointing and self.training:
                found = torch.utils.checkpoint.checkpoint(block, found, use_reentrant=False)
            else:
                found = block(found)
        features = nn.functional.relu6(self.last(found)).mean((2, 3))
        return self.classifier(self.dropout(features))

    def convolutions(self) -> list[nn.Conv2d]:
        """In the order in which they run."""
        return [module for module in self.modules() if isinstance(module, nn.Conv2d)]


def from_embedded(path: Path, mirror: bool) -> LiteForImageClassification:
    """The network of an embedded detector's ONNX file.

    Raises:
        ValueError: the file holds another architecture.
    """
    network = LiteForImageClassification(LiteConfig(mirror, id2label=dict(LABELS)))
    weight, bias = copy_onnx(path, network.convolutions())
    with torch.no_grad():
        # The difference of both logits is the one logit of the file.
        network.classifier.weight.copy_(torch.cat([-weight, weight]) / 2)
        network.classifier.bias.copy_(torch.cat([-bias, bias]) / 2)
    return network


def loaded(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> LiteForImageClassification:
    """The network that a fine-tuning of an embedded detector wrote; `WeightsUnavailable` when both do not fit together."""
    network = LiteForImageClassification(LiteConfig(mirror=bool(config.get("mirror")), id2label=dict(LABELS)))
    try:
        network.load_state_dict(dict(tensors), strict=True)
    except RuntimeError as error:
        raise WeightsUnavailable(f"The weights do not fit config.json ({str(error)[:120]}). Fine-tune again.") from error
    return network
