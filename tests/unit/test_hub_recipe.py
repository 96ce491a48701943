"""What a repository says about its pictures, as a recipe; what is unknown is refused. tests/torch compares the values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from domain_made import photograph
from PIL import Image
from pydantic import ValidationError

from veriscope.detectors.hub.processors import read_recipe, read_timm_recipe
from veriscope.detectors.hub.recipe import MAX_RATIO, Recipe
from veriscope.errors import UnsupportedModel

HALF: dict[str, Any] = {"mean": (0.5,) * 3, "std": (0.5,) * 3}
IMAGENET: dict[str, Any] = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
TIMM: dict[str, Any] = {
    "input_size": [3, 224, 224],
    "interpolation": "bicubic",
    "crop_pct": 0.9,
    "crop_mode": "center",
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
}


# Recipes


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "resize or crop"),
        ({"shorter": 256}, "another size"),
        ({"shorter": 256, "resize": (224, 224)}, "either resize or shorter"),
        ({"resize": (224, 224), "mean": (0.5, 0.5, 0.5)}, "come together"),
        ({"resize": (224, 224), "std_twice": True}, "std_twice needs std"),
        ({"resize": (224, 224), "mean": (0.5,) * 3, "std": (0.0, 1.0, 1.0)}, "above zero"),
        ({"resize": (100_000, 100_000)}, "less than or equal to 2048"),
        ({"resize": (224, 224), "resample": 6}, "less than or equal to 5"),
        ({"resize": (224, 224), "scale": float("nan")}, "finite"),
        ({"resize": (224, 224), "margin": 1.3}, "Extra inputs"),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_refused(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Recipe(**fields)


def test_a_batch_has_the_size_of_the_recipe_and_the_scale_of_its_numbers() -> None:
    recipe = Recipe(shorter=64, crop=(48, 56), **IMAGENET)
    pixels = recipe.pixels([recipe.view(Image.new("RGB", size, (255, 0, 51))) for size in [(300, 200), (64, 64), (20, 500)]])
    assert pixels.shape == (3, 3, 48, 56)
    assert pixels.dtype == np.float32
    wanted = [(value - mean) / std for value, mean, std in zip((1.0, 0.0, 0.2), IMAGENET["mean"], IMAGENET["std"], strict=True)]
    assert pixels.mean(axis=(0, 2, 3)) == pytest.approx(wanted, abs=1e-5)


def test_a_shorter_side_keeps_the_ratio_and_a_resize_does_not() -> None:
    picture = Image.new("RGB", (400, 200))
    picture.paste((255, 255, 255), (150, 50, 250, 150))
    for recipe, ratio in ((Recipe(shorter=100, crop=(100, 100)), 1.0), (Recipe(resize=(100, 100)), 0.5)):
        lit = np.asarray(recipe.view(picture))[:, :, 0] > 128
        assert lit.any(axis=0).sum() / lit.any(axis=1).sum() == pytest.approx(ratio, abs=0.05)


def test_what_a_crop_lacks_is_black() -> None:
    view = np.asarray(Recipe(crop=(32, 32)).view(Image.new("RGB", (20, 40), (255, 255, 255))))[:, :, 0]
    assert view[:, :6].max() == view[:, 26:].max() == 0
    assert view[:, 6:26].min() == 255


@pytest.mark.parametrize(("rounding", "start"), [("down", 1), ("even", 2)])
def test_half_a_pixel_goes_where_the_library_puts_it(rounding: Any, start: int) -> None:
    columns = Image.fromarray(np.tile(np.arange(35, dtype=np.uint8)[None, :, None], (32, 1, 3)))
    view = np.asarray(Recipe(crop=(32, 32), crop_rounding=rounding).view(columns))
    assert view[0, 0, 0] == start


def test_a_band_does_not_grow_to_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    resize, seen = Image.Image.resize, []

    def watched(image: Image.Image, size: tuple[int, int], *rest: Any) -> Image.Image:
        seen.append(size[0] * size[1])
        return resize(image, size, *rest)

    monkeypatch.setattr(Image.Image, "resize", watched)
    assert Recipe(shorter=440, crop=(384, 384)).view(Image.new("RGB", (30_000, 16))).size == (384, 384)
    assert max(seen) <= 440 * 440 * MAX_RATIO


# Processors of transformers


@pytest.mark.parametrize(
    ("processor", "recipe"),
    [
        ({"feature_extractor_type": "ViTFeatureExtractor", "size": 224, "resample": 2}, Recipe(resize=(224, 224), **HALF)),
        ({"image_processor_type": "ViTImageProcessorFast", "size": None}, Recipe(resize=(224, 224), **HALF)),
        (
            {"image_processor_type": "SiglipImageProcessor", "size": {"height": 512, "width": 512}, "do_convert_rgb": None},
            Recipe(resize=(512, 512), resample=3, **HALF),
        ),
    ],
    ids=["of 2021", "fast", "SigLIP"],
)  # fmt: skip
def test_published_forms_are_read(processor: dict[str, Any], recipe: Recipe) -> None:
    assert read_recipe(processor, {}) == recipe


VIT = {"image_processor_type": "ViTImageProcessor"}


@pytest.mark.parametrize(
    ("processor", "why"),
    [
        ({}, "not a processor that is known"),
        ({"image_processor_type": "Siglip2ImageProcessor"}, "not a processor that is known"),
        ({"image_processor_type": 7}, "not a processor that is known"),
        (VIT | {"auto_map": {"AutoImageProcessor": "processing.Mine"}}, "program code"),
        (VIT | {"sharpen": 2}, "'sharpen' is unknown"),
        (VIT | {"do_pad": True}, "do_pad is not supported"),
        (VIT | {"size": {"shortest_edge": 224, "longest_edge": 500}}, "size is"),
        (VIT | {"size": "large"}, "size is large"),
        (VIT | {"size": {"shortest_edge": 224}}, "another size"),
        (VIT | {"size": {"height": 10**9, "width": 224}}, "2048"),
        (VIT | {"size": True}, "size is True"),
        (VIT | {"do_resize": "yes"}, "not true or false"),
        (VIT | {"resample": 9}, "resample"),
        (VIT | {"image_mean": [0.5, 0.5]}, "mean"),
        (VIT | {"image_std": [0, 0, 0]}, "above zero"),
        (VIT | {"rescale_factor": "1/255"}, "not a number"),
        (VIT | {"rescale_factor": float("inf")}, "scale"),
        (VIT | {"do_center_crop": True}, "crop_size is None"),
        ({"image_processor_type": "ConvNextImageProcessor", "size": {"height": 224, "width": 224}}, "shortest_edge"),
        ({"image_processor_type": "ConvNextImageProcessor", "size": 224, "crop_pct": 0}, "crop_pct"),
    ],
)
def test_what_is_not_known_is_refused(processor: dict[str, Any], why: str) -> None:
    with pytest.raises(UnsupportedModel, match=why):
        read_recipe(processor, {})


# timm


def test_timm_resizes_the_shorter_side_and_crops() -> None:
    recipe = read_timm_recipe({"architecture": "vit_small_patch16_224", "pretrained_cfg": TIMM})
    assert recipe == Recipe(
        shorter=248, resample=3, crop=(224, 224), crop_rounding="even", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)
    )


def test_timm_squashes_when_it_says_so() -> None:
    recipe = read_timm_recipe({"pretrained_cfg": TIMM | {"crop_mode": "squash", "crop_pct": 1.0}})
    assert (recipe.resize, recipe.shorter, recipe.crop) == ((224, 224), None, (224, 224))


def test_timm_keeps_the_picture_where_the_crop_takes_nothing() -> None:
    recipe, picture = read_timm_recipe({"pretrained_cfg": TIMM | {"crop_pct": 1.0}}), photograph("astronaut")
    assert recipe.view(picture).tobytes() == picture.resize((224, 224), Image.Resampling.BICUBIC).tobytes()


@pytest.mark.parametrize(
    "change",
    [
        {"input_size": [3, 224, 256]},
        {"input_size": [1, 224, 224]},
        {"input_size": "224"},
        {"interpolation": "random"},
        {"crop_mode": "border"},
        {"crop_pct": 0},
        {"crop_pct": None},
        {"mean": None},
        {"std": [0.5]},
    ],
    ids=str,
)
def test_other_steps_of_timm_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedModel):
        read_timm_recipe({"pretrained_cfg": TIMM | change})
