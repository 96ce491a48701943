"""Which files of a repository are a model: few, plain names, and none that runs code when it is opened."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from veriscope.errors import UnsafeModel

MAX_NAMES = 10_000  # files that a repository may list

DESCRIPTIONS = ("config.json", "preprocessor_config.json", "processor_config.json")
README = "README.md"
INDEX = "model.safetensors.index.json"

# Preferred first: ONNX needs no torch. Of several precisions the full one is what the author measured.
_ONNX = ("model.onnx", "onnx/model.onnx")
_BESIDE = ("_data", ".data")  # what exporters append for tensors beside the file
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
_PLAIN = re.compile(r"(?:[\w][\w. +-]{0,199}/){0,5}[\w][\w. +-]{0,199}", re.ASCII)
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".h5", ".keras", ".msgpack", ".joblib", ".npz")


def weights_among(names: Iterable[str]) -> tuple[str, ...]:
    """The weights to open, ONNX before safetensors; of a sharded model the index comes first.

    Raises:
        UnsafeModel: there are none in a format that can be opened safely, or nothing says which of several to take.
    """
    plain = sorted(name for name in names if is_plain(name))
    onnx, tensors = _onnx(plain), _safetensors(plain)
    if not onnx and not tensors:
        raise UnsafeModel(_why_none(plain))
    return onnx + tensors


def wanted(names: Iterable[str], all_weights: bool = False) -> tuple[str, ...]:
    """What is fetched and pinned of a repository: descriptions, the card for its licence, and one set of weights.

    `all_weights`: of a model that has both, safetensors beside ONNX, which can be run but not trained.
    """
    listed = tuple(names)
    if len(listed) > MAX_NAMES:
        raise UnsafeModel(f"The repository lists more than {MAX_NAMES} files, which no model needs. Choose another one.")
    weights = weights_among(listed)
    preferred = tuple(name for name in weights if name.endswith(".onnx"))
    return opened(listed, weights if all_weights else preferred or weights)


def opened(names: Iterable[str], weights: Iterable[str]) -> tuple[str, ...]:
    """What is opened of a model with these weights: descriptions, they, and the tensors that an ONNX file keeps beside it."""
    listed, kept = set(names), tuple(weights)
    beside = (name + ending for name in kept if name.endswith(".onnx") for ending in _BESIDE)
    return tuple(name for name in (*DESCRIPTIONS, README, *kept, *beside) if name in listed)


def is_plain(name: str) -> bool:
    """Whether a name can only mean a file inside the repository: no "..", no absolute path, no control characters."""
    return bool(_PLAIN.fullmatch(name)) and ".." not in name and not name.endswith((" ", "."))


def check_index(index: Mapping[str, object], weights: Iterable[str]) -> None:
    """Refuses a sharded model whose index points at anything but its own shards."""
    shards = index.get("weight_map")
    if not isinstance(shards, dict) or not shards or not set(map(str, shards.values())) <= set(weights):
        raise UnsafeModel(f"{INDEX} names files that are no part of the model. Ask whoever made the model.")


def _onnx(names: list[str]) -> tuple[str, ...]:
    found = [name for name in names if name.endswith(".onnx")]
    preferred = [name for name in _ONNX if name in found]
    if preferred or len(found) == 1:
        return tuple((preferred or found)[:1])
    return ()


def _safetensors(names: list[str]) -> tuple[str, ...]:
    if "model.safetensors" in names:
        return ("model.safetensors",)
    shards = tuple(name for name in names if _SHARD.fullmatch(name))
    return (INDEX, *shards) if INDEX in names and shards else ()


def _why_none(names: list[str]) -> str:
    several = [name for name in names if name.endswith(".onnx")]
    if several:
        return (
            f"The model has {len(several)} ONNX files and none is called model.onnx, so that nothing says which one to take. "
            "Copy the right one into a folder of your own as model.onnx, with config.json, and give the folder."
        )
    pickled = next((name for name in names if name.lower().endswith(_PICKLED)), None)
    if pickled:
        return (
            f"The model's weights come only in a format that can run a stranger's code when it is opened ({pickled}). "
            "Ask its author for safetensors or ONNX, or convert it on a machine that holds nothing of value."
        )
    return "The model has no weights that can be read: no model.onnx, onnx/model.onnx or model.safetensors. Check its name."
