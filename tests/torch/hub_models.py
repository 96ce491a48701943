"""Tiny models with random weights, saved by transformers in the layout of the Hub."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}

_SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
_WINDOWS = {"embed_dim": 16, "depths": [1, 1], "num_heads": [2, 2], "image_size": 64, "patch_size": 4}

ARCHITECTURES: dict[str, tuple[Callable[..., Any], str, dict[str, Any]]] = {
    "ViT": (partial(transformers.ViTConfig, **_SMALL, image_size=64), "ViT", {"size": {"height": 64, "width": 64}}),
    "Swin": (
        partial(transformers.SwinConfig, **_WINDOWS, window_size=4),
        "ViT",
        {"size": {"height": 64, "width": 64}, **IMAGENET},
    ),
    "SwinV2": (
        partial(transformers.Swinv2Config, **_WINDOWS, window_size=8),
        "ViT",
        {"size": {"height": 64, "width": 64}, "resample": 3, **IMAGENET},
    ),
    "SigLIP": (
        partial(transformers.SiglipConfig, vision_config={**_SMALL, "image_size": 64, "patch_size": 16}, text_config=_SMALL),
        "Siglip",
        {"size": {"height": 64, "width": 64}, "resample": 2},
    ),
    "ConvNeXt": (
        partial(transformers.ConvNextConfig, depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 24, 32]),
        "ConvNext",
        {"size": {"shortest_edge": 64}, **IMAGENET},
    ),
    "EfficientNet": (
        partial(
            transformers.EfficientNetConfig,
            image_size=64,
            width_coefficient=0.25,
            depth_coefficient=0.2,
            hidden_dim=320,
            kernel_sizes=[3, 3],
            in_channels=[32, 16],
            out_channels=[16, 24],
            depthwise_padding=[],
            strides=[1, 2],
            num_block_repeats=[1, 1],
            expand_ratios=[1, 6],
        ),
        "EfficientNet",
        {"size": {"height": 64, "width": 64}, "resample": 3, **IMAGENET},
    ),
    "BEiT": (
        partial(transformers.BeitConfig, **_SMALL, image_size=64, use_relative_position_bias=True),
        "Beit",
        {"size": {"height": 80, "width": 80}, "do_center_crop": True, "crop_size": {"height": 64, "width": 64}},
    ),
    "DINOv2": (
        partial(transformers.Dinov2Config, **{**_SMALL, "intermediate_size": None}, image_size=56, patch_size=14),
        "Bit",
        {"size": {"shortest_edge": 72}, "crop_size": {"height": 56, "width": 56}, **IMAGENET},
    ),
}
"""Name → configuration, family of its processor, what the processor says beyond its defaults."""


def pil_processor(family: str) -> Any:
    """The class of a processor that works on Pillow pictures."""
    return getattr(transformers, f"{family}ImageProcessorPil")


def make_model(folder: Path, architecture: str = "ViT", labels: Mapping[int, str] | None = None, seed: int = 7) -> Any:
    """A model with random weights in `folder`: config.json, model.safetensors, preprocessor_config.json.

    Its answers differ between pictures, as those of weights with which training begins do not.
    """
    make, family, processor = ARCHITECTURES[architecture]
    labels = dict(labels or {0: "real", 1: "fake"})
    torch.manual_seed(seed)
    config = make(id2label=labels, label2id={word: number for number, word in labels.items()})
    model = transformers.AutoModelForImageClassification.from_config(config).eval()
    _spread_answers(model)
    model.save_pretrained(folder)
    pil_processor(family)(**processor).save_pretrained(folder)
    return model


@torch.no_grad()
def _spread_answers(model: Any) -> None:
    for name, weight in model.named_parameters():
        if weight.ndim == 4:
            torch.nn.init.kaiming_normal_(weight)
        elif weight.ndim == 1 and name.endswith("weight"):
            weight.fill_(1.0)  # of a normalisation
    pictures = [torch.full((3, 64, 64), value) for value in (-1.0, 1.0)] + [torch.randn(3, 64, 64) for _ in range(4)]
    sides = 56 if model.config.model_type == "dinov2" else 64
    batch = torch.stack(pictures)[:, :, :sides, :sides]
    model.classifier.weight.div_(model(pixel_values=batch).logits.std(dim=0).max() + 1e-9)
    model.classifier.bias.sub_(model(pixel_values=batch).logits.mean(dim=0))


def add_onnx(folder: Path, model: Any, name: str = "onnx/model.onnx") -> None:
    """The same model as an ONNX file with any number of pictures at a time."""
    processor = json.loads((folder / "preprocessor_config.json").read_text())
    size = processor["crop_size"] if processor.get("do_center_crop") else processor["size"]
    sides = (size["shortest_edge"],) * 2 if "shortest_edge" in size else (size["height"], size["width"])
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what tracing says about every network
        torch.onnx.export(
            _Logits(model),
            (torch.randn(2, 3, *sides),),
            str(path),
            input_names=["pixel_values"],
            output_names=["logits"],
            dynamic_axes={"pixel_values": {0: "batch"}, "logits": {0: "batch"}},
            dynamo=False,
            opset_version=17,
        )


class _Logits(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.model(pixel_values=pixels).logits
