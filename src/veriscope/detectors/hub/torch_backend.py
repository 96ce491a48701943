"""Networks in PyTorch: the classes of transformers, and timm's plain vision transformers as such. Needs the extra `torch`.

Weights come from verified bytes in safetensors; nothing of a repository is executed, and nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from veriscope.detectors.hub.repository import Repository
from veriscope.errors import MissingExtra, UnsupportedModel, WeightsUnavailable

if TYPE_CHECKING:
    import torch

# What a stranger's configuration could use to choose code, kernels or another precision.
_NOT_TAKEN_OVER = {"auto_map", "architectures", "attn_implementation", "dtype", "quantization_config", "torch_dtype"}
_NOT_TAKEN_OVER |= {"use_kernels"}

_TIMM_WIDTHS = {"tiny": (192, 12, 3), "small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16)}
_TIMM_PLAIN = re.compile(r"(?:vit|deit)_(tiny|small|base|large)_patch(\d\d?)_(\d{2,3})(?:\.[\w-]+)?")


class TorchBackend:
    """A model in transformers format."""

    def __init__(self, repository: Repository, config: Mapping[str, object], classes: int, threads: int = 0) -> None:
        try:
            import torch
            import transformers
        except ModuleNotFoundError:
            raise MissingExtra(
                f"{repository.id} has no ONNX file, so that it needs PyTorch: pip install 'veriscope[torch]'. "
                "Or choose a model that has one."
            ) from None
        self._torch: Any = torch
        transformers.utils.logging.disable_progress_bar()
        transformers.utils.logging.set_verbosity_error()
        if threads:
            torch.set_num_threads(threads)  # of the whole process: PyTorch has no other
        self._model = opened(repository, config, classes)

    def run(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
        with self._torch.inference_mode():
            outputs = self._model(pixel_values=self._torch.from_numpy(pixels)).logits
        return cast("NDArray[np.float64]", outputs.double().numpy())


def opened(repository: Repository, config: Mapping[str, object], classes: int) -> Any:
    """The network of a repository, in evaluation mode. `classes`: outputs of a timm model, which does not name them."""
    import torch
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING

    weights = tensors(repository)
    values = {key: value for key, value in config.items() if key not in _NOT_TAKEN_OVER and not key.startswith("_")}
    if "architecture" in config:
        values, weights = _from_timm(config, weights, classes)
    model_type = str(values.pop("model_type", ""))
    if model_type not in CONFIG_MAPPING:
        raise _not_run(repository, f"the kind {model_type[:60]!r}")
    try:
        settings = CONFIG_MAPPING[model_type].from_dict(values)
    except Exception as error:  # noqa: BLE001 a stranger's values: whatever they break is their fault
        raise _not_run(repository, f"a configuration that cannot be read ({type(error).__name__})") from None
    if type(settings) not in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING or model_type == "timm_wrapper":
        raise _not_run(repository, f"the kind {model_type[:60]!r}")
    kind = MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING[type(settings)]
    try:
        model, report = kind.from_pretrained(
            None, config=settings, state_dict=weights, output_loading_info=True, dtype=torch.float32, local_files_only=True
        )
    except Exception as error:  # noqa: BLE001 sizes that do not fit raise what each layer raises
        raise _do_not_fit(repository, str(error)[:200]) from None
    missing = [*report["missing_keys"], *report["mismatched_keys"], *report["error_msgs"]]
    if missing:  # transformers would fill them with random numbers, and the answers would be noise
        raise _do_not_fit(repository, f"{len(missing)} tensors are missing or of another shape")
    return model.eval()


def tensors(repository: Repository) -> dict[str, torch.Tensor]:
    """All tensors of a repository, from verified bytes."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    found: dict[str, torch.Tensor] = {}
    for name in repository.weights:
        if name.endswith(".safetensors"):
            try:
                found.update(load(repository.read(name)))
            except (SafetensorError, ValueError, KeyError, TypeError) as error:
                raise _do_not_fit(repository, f"{name}: {str(error)[:100]}") from None
    return found


def _from_timm(
    config: Mapping[str, object], weights: dict[str, torch.Tensor], classes: int
) -> tuple[dict[str, object], dict[str, torch.Tensor]]:
    """timm's plain ViT and DeiT as transformers' ViT, which is the same network under other names."""
    name = str(config["architecture"])
    found = _TIMM_PLAIN.fullmatch(name)
    if not found:
        raise UnsupportedModel(
            f"{name[:60]!r} is an architecture of timm that is not run here (plain ViT and DeiT are). Export it to ONNX "
            "(timm's onnx_export.py), and give the folder."
        )
    width, layers, heads = _TIMM_WIDTHS[found[1]]
    values: dict[str, object] = {
        "model_type": "vit",
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": 4 * width,
        "patch_size": int(found[2]),
        "image_size": int(found[3]),
        "layer_norm_eps": 1e-6,
        "id2label": {str(number): str(number) for number in range(classes)},
    }
    return values, {name: tensor for key, value in weights.items() for name, tensor in _renamed(key, value)}


_TIMM_NAMES = {
    "cls_token": "vit.embeddings.cls_token",
    "pos_embed": "vit.embeddings.position_embeddings",
    "patch_embed.proj": "vit.embeddings.patch_embeddings.projection",
    "norm": "vit.layernorm",
    "head": "classifier",
    "norm1": "layernorm_before",
    "norm2": "layernorm_after",
    "attn.proj": "attention.output.dense",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}


def _renamed(key: str, value: torch.Tensor) -> list[tuple[str, torch.Tensor]]:
    """A tensor of timm under transformers' name; queries, keys and values are one tensor there and three here."""
    block = re.fullmatch(r"blocks\.(\d+)\.(.+?)(\.weight|\.bias)", key)
    if block is None:
        stem, dot, end = key.rpartition(".")
        if key in _TIMM_NAMES or stem not in _TIMM_NAMES:
            return [(_TIMM_NAMES.get(key, key), value)]
        return [(f"{_TIMM_NAMES[stem]}{dot}{end}", value)]
    layer, part, end = f"vit.encoder.layer.{block[1]}.", block[2], block[3]
    if part == "attn.qkv":
        thirds = value.chunk(3)
        return [
            (f"{layer}attention.attention.{name}{end}", third.clone())
            for name, third in zip(("query", "key", "value"), thirds, strict=True)
        ]
    return [(f"{layer}{_TIMM_NAMES.get(part, part)}{end}", value)]


def _not_run(repository: Repository, what: str) -> UnsupportedModel:
    return UnsupportedModel(
        f"{repository.id} has {what}, which transformers does not run as a classifier of pictures. Export it to ONNX, and give "
        "the folder with the ONNX file."
    )


def _do_not_fit(repository: Repository, why: str) -> WeightsUnavailable:
    return WeightsUnavailable(f"The weights of {repository.id} do not fit its config.json: {why}. Ask whoever made the model.")
