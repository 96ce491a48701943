"""Turn trained weights into the ONNX file that the package ships, and prove that both say the same.

python -m research.export --run RUN --out src/veriscope/detectors/cards/face.onnx --size 192
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from research.network import Detector

TOLERANCE = 2e-3  # in logits; a probability moves by at most a quarter of it


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, required=True)
    arguments = parser.parse_args()
    network = Detector(pretrained=False)
    weights = arguments.run / "weights.pt"
    if weights.is_file():
        network.load_state_dict(torch.load(weights, weights_only=True))
    else:
        averaged = torch.load(arguments.run / "checkpoint.pt", weights_only=True)["average"]
        network.load_state_dict({key.removeprefix("module."): value for key, value in averaged.items() if key != "n_averaged"})
        print("exporting an unfinished run", file=sys.stderr)
    network.eval()
    example = torch.rand(2, 3, arguments.size, arguments.size) * 2 - 1
    torch.onnx.export(
        network,
        (example,),
        str(arguments.out),
        input_names=["pixels"],
        output_names=["logit", "map"],
        dynamic_axes={"pixels": {0: "views"}, "logit": {0: "views"}, "map": {0: "views"}},
        opset_version=17,
        dynamo=False,
    )
    onnx.checker.check_model(onnx.load(arguments.out))
    session = onnxruntime.InferenceSession(str(arguments.out), providers=["CPUExecutionProvider"])
    worst = 0.0
    for count in (1, 2, 5):
        pixels = torch.rand(count, 3, arguments.size, arguments.size) * 2 - 1
        with torch.no_grad():
            wanted = [output.numpy() for output in network(pixels)]
        found = session.run(None, {"pixels": pixels.numpy()})
        worst = max(worst, *(float(np.abs(a - b).max()) for a, b in zip(wanted, found, strict=True)))
    data = arguments.out.read_bytes()
    print(
        f"{arguments.out.name}: {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}, largest difference {worst:.2e}"
    )
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
