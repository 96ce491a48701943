"""Turn trained weights into the ONNX file that the package ships, and prove that both say the same.

    python -m research.export --config research/configs/face.toml --run RUN

Writes RUN/<kind>.onnx from RUN/weights.pt, or from the running mean in RUN/checkpoint.pt while training goes on.
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
    """The network with the weights of a run, for inference."""
    network = begun(settings)
    if (run / "weights.pt").is_file():
        network.load_state_dict(torch.load(run / "weights.pt", weights_only=True, map_location="cpu"))
    else:
        mean = torch.load(run / "checkpoint.pt", weights_only=True, map_location="cpu")["average"]
        network.load_state_dict({key.removeprefix("module."): value for key, value in mean.items() if key != "n_averaged"})
        print("exporting an unfinished run", file=sys.stderr)
    return network.eval()


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
