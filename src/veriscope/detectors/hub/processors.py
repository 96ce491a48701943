"""Repository → Recipe: what a processor's configuration says, with the defaults of the class that it names.

A key or a class that we do not know is refused: a picture that is prepared differently from those of the training gives a
number, and the number is wrong.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

from pydantic import ValidationError

from veriscope.detectors.hub.recipe import Recipe
from veriscope.errors import UnsupportedModel

Values = Mapping[str, object]

_HALF = (0.5, 0.5, 0.5)
_CLIP_MEAN, _CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_BILINEAR, _BICUBIC = 2, 3


@dataclasses.dataclass(frozen=True, slots=True)
class _Processor:
    """Class attributes of a processor of transformers 5.24: they hold where the file says nothing."""

    resample: int = _BICUBIC
    size: Values | None = None
    crop_size: Values | None = None
    do_center_crop: bool = False
    int_means_square: bool = True
    mean: tuple[float, ...] = _HALF
    std: tuple[float, ...] = _HALF


_SQUARE_224 = MappingProxyType({"height": 224, "width": 224})
_CLIP = _Processor(
    size={"shortest_edge": 224},
    crop_size=_SQUARE_224,
    do_center_crop=True,
    int_means_square=False,
    mean=_CLIP_MEAN,
    std=_CLIP_STD,
)
_PROCESSORS = {
    "ViT": _Processor(_BILINEAR, _SQUARE_224),
    "DeiT": _Processor(size={"height": 256, "width": 256}, crop_size=_SQUARE_224, do_center_crop=True),
    "Beit": _Processor(size=_SQUARE_224, crop_size=_SQUARE_224),
    "Siglip": _Processor(size=_SQUARE_224, int_means_square=False),
    "ConvNext": _Processor(size={"shortest_edge": 384}, int_means_square=False),
    "EfficientNet": _Processor(size={"height": 346, "width": 346}, crop_size={"height": 289, "width": 289}),
    "Bit": _CLIP,
    "CLIP": _CLIP,
}

_OF_MODEL_TYPE = {
    "vit": "ViT",
    "swin": "ViT",
    "swinv2": "ViT",
    "deit": "DeiT",
    "beit": "Beit",
    "siglip": "Siglip",
    "siglip_vision_model": "Siglip",
    "convnext": "ConvNext",
    "convnextv2": "ConvNext",
    "efficientnet": "EfficientNet",
    "dinov2": "Bit",
    "bit": "Bit",
    "clip": "CLIP",
}
"""Files from before 2022 name no class; transformers then takes the one of the model's type."""

_READ = {"do_resize", "size", "resample", "do_center_crop", "crop_size", "do_rescale", "rescale_factor", "do_normalize"}
_READ |= {"image_mean", "image_std", "crop_pct", "rescale_offset", "include_top", "default_to_square"}
# Names, and what cannot matter to an RGB picture that is not padded and has no segmentation map.
_WITHOUT_EFFECT = {"image_processor_type", "feature_extractor_type", "processor_class", "do_convert_rgb", "do_reduce_labels"}
_WITHOUT_EFFECT |= {"data_format", "input_data_format", "return_tensors", "device", "disable_grouping", "pad_size"}
_MUST_BE_OFF = {"do_pad", "do_flip_channel_order", "use_square_size"}


def read_recipe(processor: Values, config: Values) -> Recipe:
    """The recipe of a repository in transformers format.

    Args:
        processor: `preprocessor_config.json`, or what `processor_config.json` holds under "image_processor".
        config: `config.json`.

    Raises:
        UnsupportedModel: the class or a key is unknown, or the values do not fit together.
    """
    family = _family(processor, config)
    _check_keys(processor)
    asked = _Asked({key: value for key, value in processor.items() if value is not None}, _PROCESSORS[family])
    try:
        return Recipe.model_validate({**asked.geometry(family), **asked.numbers(family)})
    except ValidationError as error:
        raise _refused(f"its values do not fit together ({_first(error)})") from None


def read_timm_recipe(config: Values) -> Recipe:
    """The recipe of a timm repository: `pretrained_cfg` in `config.json`. Raises `UnsupportedModel`."""
    found = config.get("pretrained_cfg")
    values: Values = cast("Values", found) if isinstance(found, Mapping) else config
    missing = [key for key in ("input_size", "interpolation", "crop_pct", "mean", "std") if values.get(key) is None]
    if missing:
        raise _refused(f"its pretrained_cfg lacks {', '.join(missing)}")
    mode = values.get("crop_mode", "center")
    filters = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}
    size, resample, share = values["input_size"], filters.get(str(values["interpolation"])), _number(values, "crop_pct")
    square = isinstance(size, list) and len(size) == 3 and size[0] == 3 and size[1] == size[2] and _is_whole(size[1])
    if not square or resample is None or mode not in ("center", "squash") or not 0 < share <= 1:
        raise _refused("its pretrained_cfg asks for a crop, a size or an interpolation that is not supported")
    side = cast("list[int]", size)[1]
    larger = math.floor(side / share)
    geometry = {"shorter": larger} if mode == "center" else {"resize": (larger, larger)}
    try:
        return Recipe.model_validate(
            {**geometry, "resample": resample, "crop": (side, side), "crop_rounding": "even"}
            | {"mean": values["mean"], "std": values["std"]}
        )
    except ValidationError as error:
        raise _refused(f"its values do not fit together ({_first(error)})") from None


@dataclasses.dataclass(frozen=True, slots=True)
class _Asked:
    """What a file says, and what its class says where the file is silent."""

    values: Values
    default: _Processor

    def geometry(self, family: str) -> dict[str, object]:
        """Resize and crop, as fields of a recipe."""
        resample = self.values.get("resample", self.default.resample)
        crop = None
        if self.switch("do_center_crop", self.default.do_center_crop):
            crop = self.square_or_pair("crop_size", self.default.crop_size)
        if not self.switch("do_resize", True):
            return {"crop": crop}
        kind, size = self.size()
        if family == "ConvNext":
            return {"resample": resample, **self.convnext(kind, size, crop)}
        return {"resample": resample, kind: size, "crop": crop}

    def convnext(self, kind: str, size: object, crop: object) -> dict[str, object]:
        """Below 384 a margin is cut off after resizing, at 384 and above the picture is squashed (upstream's rule)."""
        if kind != "shorter" or not isinstance(size, int) or crop is not None:
            raise _refused("a ConvNext processor wants a shortest_edge and no centre crop")
        if size >= 384:
            return {"resize": (size, size)}
        share = _number(self.values, "crop_pct", 224 / 256)
        if not 0 < share <= 1:
            raise _refused(f"crop_pct is {share!r}")
        return {"shorter": int(size / share), "crop": (size, size)}

    def size(self) -> tuple[str, object]:
        """Field of the recipe, and its value."""
        size = self.values.get("size", self.default.size)
        square = self.switch("default_to_square", self.default.int_means_square)
        if _is_whole(size):
            return ("resize", (size, size)) if square else ("shorter", size)
        if isinstance(size, Mapping) and set(_given(size)) == {"shortest_edge"}:
            return "shorter", size["shortest_edge"]
        return "resize", _pair("size", size)

    def square_or_pair(self, key: str, default: Values | None) -> object:
        size = self.values.get(key, default)
        return (size, size) if _is_whole(size) else _pair(key, size)

    def numbers(self, family: str) -> dict[str, object]:
        """What becomes of the 8-bit values, as fields of a recipe."""
        fields: dict[str, object] = {"scale": 1.0}
        if self.switch("do_rescale", True):
            fields["scale"] = _number(self.values, "rescale_factor", 1 / 255)
            if self.switch("rescale_offset", False):
                fields["offset"] = -1.0
        again = family == "EfficientNet" and self.switch("include_top", True)
        normalised = self.switch("do_normalize", True)
        if normalised or again:
            fields["std"] = self.channels("image_std", self.default.std)
            fields["mean"] = self.channels("image_mean", self.default.mean) if normalised else (0.0, 0.0, 0.0)
        fields["std_twice"] = again and normalised
        return fields

    def channels(self, key: str, default: tuple[float, ...]) -> object:
        value = self.values.get(key, default)
        return (value, value, value) if isinstance(value, int | float) else value

    def switch(self, key: str, default: bool) -> bool:
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise _refused(f"{key} is {value!r} and not true or false")
        return value


def _family(processor: Values, config: Values) -> str:
    if "auto_map" in processor:
        raise _refused("it brings program code of its own, which is never run")
    name = processor.get("image_processor_type") or processor.get("feature_extractor_type")
    if not name:
        name = f"{_OF_MODEL_TYPE.get(str(config.get('model_type')), '')}ImageProcessor"
    family = str(name).removesuffix("Fast").removesuffix("Pil").removesuffix("FeatureExtractor").removesuffix("ImageProcessor")
    if family not in _PROCESSORS:
        raise _refused(f"{str(name)[:60]!r} is not a processor that is known here")
    return family


def _check_keys(processor: Values) -> None:
    for key, value in processor.items():
        if key in _MUST_BE_OFF and value:
            raise _refused(f"{key} is not supported")
        if key not in _READ | _WITHOUT_EFFECT | _MUST_BE_OFF and not key.startswith("_"):
            raise _refused(f"the key {key[:60]!r} is unknown here")


def _pair(key: str, size: object) -> tuple[object, object]:
    """Height and width."""
    if isinstance(size, Mapping) and set(_given(size)) == {"height", "width"}:
        return size["height"], size["width"]
    if isinstance(size, list) and len(size) == 2:
        return size[0], size[1]
    raise _refused(f"{key} is {str(size)[:60]}, which is not supported")


def _given(size: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in size.items() if value is not None}


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(values: Values, key: str, default: float | None = None) -> float:
    value = values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(f"{key} is {str(value)[:60]} and not a number")
    return float(value)


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, found['loc']))} {found['msg']}".strip()[:120]


def _refused(why: str) -> UnsupportedModel:
    return UnsupportedModel(
        f"The model's picture processor cannot be followed exactly: {why}. Use a model that states its steps in a way that is "
        "known here, or describe them in a catalogue card."
    )
