"""Real crops sent through the autoencoder of a generator: synthetic traces on the content of a real photograph.

    python -m research.reconstruct --run RUN --weights WEIGHTS --count 2000

WEIGHTS holds `taef2_encoder.pth` and `taef2_decoder.pth` of madebyollin/taesd (MIT), a distilled autoencoder of FLUX.2. A
detector that can tell a photograph from its own reconstruction (DRCT, Chen et al. 2024; B-Free, Guillaro et al. 2025) cannot
live on what a picture shows, nor on its source, size or encoder. Writes RUN/reconstructed.raw (N, 160, 160, 3) uint8, the
middle of each crop, and RUN/reconstructed.csv (crop: row number of the original). Resumes where it was stopped.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from research.prepare import SIDE, load

WINDOW = 160  # pixels: what training looks at
_WIDTH, _LATENT, _BATCH = 64, 32, 8
_BYTES = WINDOW * WINDOW * 3
_INNER = slice((SIDE - WINDOW) // 2, (SIDE + WINDOW) // 2)


class _Residual(nn.Module):
    """Three convolutions around a shortcut; `pooled` adds a bottleneck with a norm over the whole map before them."""

    def __init__(self, pooled: bool = False) -> None:
        super().__init__()
        convolutions = [nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1) for _ in range(3)]
        self.conv = nn.Sequential(convolutions[0], nn.ReLU(), convolutions[1], nn.ReLU(), convolutions[2])
        self.pool: nn.Module | None = None
        if pooled:
            widen, narrow = nn.Conv2d(_WIDTH, 4 * _WIDTH, 1, bias=False), nn.Conv2d(4 * _WIDTH, _WIDTH, 1, bias=False)
            self.pool = nn.Sequential(widen, nn.GroupNorm(4, 4 * _WIDTH), nn.ReLU(), narrow)

    def forward(self, values: Tensor) -> Tensor:
        if self.pool is not None:
            values = values + self.pool(values)
        return torch.relu(self.conv(values) + values)


class _Bounded(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        return 3 * torch.tanh(values / 3)


def _stage(pooled: bool = False) -> list[nn.Module]:
    return [_Residual(pooled) for _ in range(3)]


def _encoder() -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(3, _WIDTH, 3, padding=1), _Residual()]
    for number in range(3):
        layers += [nn.Conv2d(_WIDTH, _WIDTH, 3, stride=2, padding=1, bias=False), *_stage(pooled=number == 2)]
    return nn.Sequential(*layers, nn.Conv2d(_WIDTH, _LATENT, 3, padding=1))


def _decoder() -> nn.Sequential:
    layers: list[nn.Module] = [_Bounded(), nn.Conv2d(_LATENT, _WIDTH, 3, padding=1), nn.ReLU()]
    for number in range(3):
        enlarge = [nn.Upsample(scale_factor=2), nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1, bias=False)]
        layers += [*_stage(pooled=number == 0), *enlarge]
    return nn.Sequential(*layers, _Residual(), nn.Conv2d(_WIDTH, 3, 3, padding=1))


class Autoencoder(nn.Module):
    """(N, 3, H, W) in 0–1, sides multiples of 8 → the same shape, reconstructed."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.encoder, self.decoder = _encoder(), _decoder()
        for part in ("encoder", "decoder"):
            saved: OrderedDict[str, Tensor] = torch.load(weights / f"taef2_{part}.pth", weights_only=True)
            getattr(self, part).load_state_dict({key: value.float() for key, value in saved.items()})

    def forward(self, pixels: Tensor) -> Tensor:
        return self.decoder(self.encoder(pixels)).clamp(0, 1)


@torch.no_grad()
def reconstructed(network: nn.Module, crops: np.ndarray) -> np.ndarray:
    """Crops (N, H, W, 3) uint8 → the same, through the autoencoder."""
    pixels = torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 3, 1, 2).float() / 255
    with torch.autocast(pixels.device.type, torch.bfloat16):
        found = network(pixels.to(memory_format=torch.channels_last))
    return (found.float() * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--count", type=int, default=2000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    crops, rows = load(arguments.run)
    real = [index for index, row in enumerate(rows) if row["split"] == "train" and row["label"] == "0"]
    wanted = random.Random(0).sample(real, min(arguments.count, len(real)))
    target, table = arguments.run / "reconstructed.raw", arguments.run / "reconstructed.csv"
    done = target.stat().st_size // _BYTES // _BATCH * _BATCH if target.is_file() else 0
    network = Autoencoder(arguments.weights).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with table.open("w", newline="") as handle:
        csv.writer(handle).writerows([["crop"], *([index] for index in wanted)])
    with target.open("r+b" if done else "wb") as handle:
        handle.truncate(done * _BYTES)
        handle.seek(0, 2)
        for start in range(done, len(wanted), _BATCH):
            handle.write(reconstructed(network, crops[wanted[start : start + _BATCH], _INNER, _INNER]).tobytes())
            if start % 800 == 0:
                print(start, len(wanted), flush=True)


def middle(crop: np.ndarray) -> np.ndarray:
    """The part of a crop that a reconstruction shows."""
    return crop[_INNER, _INNER]


def load_reconstructed(run: Path) -> dict[int, np.ndarray]:
    """Row number of a real crop → its reconstruction; empty when none were made."""
    if not (run / "reconstructed.csv").is_file():
        return {}
    with (run / "reconstructed.csv").open(newline="") as handle:
        indices = [int(row["crop"]) for row in csv.DictReader(handle)]
    count = (run / "reconstructed.raw").stat().st_size // _BYTES
    crops = np.memmap(run / "reconstructed.raw", np.uint8, "r", shape=(count, WINDOW, WINDOW, 3))
    return dict(zip(indices[:count], crops, strict=True))


if __name__ == "__main__":
    main()
