"""Which pieces of a picture a whole-picture model should look at, and how their answers are best joined.

    python -m research.compare_views --config research/configs/scene.toml --data DATA --model RUN/scene.onnx

Choose on the split `calibrate`; `heldout` is asked only with `--confirm`, to be reported and not to be chosen by. Sources count
by the square root of their size, as in docs/evaluation.md; passes are runs of the network for a large picture.
"""

from __future__ import annotations

import argparse
import random
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image, ImageFilter, ImageStat

from research.datasets import CAPTIONED, COLLAGES, Item
from research.metrics import Row, ranking
from research.prepare import chosen
from veriscope.detectors.gate import scene_refusal
from veriscope.detectors.views import batch, native_tiles, whole_view
from veriscope.domain import Frame
from veriscope.errors import InputError
from veriscope.ingest import open_media
from veriscope.settings import Settings

Answers = dict[str, np.ndarray]  # name of a group of views → their logits
GRIDS = (1, 2, 4, 9)
_BUSIEST = 2


def sampled(config: dict[str, Any], data: Path, limit: int, splits: tuple[str, ...] = ("calibrate", "heldout")) -> list[Item]:
    """At most `limit` pictures per split, source and kind."""
    found = [item for item in chosen(config, data, splits) if item.source not in COLLAGES | CAPTIONED]
    random.Random(1).shuffle(found)
    count: Counter[tuple[str, str, str]] = Counter()
    kept = []
    for item in found:
        key = (item.split, item.source, item.kind)
        count[key] += 1
        if count[key] <= limit:
            kept.append(item)
    return kept


def busiest(tiles: list[Image.Image]) -> list[int]:
    """Places of the tiles with the most edges: a tile of sky holds little to judge."""
    edges = [ImageStat.Stat(tile.convert("L").filter(ImageFilter.FIND_EDGES)).mean[0] for tile in tiles]
    return sorted(range(len(tiles)), key=lambda place: -edges[place])[:_BUSIEST]


def asked(session: onnxruntime.InferenceSession, frame: Frame, size: int) -> Answers:
    """Logits of every group of views that a choice may use; a group is empty when the picture is too small for it."""

    def ask(pictures: list[Image.Image]) -> np.ndarray:
        if not pictures:
            return np.empty(0)
        pixels = batch(pictures, (127.5,) * 3, (127.5,) * 3)
        return session.run(["logit"], {"pixels": pixels})[0][:, 0]

    def mirrored(pictures: list[Image.Image]) -> list[Image.Image]:
        return [picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for picture in pictures]

    whole = [whole_view(frame.overview, size)[0]]
    tiles = {count: [picture for picture, _ in native_tiles(frame.image, size, count)] for count in GRIDS}
    between = [picture.resize((size, size), Image.Resampling.BICUBIC) for picture, _ in native_tiles(frame.image, 2 * size, 1)]
    found = {"whole": ask(whole), "whole, mirrored": ask(mirrored(whole)), "half size": ask(between)}
    found |= {f"{count} tiles": ask(pictures) for count, pictures in tiles.items()}
    found["2 tiles, mirrored"] = ask(mirrored(tiles[2]))
    found["busiest of 9"] = found["9 tiles"][busiest(tiles[9])]
    return found


def _joined(*names: str) -> Callable[[Answers], float]:
    return lambda found: float(np.mean(np.concatenate([found[name] for name in names])))


def _halves(tiles: str) -> Callable[[Answers], float]:
    """The whole counts as much as all tiles together."""
    return lambda found: float(
        np.mean([found["whole"].mean(), found[tiles].mean() if len(found[tiles]) else found["whole"].mean()])
    )


def _trimmed(*names: str) -> Callable[[Answers], float]:
    """The mean without the highest and the lowest, where four or more answered."""

    def join(found: Answers) -> float:
        values = np.sort(np.concatenate([found[name] for name in names]))
        return float(values[1:-1].mean() if len(values) > 3 else values.mean())

    return join


CHOICES: dict[str, tuple[int, Callable[[Answers], float]]] = {
    "whole": (1, _joined("whole")),
    "whole + 1 tile": (2, _joined("whole", "1 tiles")),
    "whole + 2 tiles": (3, _joined("whole", "2 tiles")),
    "whole + 4 tiles": (5, _joined("whole", "4 tiles")),
    "whole + 9 tiles": (10, _joined("whole", "9 tiles")),
    "whole + 4 tiles, trimmed": (5, _trimmed("whole", "4 tiles")),
    "whole + 9 tiles, trimmed": (10, _trimmed("whole", "9 tiles")),
    "whole and 2 tiles, halves": (3, _halves("2 tiles")),
    "whole and 4 tiles, halves": (5, _halves("4 tiles")),
    "whole + 2 busiest of 9": (3, _joined("whole", "busiest of 9")),
    "whole + half size + 2 tiles": (4, _joined("whole", "half size", "2 tiles")),
    "whole + half size": (2, _joined("whole", "half size")),
    "whole mirrored + 2 tiles": (4, _joined("whole", "whole, mirrored", "2 tiles")),
    "all mirrored, 2 tiles": (6, _joined("whole", "whole, mirrored", "2 tiles", "2 tiles, mirrored")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=30)
    parser.add_argument("--confirm", action="store_true", help="ask about held-out pictures instead")
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(arguments.model), options, providers=["CPUExecutionProvider"])
    split = "heldout" if arguments.confirm else "calibrate"
    rows: list[Row] = []
    answers: list[Answers] = []
    for item in sampled(config, arguments.data, arguments.limit, (split,)):
        try:
            frame = open_media(item.file, Settings()).frames[0]
        except InputError:
            continue
        if scene_refusal(frame) is None:
            answers.append(asked(session, frame, config["card"]["input"]["size"]))
            rows.append(Row(split=split, label=item.label, source=item.source, kind=item.kind, file=item.file.name, logit=0.0))
    for name, (passes, join) in CHOICES.items():
        found = ranking(rows, np.array([join(answer) for answer in answers]))
        figures = f"AUC {found['auc']:.4f}  at 1 % {found['tpr_at_fpr_1']:.3f}  at 5 % {found['tpr_at_fpr_5']:.3f}"
        print(f"{split:9} {len(rows)} pictures  {name:28} {passes:2} passes  {figures}")


if __name__ == "__main__":
    main()
