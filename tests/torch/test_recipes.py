"""A recipe gives, value by value, what transformers' own processors on Pillow give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import transformers
from hub_models import pil_processor
from PIL import Image

from veriscope.detectors.hub.processors import read_recipe

PICTURES = {
    "astronaut": skimage.data.astronaut(),
    "coffee": skimage.data.coffee(),
    "cat": skimage.data.chelsea(),
    "narrow": skimage.data.rocket()[:, 300:361],
    "tiny": skimage.data.astronaut()[100:133, 200:251],
}

IMAGENET: dict[str, Any] = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "ViT as it is": ("ViT", {}),
    "ViT 384 Lanczos": ("ViT", {"size": {"height": 384, "width": 384}, "resample": 1}),
    "ViT not square": ("ViT", {"size": {"height": 160, "width": 224}, "resample": 0}),
    "ViT shortest edge and crop": (
        "ViT",
        {"size": {"shortest_edge": 256}, "do_center_crop": True, "crop_size": {"height": 224, "width": 224}, **IMAGENET},
    ),
    "ViT odd crop": (
        "ViT",
        {"size": {"shortest_edge": 250}, "do_center_crop": True, "crop_size": {"height": 201, "width": 199}},
    ),
    "ViT crop larger than the picture": ("ViT", {"do_resize": False, "do_center_crop": True, "crop_size": 225}),
    "ViT without rescale": ("ViT", {"do_rescale": False, "image_mean": [127.5] * 3, "image_std": [127.5] * 3}),
    "ViT without normalize": ("ViT", {"do_normalize": False}),
    "ViT one number for all channels": ("ViT", {"image_mean": 0.4, "image_std": 0.3}),
    "DeiT as it is": ("DeiT", {}),
    "BEiT as it is": ("Beit", {}),
    "BEiT with crop": ("Beit", {"size": 256, "do_center_crop": True, **IMAGENET}),
    "SigLIP as it is": ("Siglip", {}),
    "SigLIP 512 bilinear": ("Siglip", {"size": {"height": 512, "width": 512}, "resample": 2}),
    "SigLIP one number and crop": ("Siglip", {"size": 256, "do_center_crop": True, "crop_size": 224}),
    "ConvNeXt below 384": ("ConvNext", {"size": {"shortest_edge": 224}, **IMAGENET}),
    "ConvNeXt at 384": ("ConvNext", {"size": 384}),
    "ConvNeXt other crop": ("ConvNext", {"size": {"shortest_edge": 256}, "crop_pct": 0.95}),
    "EfficientNet as it is": ("EfficientNet", {}),
    "EfficientNet B4": ("EfficientNet", {"size": {"height": 380, "width": 380}, "resample": 0, **IMAGENET}),
    "EfficientNet offset": ("EfficientNet", {"rescale_factor": 1 / 127.5, "rescale_offset": True, "include_top": False}),
    "EfficientNet only std": ("EfficientNet", {"do_normalize": False, "do_center_crop": True}),
    "DINOv2 (BiT) as it is": ("Bit", {"size": {"shortest_edge": 256}, **IMAGENET}),
    "CLIP as it is": ("CLIP", {}),
    "box filter": ("CLIP", {"resample": 4}),
    "Hamming filter": ("CLIP", {"resample": 5}),
}


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("case", CASES)
def test_every_value_is_that_of_transformers(case: str, picture: str, tmp_path: Path) -> None:
    family, values = CASES[case]
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({"image_processor_type": f"{family}ImageProcessor", **values})
    )
    theirs = pil_processor(family).from_pretrained(tmp_path)
    image = Image.fromarray(PICTURES[picture])
    recipe = read_recipe(json.loads((tmp_path / "preprocessor_config.json").read_text()), {})
    wanted = np.asarray(theirs(images=image, return_tensors="np")["pixel_values"], np.float32)
    assert np.array_equal(recipe.pixels([recipe.view(image)]), wanted)


@pytest.mark.parametrize("family", ["ViT", "DeiT", "Beit", "Siglip", "ConvNext", "EfficientNet", "Bit", "CLIP"])
def test_a_saved_processor_is_read_again(family: str, tmp_path: Path) -> None:
    theirs = pil_processor(family)()
    theirs.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "preprocessor_config.json").read_text())
    image = Image.fromarray(PICTURES["cat"])
    recipe = read_recipe(saved, {})
    assert np.array_equal(recipe.pixels([recipe.view(image)]), theirs(images=image, return_tensors="np")["pixel_values"])


@pytest.mark.parametrize(
    "model_type",
    ["vit", "swin", "swinv2", "deit", "beit", "siglip", "convnext", "convnextv2", "efficientnet", "dinov2", "bit", "clip"],
)
def test_a_file_without_a_class_gets_that_of_its_model(model_type: str, tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text("{}")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    theirs = transformers.AutoImageProcessor.from_pretrained(tmp_path, backend="pil")
    image = Image.fromarray(PICTURES["coffee"])
    recipe = read_recipe({}, {"model_type": model_type})
    assert np.array_equal(recipe.pixels([recipe.view(image)]), theirs(images=image, return_tensors="np")["pixel_values"])
