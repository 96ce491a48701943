"""Fine-tune EfficientNet-Lite0 on prepared crops.

    python -m research.train --config research/configs/face.toml --run RUN

Resumes from RUN/checkpoint.pt after a kill. Writes RUN/weights.pt (running mean of the weights) and RUN/curve.csv.
"""

from __future__ import annotations

import argparse
import csv
import math
import random
import time
import tomllib
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.utils.data import DataLoader, Dataset

from research.augment import augmented, blended
from research.network import MEAN, STD, Detector
from research.prepare import load

Row = dict[str, str]


class Crops(Dataset[tuple[torch.Tensor, float]]):
    """Draws `length` augmented crops; index i of a run always gives the same crop."""

    def __init__(self, run: Path, settings: dict[str, Any], face: bool, start: int) -> None:
        self.crops, rows = load(run)
        self.side, self.length, self.start, self.face = settings["side"], settings["epochs_of"], start, face
        self.blend_share = settings.get("blend_share", 0.0)
        self.chooser = Chooser([(index, row) for index, row in enumerate(rows) if row["split"] == "train"])

    def __len__(self) -> int:
        return self.length - self.start

    def __getitem__(self, number: int) -> tuple[torch.Tensor, float]:
        chance = random.Random(self.start + number)
        index, label, group = self.chooser.draw(chance)
        picture = Image.fromarray(self.crops[index])
        if self.face and label == 1 and chance.random() < self.blend_share:
            index, group = self.chooser.real(chance)
            other = Image.fromarray(self.crops[chance.choice(group)]) if chance.random() < 0.3 else None
            picture = blended(Image.fromarray(self.crops[index]), other, chance)
        return tensor(augmented(picture, self.side, chance, self.face)), float(label)


class Chooser:
    """Half real, half synthetic, in every band of native scale: otherwise the scale alone would tell the classes apart.

    Within a band, a source counts by the square root of its size, so that no single source rules.
    """

    def __init__(self, rows: list[tuple[int, Row]]) -> None:
        self.groups: dict[tuple[int, int, str], list[int]] = defaultdict(list)
        for index, row in rows:
            self.groups[band(float(row["scale"])), int(row["label"]), f"{row['source']} {row['kind']}"].append(index)
        size = Counter[tuple[int, int]]()
        for (scale, label, _), members in self.groups.items():
            size[scale, label] += len(members)
        self.bands = [scale for scale in range(5) if size[scale, 0] >= 50 and size[scale, 1] >= 50]
        self.weights = [math.sqrt(min(size[scale, 0], size[scale, 1])) for scale in self.bands]

    def draw(self, chance: random.Random) -> tuple[int, int, list[int]]:
        scale, label = chance.choices(self.bands, self.weights)[0], chance.randrange(2)
        members = self._members(scale, label, chance)
        return chance.choice(members), label, members

    def real(self, chance: random.Random) -> tuple[int, list[int]]:
        members = self._members(chance.choices(self.bands, self.weights)[0], 0, chance)
        return chance.choice(members), members

    def _members(self, scale: int, label: int, chance: random.Random) -> list[int]:
        groups = [members for key, members in self.groups.items() if key[:2] == (scale, label)]
        return chance.choices(groups, [math.sqrt(len(members)) for members in groups])[0]


def band(scale: float) -> int:
    return sum(scale > limit for limit in (0.8, 1.25, 2.0, 3.2))


def tensor(picture: Image.Image) -> torch.Tensor:
    return (torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() - MEAN) / STD


def middle(crop: np.ndarray, side: int, face: bool) -> Image.Image:
    """What an evaluation sees of a crop: the recipe's view, nothing random."""
    picture = Image.fromarray(crop)
    if face:
        edge = picture.width / 16
        return picture.resize(
            (side, side), Image.Resampling.BICUBIC, box=(edge, edge, picture.width - edge, picture.height - edge)
        )
    edge = (picture.width - side) // 2
    return picture.crop((edge, edge, edge + side, edge + side))


@torch.no_grad()
def scores(network: nn.Module, crops: np.ndarray, indices: list[int], side: int, face: bool) -> np.ndarray:
    """Logits of crops."""
    network.eval()
    found = []
    for start in range(0, len(indices), 32):
        batch = torch.stack([tensor(middle(crops[index], side, face)) for index in indices[start : start + 32]])
        with torch.autocast(batch.device.type, torch.bfloat16):
            found.append(network(batch)[0].float().squeeze(1).numpy())
    return np.concatenate(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    settings, face = config["train"], config["kind"] == "face"
    torch.manual_seed(0)
    torch.set_num_threads(settings.get("threads", 2))
    network = Detector().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995), use_buffers=True
    )
    optimizer = torch.optim.AdamW(network.parameters(), settings["rate"], weight_decay=0.02)
    checkpoint, step = arguments.run / "checkpoint.pt", 0
    if checkpoint.is_file():
        saved = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(saved["network"])
        average.load_state_dict(saved["average"])
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]
    batch, steps = settings["batch"], settings["epochs_of"] // settings["batch"]
    crops, rows = load(arguments.run)
    judged = [index for index, row in enumerate(rows) if row["split"] == "calibrate"]
    judged = random.Random(0).sample(judged, min(600, len(judged)))
    labels = [int(rows[index]["label"]) for index in judged]
    loader = DataLoader(
        Crops(arguments.run, settings, face, step * batch), batch, num_workers=1, drop_last=True, prefetch_factor=6
    )
    losses: list[float] = []
    began = time.monotonic()
    for pixels, target in loader:
        rate = settings["rate"] * min(1.0, (step + 1) / 60) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        for group in optimizer.param_groups:
            group["lr"] = rate
        network.train()
        with torch.autocast("cpu", torch.bfloat16):
            logit = network(pixels.to(memory_format=torch.channels_last))[0].float().squeeze(1)
        loss = nn.functional.binary_cross_entropy_with_logits(logit, target.float() * 0.94 + 0.03)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        average.update_parameters(network)
        losses.append(loss.item())
        step += 1
        if step % 150 == 0 or step == steps:
            auc = roc_auc_score(labels, scores(average.module, crops, judged, settings["side"], face))
            line = [step, f"{np.mean(losses):.4f}", f"{auc:.4f}", f"{time.monotonic() - began:.0f}"]
            print(*line, flush=True)
            losses.clear()
            with (arguments.run / "curve.csv").open("a", newline="") as handle:
                csv.writer(handle).writerow(line)
            state = {
                "network": network.state_dict(),
                "average": average.state_dict(),
                "optimizer": optimizer.state_dict(),
                "step": step,
            }
            torch.save(state, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)
    torch.save(average.module.state_dict(), arguments.run / "weights.pt")


if __name__ == "__main__":
    main()
