"""Fine-tune EfficientNet-Lite0 on prepared crops.

    python -m research.train --config research/configs/face.toml --run RUN

Resumes from RUN/checkpoint.pt after a kill. Writes RUN/weights.pt (running mean of the weights), RUN/weights-<step>.pt
each time that it is judged, and RUN/curve.csv (step, loss, AUC, share found at 1 % false alarms, seconds). Runs on a CPU,
and on one GPU when there is one, in bfloat16 on both.
"""

from __future__ import annotations

import argparse
import csv
import math
import random
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader

from research.lessons import TOKENS, Lesson, Lessons
from research.metrics import Row, ranking
from research.network import FEATURES, begun
from research.prepare import load
from research.samples import tensor


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
    device = next(network.parameters()).device
    found = []
    for start in range(0, len(indices), 32):
        batch = torch.stack([tensor(middle(crops[index], side, face)) for index in indices[start : start + 32]])
        with torch.autocast(device.type, torch.bfloat16):
            found.append(network(batch.to(device))[0].float().squeeze(1).cpu().numpy())
    return np.concatenate(found)


def _asked(row: dict[str, str]) -> Row:
    return Row(split=row["split"], label=int(row["label"]), source=row["source"], kind=row["kind"], file=row["file"], logit=0.0)


def loss(logit: Tensor, maps: Tensor, lesson: Lesson, settings: dict[str, Any]) -> Tensor:
    """Cross-entropy of the picture, and of each position of the map where the truth there is known.

    Where a teacher was asked, a share `opinion_share` of the answer that is wanted is its opinion (Hinton et al. 2015).
    """
    cross_entropy = nn.functional.binary_cross_entropy_with_logits
    wanted = lesson.label * 0.94 + 0.03
    share = settings.get("opinion_share", 0.5)
    wanted = torch.where(lesson.opinion.isnan(), wanted, share * lesson.opinion.sigmoid() + (1 - share) * wanted)
    whole = lesson.label >= 0
    found = cross_entropy(logit[whole], wanted[whole])
    known = lesson.mask >= 0
    if known.any():
        found = found + settings.get("map_weight", 0.3) * cross_entropy(maps[known], lesson.mask[known] * 0.94 + 0.03)
    return found


class Imitation(nn.Module):
    """A linear guess of the teacher's tokens from the student's features: thrown away after training (Romero et al. 2015)."""

    def __init__(self) -> None:
        super().__init__()
        self.guess = nn.Linear(FEATURES, TOKENS)

    def loss(self, features: Tensor, lesson: Lesson) -> Tensor:
        """Mean squared error over the crops that the teacher was asked about; 0 where it was asked about none."""
        asked = ~lesson.opinion.isnan()
        if not asked.any():
            return features.sum() * 0
        return nn.functional.mse_loss(self.guess(features[asked, :FEATURES]), lesson.tokens[asked])


class Training:
    """Network, running mean, optimiser and step: what a checkpoint holds."""

    def __init__(self, settings: dict[str, Any], run: Path) -> None:
        self.settings, self.checkpoint = settings, run / "checkpoint.pt"
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = begun(settings).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.imitation = Imitation().to(self.device) if settings.get("imitation_weight") else None
        mean = torch.optim.swa_utils.get_ema_multi_avg_fn(settings.get("decay", 0.995))
        self.average = torch.optim.swa_utils.AveragedModel(self.network, multi_avg_fn=mean, use_buffers=True)
        groups = [{"params": list(self.network.parameters()), "times": 1.0}]
        if self.imitation is not None:
            groups.append({"params": list(self.imitation.parameters()), "times": 10.0})  # it begins from nothing
        self.optimizer = torch.optim.AdamW(groups, settings["rate"], weight_decay=0.02)
        self.steps, self.step = settings["epochs_of"] // settings["batch"], 0
        self.parts = {"network": self.network, "average": self.average, "optimizer": self.optimizer}
        if self.imitation is not None:
            self.parts["imitation"] = self.imitation
        if self.checkpoint.is_file():
            self._resume()

    def _resume(self) -> None:
        saved = torch.load(self.checkpoint, weights_only=True, map_location=self.device)
        for name, part in self.parts.items():
            part.load_state_dict(saved[name])
        self.step = saved["step"]

    def save(self) -> None:
        new = self.checkpoint.with_suffix(".new")
        torch.save({name: part.state_dict() for name, part in self.parts.items()} | {"step": self.step}, new)
        new.replace(self.checkpoint)

    def run(self, batches: Iterator[Lesson]) -> Iterator[float]:
        """One step per batch, each giving its loss."""
        for batch in batches:
            self._set_rate()
            self.network.train()
            lesson = Lesson(*(part.to(self.device) for part in batch))
            with torch.autocast(self.device.type, torch.bfloat16):
                logit, maps, features = self.network.look(lesson.pixels.contiguous(memory_format=torch.channels_last))
            value = loss(logit.float().squeeze(1), maps.float(), lesson, self.settings)
            if self.imitation is not None:
                value = value + self.settings["imitation_weight"] * self.imitation.loss(features.float(), lesson)
            self.optimizer.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
            self.optimizer.step()
            self.average.update_parameters(self.network)
            self.step += 1
            yield value.item()

    def _set_rate(self) -> None:
        """Sixty steps of warming up, then a half cosine down to nothing."""
        warm, cool = min(1.0, (self.step + 1) / 60), 0.5 + 0.5 * math.cos(math.pi * self.step / self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings["rate"] * group["times"] * warm * cool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    settings, face = config["train"], config["kind"] == "face"
    torch.manual_seed(0)
    torch.set_num_threads(settings.get("threads", 2))
    training = Training(settings, arguments.run)
    crops, rows = load(arguments.run)
    judged = [index for index, row in enumerate(rows) if row["split"] == "calibrate"]
    judged = random.Random(0).sample(judged, min(settings.get("judged", 600), len(judged)))
    asked = [_asked(rows[index]) for index in judged]
    batch, every = settings["batch"], settings.get("judge_every", 150)
    drawn = Lessons(arguments.run, settings, face, training.step * batch)
    loader = DataLoader(drawn, batch, num_workers=1, drop_last=True, prefetch_factor=6)
    losses: list[float] = []
    began = time.monotonic()
    for value in training.run(iter(loader)):
        losses.append(value)
        if training.step % every == 0 or training.step == training.steps:
            found = ranking(asked, scores(training.average.module, crops, judged, settings["side"], face))
            figures = [f"{value:.4f}" for value in (np.mean(losses), found["auc"], found["tpr_at_fpr_1"])]
            line = [training.step, *figures, f"{time.monotonic() - began:.0f}"]
            print(*line, flush=True)
            losses.clear()
            with (arguments.run / "curve.csv").open("a", newline="") as handle:
                csv.writer(handle).writerow(line)
            training.save()
            torch.save(training.average.module.state_dict(), arguments.run / f"weights-{training.step:05}.pt")
    torch.save(training.average.module.state_dict(), arguments.run / "weights.pt")


if __name__ == "__main__":
    main()
