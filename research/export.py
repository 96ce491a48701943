"""Turn trained weights into the ONNX file that the package ships, and prove that both say the same.

    python -m research.export --config research/configs/face.toml --run RUN

Writes RUN/<kind>.onnx from RUN/weights.pt, from RUN/weights-<step>.pt when the configuration names a step, or from the
running mean in RUN/checkpoint.pt while training goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from research.network import Detector, begun

TOLERANCE = 2e-3  # in logits; a probability moves by at most a quarter of it


def trained(settings: dict[str, Any], run: Path) -> Detector:
    """The network with the weights of a run, for inference.

    `step` in the settings chooses what the run kept at that step. `start_share` is how much of the weights that the run
    began with is mixed in: the mean of both often generalises better than either (WiSE-FT, Wortsman et al. 2022).
    """
    network = begun(settings)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    share = float(settings.get("start_share", 0.0))
    found = _saved(settings, run)
    network.load_state_dict({name: share * before[name] + (1 - share) * value for name, value in found.items()})
    return network.eval()


def _saved(settings: dict[str, Any], run: Path) -> dict[str, Tensor]:
    chosen = run / (f"weights-{settings['step']:05}.pt" if "step" in settings else "weights.pt")
    if chosen.is_file():
        found: dict[str, Tensor] = torch.load(chosen, weights_only=True, map_location="cpu")
        return found
    if "step" in settings:
        raise SystemExit(f"{chosen} is not there: the run was not judged at that step")
    print("exporting an unfinished run", file=sys.stderr)
    mean = torch.load(run / "checkpoint.pt", weights_only=True, map_location="cpu")["average"]
    return {key.removeprefix("module."): value for key, value in mean.items() if key != "n_averaged"}


class Mirrored(nn.Module):
    """Judges each view and its mirror image, and answers with the mean: twice the work, in one graph."""

    def __init__(self, network: Detector) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        logit, maps = self.network(torch.cat([pixels, pixels.flip(3)]))
        both = maps.view(2, -1, *maps.shape[1:])
        return logit.view(2, -1, 1).mean(0), (both[0] + both[1].flip(2)) / 2


def write(network: nn.Module, size: int, out: Path) -> None:
    """The ONNX file; the number of views is free, their size is not."""
    example = torch.rand(2, 3, size, size) * 2 - 1
    torch.onnx.export(
        network,
        (example,),
        str(out),
        input_names=["pixels"],
        output_names=["logit", "map"],
        dynamic_axes={"pixels": {0: "views"}, "logit": {0: "views"}, "map": {0: "views"}},
        opset_version=17,
        dynamo=False,
    )
    onnx.checker.check_model(onnx.load(out))


def largest_difference(network: nn.Module, size: int, out: Path) -> float:
    """Between PyTorch and ONNX Runtime, over logits and maps of random views in batches of several sizes."""
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    worst = 0.0
    for count in (1, 2, 5):
        pixels = torch.rand(count, 3, size, size) * 2 - 1
        with torch.no_grad():
            wanted = [output.numpy() for output in network(pixels)]
        found = session.run(None, {"pixels": pixels.numpy()})
        worst = max(worst, *(float(np.abs(a - b).max()) for a, b in zip(wanted, found, strict=True)))
    return worst


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    size, out = config["card"]["input"]["size"], arguments.run / f"{config['kind']}.onnx"
    network: nn.Module = trained(config["train"], arguments.run)
    if config.get("export", {}).get("mirror", False):
        network = Mirrored(network).eval()
    write(network, size, out)
    worst = largest_difference(network, size, out)
    data = out.read_bytes()
    print(f"{out.name}: {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}, largest difference {worst:.2e}")
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
