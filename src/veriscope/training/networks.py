"""The base's network, opened from checked bytes with the classes of transformers alone: no code of a repository ever runs."""

from __future__ import annotations

import importlib.util
from typing import Any

from veriscope.detectors.hub.repository import Repository
from veriscope.errors import MissingExtra
from veriscope.training.base import Base


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
        UnsupportedModel: transformers does not know the architecture.
        WeightsUnavailable: weights and configuration do not fit together.
        ChecksumMismatch: a file changed meanwhile.
    """
    if base.card is not None:
        from veriscope.training.lite import from_embedded

        return from_embedded(base.card.weights_path, mirror=base.card.task == "face")
    import transformers

    from veriscope.training.layers import give_two_logits

    if base.repository is None:
        raise ValueError("a base has either a card or a repository")
    model = _from_repository(base.repository, base.outputs)
    transformers.set_seed(seed)
    give_two_logits(model, base.synthetic)
    return model


def _from_repository(repository: Repository, outputs: int) -> Any:
    from veriscope.detectors.hub import torch_backend
    from veriscope.training.lite import LiteConfig, loaded

    config = repository.read_json("config.json")
    if config.get("model_type") == LiteConfig.model_type:
        return loaded(config, torch_backend.tensors(repository))
    return torch_backend.opened(repository, config, outputs)
