"""Which pieces of a picture a whole-picture model should look at: AUC of each choice.

    python -m research.compare_views --config research/configs/scene.toml --data DATA --model RUN/scene.onnx

Choose on the split `calibrate`; `heldout` is printed to be reported, not to be chosen by. Also prints how closely the view
through `Frame.overview` follows the one from the full picture.
"""

from __future__ import annotations

import argparse
import random
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from sklearn.metrics import roc_auc_score

from research.datasets import CAPTIONED, COLLAGES, Item
from research.prepare import chosen
from veriscope.detectors.gate import scene_refusal
from veriscope.detectors.views import batch, native_tiles, whole_view
from veriscope.domain import Frame
from veriscope.errors import InputError
from veriscope.ingest import open_media
from veriscope.settings import Settings

TILES = (1, 2, 4)


def sampled(config: dict[str, Any], data: Path, limit: int) -> list[Item]:
    """At most `limit` pictures per split, source and kind."""
    found = [item for item in chosen(config, data, ("calibrate", "heldout")) if item.source not in COLLAGES | CAPTIONED]
    random.Random(1).shuffle(found)
    count: Counter[tuple[str, str, str]] = Counter()
    kept = []
    for item in found:
        key = (item.split, item.source, item.kind)
        count[key] += 1
        if count[key] <= limit:
            kept.append(item)
    return kept


def logits(session: onnxruntime.InferenceSession, frame: Frame, size: int) -> dict[str, float]:
    """The logit of each choice of views."""

    def ask(pictures: list) -> np.ndarray:
        pixels = batch(pictures, (127.5,) * 3, (127.5,) * 3)
        return session.run(["logit"], {"pixels": pixels})[0][:, 0]

    whole = float(ask([whole_view(frame.overview, size)[0]])[0])
    found = {"whole": whole, "whole, full picture": float(ask([whole_view(frame.image, size)[0]])[0])}
    for count in TILES:
        tiles = [picture for picture, _ in native_tiles(frame.image, size, count)]
        found[f"whole + {count}"] = float(np.mean([whole, *ask(tiles)])) if tiles else whole
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=30)
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    session = onnxruntime.InferenceSession(str(arguments.model), providers=["CPUExecutionProvider"])
    rows: list[tuple[Item, dict[str, float]]] = []
    for item in sampled(config, arguments.data, arguments.limit):
        try:
            frame = open_media(item.file, Settings()).frames[0]
        except InputError:
            continue
        if scene_refusal(frame) is None:
            rows.append((item, logits(session, frame, config["card"]["input"]["size"])))
    for split in ("calibrate", "heldout"):
        part = [(item.label, found) for item, found in rows if item.split == split]
        for name in part[0][1]:
            auc = roc_auc_score([label for label, _ in part], [found[name] for _, found in part])
            print(f"{split:10} {name:20} {auc:.4f} on {len(part)} pictures")
    pairs = np.array([(found["whole"], found["whole, full picture"]) for _, found in rows])
    print(f"correlation of overview and full picture: {np.corrcoef(pairs.T)[0, 1]:.5f}")


if __name__ == "__main__":
    main()
