"""What runs a network: ONNX Runtime where the repository has an ONNX file, PyTorch where it has safetensors only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from veriscope.detectors.hub.repository import Repository
from veriscope.errors import ModelError, UnsupportedModel
from veriscope.runtime.sessions import session_over

_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class Backend(Protocol):
    """A network ready to run, from many threads."""

    def run(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
        """(N, 3, height, width) → (N, classes): scores before softmax or sigmoid."""
        ...


def open_backend(
    repository: Repository, config: Mapping[str, object], size: tuple[int, int], classes: int, threads: int
) -> Backend:
    """The network of a repository; ONNX is preferred, because it needs no PyTorch.

    Args:
        repository: its files, which are verified before they are opened.
        config: its `config.json`.
        size: height and width of what it will be fed.
        classes: how many outputs its labels name.
        threads: threads of one run; 0 = all cores.

    Raises:
        MissingExtra: PyTorch is needed and missing.
        UnsupportedModel: the network is of a kind that is not run here.
        WeightsUnavailable: its weights do not belong to it, or cannot be read.
        ChecksumMismatch: a file is not the pinned one.
    """
    for name in repository.weights:
        if name.endswith(".onnx"):
            return OnnxBackend(repository, name, size, threads)
    from veriscope.detectors.hub.torch_backend import TorchBackend

    return TorchBackend(repository, config, classes, threads)


class OnnxBackend:
    """One ONNX file."""

    def __init__(self, repository: Repository, name: str, size: tuple[int, int], threads: int = 0) -> None:
        """Opens the file and compares its input with `size`: a picture of another size would be an error at every run."""
        external = _external(repository, name)
        self._session = session_over(repository.read(name), name, threads, external)
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or inputs[0].type not in _TYPES or len(inputs[0].shape) != 4:
            raise UnsupportedModel(f"{name} does not take one batch of pictures as numbers. Export it with one such input.")
        self._input, self._type = inputs[0].name, _TYPES[inputs[0].type]
        count, channels, *sides = inputs[0].shape
        wrong = isinstance(channels, int) and channels != 3
        wrong |= any(isinstance(side, int) and side != want for side, want in zip(sides, size, strict=True))
        if wrong:
            raise UnsupportedModel(
                f"{name} takes pictures of {sides[0]} × {sides[1]} in {channels} channels, and its processor prepares "
                f"{size[0]} × {size[1]} in 3. Correct preprocessor_config.json in a folder of your own, and give the folder."
            )
        self._at_once = count if isinstance(count, int) and count > 0 else None
        self._output = _output([entry.name for entry in self._session.get_outputs()], name)

    def run(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
        if self._at_once is None:
            return self._ask(pixels)
        starts = range(0, len(pixels), self._at_once)
        return np.concatenate([self._part(pixels[start : start + self._at_once]) for start in starts])

    def _part(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
        """A file made for batches of one size gets the last pictures with copies of one of them."""
        missing = (self._at_once or len(pixels)) - len(pixels)
        filled = np.concatenate([pixels, np.repeat(pixels[:1], missing, axis=0)]) if missing else pixels
        return self._ask(filled)[: len(pixels)]

    def _ask(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
        found = self._session.run([self._output], {self._input: pixels.astype(self._type, copy=False)})[0]
        outputs = np.asarray(found, np.float64)
        if outputs.ndim == 1 and len(outputs) == len(pixels):
            outputs = outputs[:, None]
        if outputs.ndim != 2 or len(outputs) != len(pixels):
            raise ModelError(
                f"The model gives outputs of shape {outputs.shape} for {len(pixels)} pictures. Use another export."
            )
        return outputs


def _output(names: list[str], file: str) -> str:
    if "logits" in names:
        return "logits"
    if len(names) == 1:
        return names[0]
    raise UnsupportedModel(
        f"{file} has {len(names)} outputs and none is called logits, so that nothing says which one to read. Export it again."
    )


def _external(repository: Repository, name: str) -> dict[str, bytes]:
    """Files beside an ONNX file that hold its larger tensors, by the names that it has for them."""
    folder, _, file = name.rpartition("/")
    names = [f"{file}_data", f"{file}.data"]
    found = {part: f"{folder}/{part}" if folder else part for part in names}
    return {part: repository.read(path) for part, path in found.items() if path in repository}
