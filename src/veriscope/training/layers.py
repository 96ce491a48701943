"""Which weights may move, and what the last layer's outputs mean."""

from __future__ import annotations

from types import MethodType
from typing import Any

import torch
from torch import nn

from veriscope.errors import DataError, UnsupportedModel
from veriscope.training.labels import LABELS
from veriscope.training.plan import Layers


def give_two_logits(model: Any, synthetic: frozenset[int] | None) -> None:
    """Turns the last layer into two logits, real and synthetic, that give the probability which it gave before.

    Args:
        model: a transformers model for image classification; changed in place.
        synthetic: which of its outputs mean synthetic; None = begin with a new last layer.

    Raises:
        UnsupportedModel: the last layer cannot be found, or has more than two outputs.
    """
    parent, name, old = _last_layer(model)
    new = nn.Linear(old.in_features, 2)
    with torch.no_grad():
        if synthetic is None:
            nn.init.normal_(new.weight, std=0.01)
            nn.init.zeros_(new.bias)
        else:
            _copy(old, new, synthetic)
    setattr(parent, name, new) if not isinstance(parent, nn.Sequential) else parent.__setitem__(int(name), new)
    model.config.num_labels = 2
    model.config.id2label, model.config.label2id = dict(LABELS), {name: number for number, name in LABELS.items()}
    model.config.problem_type = "single_label_classification"
    if hasattr(model, "num_labels"):
        model.num_labels = 2


def _copy(old: nn.Linear, new: nn.Linear, synthetic: frozenset[int]) -> None:
    bias = old.bias if old.bias is not None else torch.zeros(old.out_features)
    if old.out_features == 1:
        # One logit z: sigmoid(z) is the softmax of (−z/2, z/2).
        sign = 1 if synthetic else -1
        new.weight.copy_(sign * torch.cat([-old.weight, old.weight]) / 2)
        new.bias.copy_(sign * torch.cat([-bias, bias]) / 2)
        return
    (place,) = synthetic
    order = torch.tensor([1 - place, place])
    new.weight.copy_(old.weight[order])
    new.bias.copy_(bias[order])


def _last_layer(model: Any) -> tuple[nn.Module, str, nn.Linear]:
    count = int(model.config.num_labels)
    found = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    fitting = [(name, module) for name, module in found if module.out_features == count]
    if not fitting or fitting[-1][0] != found[-1][0]:
        raise UnsupportedModel(
            f"The base's last layer was not found in a {type(model).__name__}. Choose a base for image classification."
        )
    path, module = fitting[-1]
    above, _, name = path.rpartition(".")
    return model.get_submodule(above), name, module


def freeze(model: Any, layers: Layers) -> tuple[int, int]:
    """Lets only the wanted layers learn; how many of how many weights those are.

    Raises:
        DataError: the network has no such number of blocks.
    """
    if layers != "all":
        free = _free_from(model, layers)
        for parameter in list(model.parameters())[:free]:
            parameter.requires_grad = False
        _hold_statistics(model)
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return sum(size for size, learns in sizes if learns), sum(size for size, _ in sizes)


def _free_from(model: Any, layers: Layers) -> int:
    """Number of the first parameter that learns: parameters are listed in the order in which a network runs."""
    names = [name for name, _ in model.named_parameters()]
    head = _last_layer(model)[2]
    first = next(place for place, parameter in enumerate(model.parameters()) if parameter is head.weight)
    if not isinstance(layers, int):
        return first
    blocks = _blocks(model)
    if layers > len(blocks):
        raise DataError(
            f"The base has {len(blocks)} blocks, and the last {layers} shall learn. Write last-{len(blocks)}, or all."
        )
    prefix = blocks[-layers] + "."
    return min(first, next(place for place, name in enumerate(names) if name.startswith(prefix)))


def _blocks(model: Any) -> list[str]:
    """Names of the repeated blocks, innermost lists only: of a network with stages, the blocks in them."""
    lists = {name for name, module in model.named_modules() if isinstance(module, nn.ModuleList) and len(module) > 0}
    blocks = [f"{name}.{place}" for name in lists for place in range(len(model.get_submodule(name)))]
    inner = {block for block in blocks if not any(name.startswith(block + ".") for name in lists)}
    return [name for name, module in model.named_modules() if name in inner and any(True for _ in module.parameters())]


def _hold_statistics(model: Any) -> None:
    """Keeps normalisation over batches as it is where its weights don't learn: its statistics are weights too."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and not any(  # noqa: SLF001 the common base has no public name
            parameter.requires_grad for parameter in module.parameters()
        ):
            module.eval()
            module.train = MethodType(_stays, module)


def _stays(module: nn.Module, mode: bool = True) -> nn.Module:  # noqa: ARG001 what a network calls on all its parts
    return module
