"""EfficientNet-Lite as the embedded detectors have it, in a form that transformers can train and save.

Tan & Le 2019, the "lite" variant: no squeeze-and-excitation, ReLU6 everywhere. Normalisation is already folded into the
convolutions of the embedded weights, so training goes on without it: small batches cannot disturb statistics that
are not there. Two logits, real and synthetic, instead of one: that is what the Hub's image classification expects.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import ImageClassifierOutputWithNoAttention

from veriscope.errors import WeightsUnavailable
from veriscope.training.labels import LABELS
from veriscope.training.saved import convolutions, copy_onnx

_STAGES = ((1, 1, 3), (6, 2, 3), (6, 2, 5), (6, 2, 3), (6, 1, 5), (6, 2, 5), (6, 1, 3))
"""Expansion, stride of the first block, kernel."""
_CHANNELS = {"lite0": (16, 24, 40, 80, 112, 192, 320), "lite2": (16, 24, 48, 88, 120, 208, 352)}
_BLOCKS = {"lite0": (1, 2, 2, 3, 3, 4, 1), "lite2": (1, 3, 3, 4, 4, 5, 1)}
_SIDE = {"lite0": 224, "lite2": 260}  # what the padding was made for; it stays so for pictures of every size

_STEM, _FEATURES = 32, 1280


class LiteConfig(PretrainedConfig):  # type: ignore[misc]
    """`mirror`: an analysis judges each picture together with its mirror image, as the embedded face detector does. `size`:
    lite0 (faces) or lite2 (whole pictures)."""

    model_type = "veriscope_lite0"  # of both sizes: models that carry this name exist

    def __init__(self, mirror: bool = False, size: str = "lite0", **others: Any) -> None:
        super().__init__(**others)
        self.mirror, self.size = mirror, size


class _Convolution(nn.Conv2d):  # type: ignore[misc]
    """Padded as TensorFlow does it ("same") for a map of `side` pixels, which may put an odd pixel behind the picture."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, side: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups)
        total = kernel - 1 - (side - 1) % stride
        self._ends = (total // 2, total - total // 2) * 2

    def forward(self, pixels: Tensor) -> Tensor:
        return super().forward(nn.functional.pad(pixels, self._ends) if any(self._ends) else pixels)


class _Block(nn.Module):  # type: ignore[misc]
    """Inverted bottleneck: expand, filter each channel, project."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, kernel: int, side: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = _Convolution(inputs, wide) if expansion > 1 else None
        self.depthwise = _Convolution(wide, wide, kernel, stride, wide, side)
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
        side = _SIDE[config.size]
        self.stem = _Convolution(3, _STEM, 3, 2, side=side)
        blocks, channels, side = [], _STEM, math.ceil(side / 2)
        stages = zip(_STAGES, _CHANNELS[config.size], _BLOCKS[config.size], strict=True)
        for (expansion, stride, kernel), outputs, count in stages:
            for number in range(count):
                step = stride if number == 0 else 1
                blocks.append(_Block(channels, outputs, expansion, step, kernel, side))
                channels, side = outputs, math.ceil(side / step)
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
    network = LiteForImageClassification(LiteConfig(mirror, _size(path), id2label=dict(LABELS)))
    weight, bias = copy_onnx(path, network.convolutions())
    with torch.no_grad():
        # The difference of both logits is the one logit of the file.
        network.classifier.weight.copy_(torch.cat([-weight, weight]) / 2)
        network.classifier.bias.copy_(torch.cat([-bias, bias]) / 2)
    return network


def _size(path: Path) -> str:
    found = convolutions(path)
    for size, blocks in _BLOCKS.items():
        if 3 * sum(blocks) + 1 == found:  # three for each block but the first, which has two; before and after them one each
            return size
    raise ValueError(f"{path.name} has {found} convolutions, which is no EfficientNet-Lite known here")


def loaded(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> LiteForImageClassification:
    """The network that a fine-tuning of an embedded detector wrote; `WeightsUnavailable` when both do not fit together."""
    size = config.get("size", "lite0")  # models from before there were two have none
    if not isinstance(size, str) or size not in _BLOCKS:
        raise WeightsUnavailable(f'config.json says size "{size}"; {" and ".join(_BLOCKS)} are known. Fine-tune again.')
    network = LiteForImageClassification(LiteConfig(bool(config.get("mirror")), size, id2label=dict(LABELS)))
    try:
        network.load_state_dict(dict(tensors), strict=True)
    except RuntimeError as error:
        raise WeightsUnavailable(f"The weights do not fit config.json ({str(error)[:120]}). Fine-tune again.") from error
    return network
