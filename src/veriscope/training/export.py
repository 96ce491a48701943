"""The result on disk: the layout of the Hub, and the same network as ONNX with proof that both say the same."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from veriscope.errors import ModelError
from veriscope.runtime.sessions import session_over
from veriscope.training.base import OWN_KEY, own_key
from veriscope.training.view import View, processor_config

TOLERANCE = 1e-4  # of a probability

CONFIG, WEIGHTS, PROCESSOR, ONNX = "config.json", "model.safetensors", "preprocessor_config.json", "model.onnx"


def save(model: Any, view: View, folder: Path) -> None:
    """Writes config.json, model.safetensors and preprocessor_config.json."""
    model.eval().to("cpu")
    model.save_pretrained(folder)
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    config[OWN_KEY] = own_key(view)
    config.pop("_name_or_path", None)
    _write_json(folder / CONFIG, config)
    _write_json(folder / PROCESSOR, processor_config(view.recipe))
    # The library keeps weights from everybody else; who may read the model is for the folder and the user's mask to say.
    (folder / WEIGHTS).chmod((folder / CONFIG).stat().st_mode)


def write_onnx(model: Any, view: View, pictures: NDArray[np.float32], folder: Path) -> float:
    """Writes model.onnx and gives the largest difference of a probability between it and the network.

    Args:
        model: in evaluation mode, on the processor.
        view: of which side the pictures are.
        pictures: (N, 3, S, S), real inputs about which both are asked; random ones are added.
        folder: where it goes.

    Raises:
        ModelError: PyTorch cannot express the network as ONNX, or both differ by more than `TOLERANCE`; then no file stays.
    """
    path = folder / ONNX
    try:
        _write(model, view.size, path)
        worst = _largest_difference(model, pictures, path)
    except Exception as error:
        path.unlink(missing_ok=True)
        raise ModelError(f"The network could not be written as ONNX ({str(error).splitlines()[0][:160]}).") from error
    if not worst <= TOLERANCE:  # also what is no number
        path.unlink(missing_ok=True)
        raise ModelError(f"The ONNX file answers differently by {worst:.1e}, {TOLERANCE:.0e} is allowed; it was not kept.")
    return worst


class _Logits(nn.Module):  # type: ignore[misc]
    """The logits alone, as ONNX Runtime and the Hub's converters name them."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> Tensor:
        found: Tensor = self.model(pixel_values=pixel_values).logits
        return found


def _write(model: Any, size: int, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing, which the comparison judges better
        torch.onnx.export(
            _Logits(model).eval(),
            (torch.rand(2, 3, size, size),),
            str(path),
            input_names=["pixel_values"],
            output_names=["logits"],
            dynamic_axes={"pixel_values": {0: "pictures"}, "logits": {0: "pictures"}},
            opset_version=17,
            dynamo=False,  # the newer exporter gives the same answers in three times the time, and needs another package
        )


def _largest_difference(model: Any, pictures: NDArray[np.float32], path: Path) -> float:
    """Over real and random inputs, in batches of several sizes: what depends on its neighbours in a batch shows itself."""
    session = session_over(path.read_bytes(), path.name)
    noise = np.random.default_rng(0).standard_normal((5, *pictures.shape[1:])).astype(np.float32)
    worst = 0.0
    for batch in (pictures[:1], pictures[:2], pictures[:7], pictures, noise):
        with torch.inference_mode():
            wanted = model(pixel_values=torch.from_numpy(batch)).logits.softmax(1).numpy()
        found = torch.from_numpy(session.run(None, {"pixel_values": batch})[0]).softmax(1).numpy()
        worst = max(worst, float(np.abs(wanted - found).max()))
    return worst


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", "utf-8")
