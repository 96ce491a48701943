"""The base's network, opened from checked bytes with the classes of transformers alone: no code of a repository ever runs."""

from __future__ import annotations

import importlib.util
from typing import Any

from veriscope.errors import MissingExtra, UnsupportedModel
from veriscope.training.base import Base
from veriscope.training.layers import give_two_logits


def require_extra() -> None:
    """Raises `MissingExtra` when a package of the extra is missing, before anything is read."""
    wanted = ("torch", "transformers", "accelerate", "safetensors", "tensorboard", "onnx", "onnxruntime")
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"Fine-tuning needs packages that are not installed ({', '.join(missing)}). Run pip install 'veriscope[train]'."
        )


def opened(base: Base, seed: int = 0) -> Any:
    """The network with two logits, real and synthetic, and no other change. A new last layer depends on the seed alone.

    Raises:
        UnsupportedModel: transformers does not know the architecture, or weights and configuration do not fit together.
        ChecksumMismatch: a file changed meanwhile.
    """
    if base.card is not None:
        from veriscope.training.lite import from_embedded

        return from_embedded(base.card.weights_path, mirror=base.card.task == "face")
    import transformers

    model = _from_transformers(base)
    transformers.set_seed(seed)
    give_two_logits(model, base.synthetic)
    return model


def _from_transformers(base: Base) -> Any:
    assert base.repository is not None
    from transformers import AutoConfig, AutoModelForImageClassification

    from veriscope.training.lite import LiteConfig, LiteForImageClassification

    values = base.repository.read_json("config.json")
    kind = str(values.pop("model_type", ""))
    try:
        if kind == LiteConfig.model_type:
            family, config = LiteForImageClassification, LiteConfig(**values)
        else:
            family, config = AutoModelForImageClassification, AutoConfig.for_model(kind, **values)
            family = AutoModelForImageClassification._model_mapping[type(config)]  # noqa: SLF001 no public way to the class
        return _loaded(family, config, _state(base))
    except (KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        raise UnsupportedModel(
            f"The base {base.name} cannot be opened by transformers ({str(error).splitlines()[0][:200]}). Choose another base."
        ) from error


def _state(base: Base) -> dict[str, Any]:
    """All tensors, from bytes whose checksum was verified."""
    from safetensors.torch import load

    assert base.repository is not None
    tensors: dict[str, Any] = {}
    for name in base.repository.weights:
        if name.endswith(".safetensors"):
            tensors.update(load(base.repository.read(name)))
    return tensors


def _loaded(family: Any, config: Any, state: dict[str, Any]) -> Any:
    """Raises `ValueError` when weights are missing: a layer of random numbers would not be noticed in a score."""
    model, info = family.from_pretrained(
        None, config=config, state_dict=state, output_loading_info=True, ignore_mismatched_sizes=False, dtype="float32"
    )
    missing = [key for key in info["missing_keys"] if "position_ids" not in key]
    if missing:
        raise ValueError(f"the weights lack {', '.join(sorted(missing)[:3])}")
    return model
