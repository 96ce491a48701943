"""What the embedded networks cost: their runs for one face or one picture, in bare passes of EfficientNet-Lite0 at 224 pixels.

    python -m research.cost

One thread, in turns with the bare pass, so that a busy machine slows both; median and quartiles. Exit status 1 when a
detector costs more than `LIMITS` allows.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from research.calibrate import CARDS
from research.export import write
from research.network import Detector
from veriscope.detectors.card import Card, read_card
from veriscope.runtime.sessions import open_session

LIMITS = {"face": 2.0, "scene": 6.0}
_ROUNDS = 60

Run = Callable[[], object]


def ratios(ours: Run, bare: Run, rounds: int, clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """Time of `ours` in times of `bare`, once per round, both measured one after the other."""
    found = []
    for _ in range(rounds):
        began = clock()
        bare()
        between = clock()
        ours()
        found.append((clock() - between) / (between - began))
    return found


def _run(path: Path, views: int, size: int) -> Run:
    session = open_session(path, hashlib.sha256(path.read_bytes()).hexdigest(), threads=1)
    pixels = np.random.default_rng(0).uniform(-1, 1, (views, 3, size, size)).astype(np.float32)
    return lambda: session.run(None, {session.get_inputs()[0].name: pixels})


def of(card: Card, bare: Run, rounds: int = _ROUNDS) -> tuple[float, float, float]:
    """Quartiles of a detector's cost, the median in the middle: a face is one view, a picture the whole and its tiles."""
    ours = _run(card.weights_path, 1 + card.input.tiles, card.input.size)
    low, middle, high = np.quantile(ratios(ours, bare, rounds), (0.25, 0.5, 0.75))
    return float(low), float(middle), float(high)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lite0.onnx"
        network = Detector(pretrained=False).eval()  # which numbers it multiplies with does not change the time
        write(network, 224, path)
        bare = _run(path, 1, 224)
        over = False
        for name, limit in LIMITS.items():
            low, middle, high = of(read_card(CARDS / f"{name}.toml"), bare)
            over |= middle > limit
            print(f"{name}: {middle:.2f} ({low:.2f}–{high:.2f}) bare passes of EfficientNet-Lite0; limit {limit:.0f}")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
